"""Submission review: a teacher of the other LMS sees one learner's attempts, read only, and nobody else does."""

import time
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
import time_machine
from webtest import TestResponse

from tenants.catalog.blocks import QuestionBody, body_of
from tenants.catalog.models import Activity
from tenants.learning.services import Learning, Outline
from tenants.lti.launches.models import Outcome
from tenants.lti.launches.services import steps_of
from tenants.lti.tool.models import Platform
from tenants.lti.wire.review import REVIEW_STEPS
from tests.conformance.platform import AGS, CLAIM, INSTRUCTOR, LEARNER, Site
from tests.conformance.visits import Scene, Visit, register
from tests.features.pages import words
from tests.house import House


@dataclass
class Course:
    """A learner who came over the link, and the teacher who reviews."""

    scene: Scene
    learner: Visit
    person_id: UUID

    @classmethod
    def of(cls, scene: Scene) -> "Course":
        learner = scene.visit()
        row = learner.accepted(learner.launch())
        assert row.person_id
        return cls(scene, learner, row.person_id)

    @property
    def line_item(self) -> str:
        found: str = self.learner.claims()[AGS]["lineitem"]
        return found

    def ask(self, *left_out: str, teacher: Visit | None = None, sub: str = "", **changes: Any) -> TestResponse:
        """As a gradebook does (Submission Review 1.0 §4): no resource link need be named."""
        claims = {
            "message_type": "LtiSubmissionReviewRequest",
            "roles": [INSTRUCTOR],
            CLAIM + "for_user": {"user_id": sub or self.learner.sub, "name": "Whoever"},
            **changes,
        }
        return (teacher or self.scene.visit()).launch(*left_out, **claims)

    def page(self, **changes: Any) -> TestResponse:
        response = self.ask("resource_link", **changes)
        assert response.status_int == 303, response.text
        return self.scene.kit.browser().get(response.location, status=200)

    def answer_all(self, *, right: bool) -> None:
        """Through the e-learning; ``right``: whether the answers are."""
        with self.scene.kit.session() as session:
            learning = Learning(session, self.person_id)
            activity = session.get_one(Activity, self.scene.activity_id)
            attempt = learning.open_attempt(activity)
            for chapter in Outline(activity, attempt).chapters:
                for block in Outline(activity, attempt).unanswered(chapter):
                    learning.answer(activity, block, _answer(body_of(block), right=right))
                learning.finish_chapter(activity, chapter)


def _answer(question: QuestionBody, *, right: bool) -> list[str]:
    wanted = [str(place) for place, choice in enumerate(question.choices) if choice.correct is right]
    return wanted[:1] if question.choices else [str((question.number or 0) + (0 if right else 1000))]


def refused(scene: Scene, response: TestResponse, code: str, step: str) -> bool:
    problem = scene.kit.runtime.problems[code]
    assert response.status_int == problem.status, response.text
    row = scene.rows(1)[0]
    assert (row.outcome, row.code) == (Outcome.REFUSED, code)
    assert [entry.check.name for entry in steps_of(row) if entry.check.passed is False] == [step]
    return code in response


def test_a_teacher_sees_the_attempt_of_the_learner_and_changes_nothing(scene: Scene) -> None:
    course = Course.of(scene)
    before = scene.written()
    assert "Nothing has been begun here yet" in words(course.page())
    course.answer_all(right=False)
    shown = words(course.page())
    with scene.kit.session() as session:
        body = body_of(Outline(activity := session.get_one(Activity, scene.activity_id),
                               Learning(session, course.person_id).open_attempt(activity)).questions[0])  # fmt: skip
    assert body.prompt in shown
    assert "Wrong" in shown
    assert "Completed" in shown
    assert "<form" not in course.page().text
    assert {**scene.written(), "outbox": 0} == {**before, "outbox": 0}, (
        "no account, session or enrolment of the teacher"
    )
    row = scene.rows(1)[0]
    assert (row.outcome, row.message_type) == (Outcome.ACCEPTED, "LtiSubmissionReviewRequest")
    assert [step.check.name for step in steps_of(row) if step.part == "launch"] == list(REVIEW_STEPS)
    assert all(step.check.passed for step in steps_of(row))


def test_it_is_found_by_the_link_where_the_column_is_not_known(scene: Scene) -> None:
    course = Course.of(scene)
    other_column: Any = {"lineitem": f"{scene.platform.issuer}/lineitems/none", "scope": []}
    response = course.ask(**{AGS: other_column})
    assert response.status_int == 303, response.text


def test_learners_see_their_own_attempt_only(scene: Scene) -> None:
    course, other = Course.of(scene), Course.of(scene)
    own = course.ask(teacher=scene.visit(sub=course.learner.sub), roles=[LEARNER])
    assert own.status_int == 303, own.text
    refused(scene, course.ask(teacher=other.learner, roles=[LEARNER]), "LTI_REVIEW_STAFF", "reviewer")


@pytest.mark.parametrize("named", ["nobody-who-came", "x" * 255])
def test_somebody_who_never_came_has_no_attempt(scene: Scene, named: str) -> None:
    assert refused(scene, Course.of(scene).ask(sub=named), "LTI_REVIEW_NOBODY", "submission")


@pytest.mark.parametrize("for_user", [None, {}, {"user_id": ""}, "anna"])
def test_a_request_names_its_learner(scene: Scene, for_user: Any) -> None:
    response = Course.of(scene).ask(**{CLAIM + "for_user": for_user})
    assert refused(scene, response, "LTI13_CLAIM", "claims")


def test_a_request_names_its_grade_column(scene: Scene) -> None:
    nothing: dict[str, Any] = {AGS: None}
    assert refused(scene, Course.of(scene).ask(**nothing), "LTI13_CLAIM", "claims")


def test_another_platform_cannot_ask_for_learners_of_this_one(own_scene: Scene, site: Site) -> None:
    course = Course.of(own_scene)
    stranger = site.open()
    register(own_scene.kit, stranger)
    claims = {AGS: course.learner.claims()[AGS]}
    response = course.ask(teacher=own_scene.visit(platform=stranger), **claims)
    assert refused(own_scene, response, "LTI_REVIEW_NOBODY", "submission")


def test_the_page_ends_after_an_hour_with_the_platform_and_at_the_neighbours(own_scene: Scene, house: House) -> None:
    course = Course.of(own_scene)
    address, browser = course.ask().location, own_scene.kit.browser()
    browser.get(address, status=200)
    with time_machine.travel(3601 + time.time(), tick=True):
        assert "LTI_REVIEW_OVER" in browser.get(address, status=410)
    assert "LTI_REVIEW_OVER" in browser.get(address[:-8] + "AAAAAAAA", status=410)
    assert "LTI_REVIEW_OVER" in house.academy().browser().get("/lti/review/" + address.rpartition("/")[2], status=410)
    with own_scene.kit.session() as session:
        session.get_one(Platform, own_scene.platform_id).is_active = False
    assert "LTI_NOT_AVAILABLE" in browser.get(address, status=403)
