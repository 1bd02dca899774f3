"""DT: a teacher of another LMS chooses activities; our answer, read by another hand than ours."""

import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
import time_machine
from webtest import TestResponse

from tenants.catalog.models import Activity
from tenants.lti.launches.models import Outcome
from tenants.lti.launches.services import steps_of
from tenants.lti.tool.models import Platform
from tenants.lti.wire.custom import of_link
from tenants.lti.wire.deeplink import DEEP_LINKING_STEPS
from tests.conformance.platform import CLAIM, INSTRUCTOR, LEARNER, Site
from tests.conformance.visits import Scene, Visit
from tests.features.pages import words
from tests.house import House, forms_of

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
#: As Moodle 4.5 sends them (mod/lti/locallib.php, lti_build_content_item_selection_request).
MOODLE = {
    "accept_types": ["ltiResourceLink"],
    "accept_presentation_document_targets": ["frame", "iframe", "window"],
    "accept_copy_advice": False,
    "accept_multiple": True,
    "accept_unsigned": False,
    "auto_create": False,
    "can_confirm": False,
}


@dataclass
class Choice:
    """One teacher's request for a choice."""

    scene: Scene
    visit: Visit

    @classmethod
    def by_teacher(cls, scene: Scene) -> "Choice":
        return cls(scene, scene.visit())

    @property
    def return_url(self) -> str:
        return f"{self.scene.platform.issuer}/mod/lti/contentitem_return.php?course=3&id=5&sesskey=x9"

    def ask(self, *left_out: str, settings: Any = None, drop: tuple[str, ...] = (), **changes: Any) -> TestResponse:
        """``drop``: members left out of Moodle's settings."""
        full = {**MOODLE, "deep_link_return_url": self.return_url, **(settings or {})}
        claims: dict[str, Any] = {
            "message_type": "LtiDeepLinkingRequest",
            "roles": [INSTRUCTOR],
            DL + "deep_linking_settings": {name: value for name, value in full.items() if name not in drop},
            **changes,
        }
        return self.visit.launch("resource_link", *left_out, **claims)

    def picker(self, **settings: Any) -> TestResponse:
        return self.visit.browser.get(self.ask(settings=settings).location, status=200)

    def send(self, page: TestResponse, *activities: Activity, cancel: bool = False) -> TestResponse:
        fields = [("item", str(each.id)) for each in activities] + ([("cancel", "1")] if cancel else [])
        return self.visit.browser.app.post(page.request.path, fields, status="*")

    def answer(self, page: TestResponse) -> dict[str, Any]:
        """The claims of our answer, verified with our published keys as the LMS would."""
        (form,) = forms_of(page)
        assert form.action == self.return_url
        assert [name for name in form.fields if name] == ["JWT"]
        token = form["JWT"].value
        keys = jwt.PyJWKSet.from_dict(self.visit.browser.get("/lti/jwks").json)
        key = next(each for each in keys.keys if each.key_id == jwt.get_unverified_header(token)["kid"])
        platform = self.scene.platform
        claims: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=platform.issuer, issuer=platform.client_id)
        assert claims[CLAIM + "message_type"] == "LtiDeepLinkingResponse"
        assert claims[CLAIM + "version"] == "1.3.0"
        assert claims[CLAIM + "deployment_id"] == platform.deployment
        assert claims["aud"] == platform.issuer, "one text, no list"
        return claims

    def items(self, page: TestResponse) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.answer(page)[DL + "content_items"]
        return found


@pytest.fixture
def choice(scene: Scene) -> Choice:
    return Choice.by_teacher(scene)


def activity_of(scene: Scene) -> Activity:
    with scene.kit.session() as session:
        found = session.get_one(Activity, scene.activity_id)
        session.expunge(found)
        return found


@pytest.mark.case("DT-001")
def test_a_request_from_moodle_opens_the_picker_and_is_answered(choice: Choice) -> None:
    scene = choice.scene
    before = scene.written()
    page = choice.picker()
    assert "An e-learning" in page
    assert page.html.find("input", {"type": "checkbox"})
    sent = choice.send(page, activity_of(scene))
    (item,) = choice.items(sent)
    assert item == {
        "type": "ltiResourceLink",
        "url": scene.target,
        "title": "An e-learning",
        "text": "What it is about",
        "custom": of_link(scene.activity_id),
    }
    assert "Continue" in words(sent), "a button for browsers without JavaScript"
    policy = sent.headers["Content-Security-Policy"]
    assert f"form-action 'self' {scene.platform.issuer}" in policy
    assert scene.written() == before, "choosing makes no account, no session and no enrolment"
    row = scene.rows(1)[0]
    assert (row.outcome, row.code, row.message_type) == (Outcome.ACCEPTED, "", "LtiDeepLinkingRequest")
    assert [step.check.name for step in steps_of(row) if step.part == "launch"] == list(DEEP_LINKING_STEPS)
    assert all(step.check.passed for step in steps_of(row))


@pytest.mark.case("DT-001")
def test_an_answer_is_given_once_within_an_hour(choice: Choice) -> None:
    page = choice.picker()
    again = choice.picker()
    assert choice.items(choice.send(page, cancel=True)) == []
    for method in (choice.visit.browser.get, choice.visit.browser.app.post):
        assert "LTI_PICK_OVER" in method(page.request.path, status=410)
    with time_machine.travel(time.time() + 3601, tick=True):
        assert "LTI_PICK_OVER" in choice.visit.browser.get(again.request.path, status=410)
    assert "LTI_PICK_OVER" in choice.visit.browser.get("/lti/pick/" + "x" * 43, status=410)


@pytest.mark.case("DT-001")
def test_the_picker_searches_and_keeps_what_is_ticked(own_scene: Scene) -> None:
    choice = Choice.by_teacher(own_scene)
    second, hidden = own_scene.kit.activity(), own_scene.kit.activity(shared=False)
    draft = own_scene.kit.activity(published=False)
    with own_scene.kit.session() as session:
        session.get_one(Activity, second.id).title = "100 % of Whales"
    page = choice.picker()
    assert all(str(each) in page for each in (own_scene.activity_id, second.id))
    assert not any(str(each.id) in page for each in (hidden, draft))
    found = choice.visit.browser.app.get(
        page.request.path, {"q": "WHALES 100 %"}, headers={"HX-Request": "true"}, status=200
    )
    assert str(second.id) in found
    assert str(own_scene.activity_id) not in found
    assert "<html" not in found
    kept = choice.visit.browser.app.get(page.request.path, {"q": "no such word", "item": str(second.id)})
    assert kept.html.find("input", {"value": str(second.id)}).has_attr("checked")
    for foreign in (hidden, draft):
        assert "LTI_NOT_AVAILABLE" in choice.send(page, foreign)
    both = choice.items(choice.send(page, second, activity_of(own_scene)))
    assert [each["title"] for each in both] == ["100 % of Whales", "An e-learning"]


@pytest.mark.case("DT-001")
def test_a_playlist_goes_as_one_link_or_as_many(choice: Choice) -> None:
    kit = choice.scene.kit
    first, second, hidden = kit.activity(), kit.activity(), kit.activity(shared=False)
    playlist = kit.playlist(first, hidden, second)
    page = choice.picker()
    assert "its 2 parts, a link for each" in words(page)
    sent = choice.visit.browser.app.post(page.request.path, [("parts", str(playlist.id)), ("item", str(first.id))])
    assert [item["url"][-36:] for item in choice.items(sent)] == [str(first.id), str(second.id)], "each once"
    (one,) = choice.items(choice.send(choice.picker(), playlist))
    assert one["title"] == "A playlist"
    assert "a link for each" not in words(choice.picker(accept_multiple=False))


@pytest.mark.case("DT-001")
def test_nothing_ticked_is_asked_for_again(choice: Choice) -> None:
    page = choice.picker()
    again = choice.send(page)
    assert again.status_int == 422
    assert "Nothing is chosen" in words(again)
    assert len(choice.items(choice.send(page, activity_of(choice.scene)))) == 1


@pytest.mark.case("DT-002")
@pytest.mark.parametrize(
    ("drop", "settings", "code", "step"),
    [
        (("deep_link_return_url",), {}, "LTI13_CLAIM", "claims"),
        (("accept_types",), {}, "LTI13_CLAIM", "claims"),
        ((), {"accept_types": ["file", "html"]}, "LTI_PICK_TYPES", "types"),
    ],
)
def test_settings_that_cannot_be_answered(
    choice: Choice, drop: tuple[str, ...], settings: dict[str, Any], code: str, step: str
) -> None:
    before = choice.scene.written()
    response = choice.ask(drop=drop, settings=settings)
    assert refused(choice, response, code, step, before)


@pytest.mark.case("DT-002")
def test_no_settings_at_all(choice: Choice) -> None:
    before = choice.scene.written()
    nothing: dict[str, Any] = {DL + "deep_linking_settings": None}
    response = choice.ask(**nothing)
    assert refused(choice, response, "LTI13_CLAIM", "claims", before)


@pytest.mark.case("DT-003")
@pytest.mark.parametrize("said", [False, "false", None])
def test_a_single_choice(choice: Choice, said: object) -> None:
    page = choice.picker(accept_multiple=said)
    assert page.html.find("input", {"type": "radio"})
    assert not page.html.find("input", {"type": "checkbox"})
    two = choice.send(page, activity_of(choice.scene), choice.scene.kit.activity())
    assert "LTI_PICK_SINGLE" in two
    assert len(choice.items(choice.send(page, activity_of(choice.scene)))) == 1, "the refused one used nothing up"


@pytest.mark.case("DT-004")
@pytest.mark.parametrize("data", ["op=321&v=44", '{"a": "ü <b>"}', ""])
def test_data_comes_back_as_it_was(choice: Choice, data: str) -> None:
    claims = choice.answer(choice.send(choice.picker(data=data), activity_of(choice.scene)))
    assert claims[DL + "data"] == data


@pytest.mark.case("DT-004")
def test_no_data_no_claim(choice: Choice) -> None:
    assert DL + "data" not in choice.answer(choice.send(choice.picker(), activity_of(choice.scene)))


@pytest.mark.case("DT-006")
def test_the_chosen_link_opens_the_activity(choice: Choice) -> None:
    (item,) = choice.items(choice.send(choice.picker(), activity_of(choice.scene)))
    learner = choice.scene.visit()
    assert learner.begin(target_link_uri=item["url"]).status_int == 302
    learner.accepted(learner.answer(learner.platform.sign(learner.claims(target=item["url"], custom=item["custom"]))))


@pytest.mark.case("DT-007")
@pytest.mark.parametrize("roles", [[LEARNER], []])
def test_learners_choose_nothing(choice: Choice, roles: list[str]) -> None:
    before = choice.scene.written()
    assert refused(choice, choice.ask(roles=roles), "LTI_PICK_STAFF", "staff", before)


@pytest.mark.case("DT-008")
def test_a_grade_column_only_where_it_is_taken(choice: Choice) -> None:
    chosen = activity_of(choice.scene)
    (without,) = choice.items(choice.send(choice.picker(accept_lineitem=False), chosen))
    assert "lineItem" not in without
    (item,) = choice.items(choice.send(choice.picker(accept_lineitem=True), chosen))
    review = item["lineItem"].pop("submissionReview")
    assert item["lineItem"] == {"label": "An e-learning", "scoreMaximum": 100, "resourceId": str(chosen.id)}
    assert review["url"] == item["url"], "the gradebook there offers the learner's attempt"


@pytest.mark.case("DT-009")
@pytest.mark.parametrize(
    "address", ["http://school.example/return", "javascript:alert(1)", "//school.example", "data:text/html,x"]
)
def test_answers_go_to_safe_addresses_only(choice: Choice, address: str) -> None:
    before = choice.scene.written()
    response = choice.ask(settings={"deep_link_return_url": address})
    assert response.status_int == 400
    assert scene_code(choice) in ("LTI_PICK_RETURN", "LTI13_CLAIM")
    assert choice.scene.written() == before


def test_a_paused_platform_gets_no_answer(house: House, site: Site) -> None:
    scene = Scene.set(house.academy(), site.open())
    choice = Choice.by_teacher(scene)
    page = choice.picker()
    with scene.kit.session() as session:
        session.get_one(Platform, scene.platform_id).is_active = False
    assert "LTI_NOT_AVAILABLE" in choice.send(page, activity_of(scene))


def test_what_must_not_be_asked_of_another_academy(house: House, site: Site) -> None:
    """The token of a choice opens nothing at the neighbour's."""
    scene, other = Scene.set(house.academy(), site.open()), house.academy()
    page = Choice.by_teacher(scene).picker()
    assert "LTI_PICK_OVER" in other.browser().get(page.request.path, status=410)


def refused(choice: Choice, response: TestResponse, code: str, step: str, before: Any) -> bool:
    problem = choice.scene.kit.runtime.problems[code]
    assert response.status_int == problem.status, response.text
    row = choice.scene.rows(1)[0]
    assert (row.outcome, row.code) == (Outcome.REFUSED, code)
    assert [check[0] for check in row.checks["launch"] if check[1] is False] == [step]
    assert choice.scene.written() == before
    return code in response


def scene_code(choice: Choice) -> str:
    return choice.scene.rows(1)[0].code
