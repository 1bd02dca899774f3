"""A learner's way through an e-learning, page by page; what is right is not told before it was answered."""

import re

import pytest
from webtest import TestResponse

from tenants.access import Role
from tenants.catalog.models import Block, BlockKind
from tenants.catalog.services import Catalog
from tests.features.pages import words
from tests.house import Browser, House, Kit, forms_of


def test_a_learner_finishes_an_e_learning(house: House) -> None:
    kit: Kit = house.academy()
    activity = kit.activity()
    browser = kit.signed_in(Role.LEARNER)
    page = browser.get(f"/activities/{activity.id}")
    chapter = forms_of(page)[-1].submit().follow().follow()
    assert "Chapter 1" in chapter
    assert "right one" in chapter
    question = next(form for form in forms_of(chapter) if form.action.count("/") == 4)
    name = next(field for field in question.fields if field and field.startswith("a-"))
    question[name] = "0"
    answered = question.submit().follow()
    assert "Right." in answered
    second = forms_of(answered)[-1].submit().follow()
    assert "Chapter 2" in second
    blocked = forms_of(second)[-1].submit(status=422)
    assert "Answer this question first" in blocked
    question = next(form for form in forms_of(second) if form.action.count("/") == 4)
    name = next(field for field in question.fields if field and field.startswith("a-"))
    question[name] = "4,25"
    done = forms_of(question.submit().follow())[-1].submit().follow()
    assert re.search(r"100\s%", done.text)
    assert "Completed" in done


class Learner:
    """Somebody in the middle of an e-learning whose two questions give themselves away by telling words."""

    def __init__(self, house: House) -> None:
        self.kit = house.academy()
        self.activity = self.kit.activity()
        self.questions = [
            block for chapter in self.activity.chapters for block in chapter.blocks if block.kind is BlockKind.QUESTION
        ]
        with self.kit.session() as session:
            for block in self.questions:
                row = session.get_one(Block, block.id)
                Catalog(session).edit_block(row, {**row.body, "feedback": f"Telltale {block.id}"})
        self.browser: Browser = self.kit.signed_in()
        self.browser.post(f"/activities/{self.activity.id}", status=303)

    def chapter(self, place: int) -> str:
        return f"/learn/{self.activity.id}/{self.activity.chapters[place].id}"

    def answer(self, place: int, *given: str, status: int = 303, htmx: bool = False) -> TestResponse:
        block = self.questions[place]
        token = next(form for form in forms_of(self.browser.get("/profile")) if "csrf_token" in form.fields)
        fields = [(f"a-{block.id}", each) for each in given] + [("csrf_token", token["csrf_token"].value)]
        headers = {"HX-Request": "true"} if htmx else {}
        return self.browser.app.post(f"{self.chapter(place)}/{block.id}", fields, headers=headers, status=status)


def test_right_answers_are_nowhere_in_the_page_before_they_are_given(house: House) -> None:
    learner = Learner(house)
    before = [learner.browser.get(learner.chapter(place)).text for place in (0, 1)]
    before.append(learner.browser.get(f"/activities/{learner.activity.id}").text)
    for page in before:
        assert "Telltale" not in page
        assert "4.2" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
        assert "correct" not in page
        assert "is-good" not in page
    learner.answer(0, "1")
    after = learner.browser.get(learner.chapter(0)).text
    assert f"Telltale {learner.questions[0].id}" in after
    assert f"Telltale {learner.questions[1].id}" not in learner.browser.get(learner.chapter(1))
    assert f"Telltale {learner.questions[1].id}" in learner.answer(1, "7", status=200, htmx=True)


@pytest.mark.parametrize(
    ("place", "given"),
    [
        (0, ()),
        (0, ("2",)),
        (0, ("0", "1")),
        (0, ("-1",)),
        (0, ("٣",)),
        (1, ("",)),
        (1, ("NaN",)),
        (1, ("1", "2")),
        (1, ("9" * 40,)),
    ],
)
def test_what_is_no_answer_is_not_counted_as_one(house: House, place: int, given: tuple[str, ...]) -> None:
    learner = Learner(house)
    page = learner.answer(place, *given, status=422)
    assert "Telltale" not in page
    learner.answer(place, "0" if place == 0 else "4.2")
    assert "Right." in learner.browser.get(learner.chapter(place))


@pytest.mark.parametrize(
    ("given", "right"), [(("0", "2"), True), (("2", "0"), True), (("0",), False), (("0", "1", "2"), False)]
)
def test_of_several_answers_all_right_ones_and_no_other_are_asked_for(
    house: House, given: tuple[str, ...], right: bool
) -> None:
    learner = Learner(house)
    choices = [{"text": "a", "correct": True}, {"text": "b"}, {"text": "c", "correct": True}]
    with learner.kit.session() as session:
        row = session.get_one(Block, learner.questions[0].id)
        Catalog(session).edit_block(row, {"kind": "multiple", "prompt": "Which two?", "choices": choices})
    page = learner.browser.get(learner.chapter(0))
    assert len(page.html.find_all("input", {"type": "checkbox", "name": f"a-{learner.questions[0].id}"})) == 3
    for nothing in ((), ("3",), ("0", "7")):
        learner.answer(0, *nothing, status=422)
    learner.answer(0, *given)
    assert ("Right." in learner.browser.get(learner.chapter(0))) is right


def test_an_answer_stands(house: House) -> None:
    """Trying again until it is right would make the score worthless."""
    learner = Learner(house)
    learner.answer(0, "1")
    learner.answer(0, "0", status=303)
    assert "Right." not in learner.browser.get(learner.chapter(0))


def test_the_player_resumes_where_the_learner_was(house: House) -> None:
    learner = Learner(house)
    assert learner.browser.get(f"/learn/{learner.activity.id}", status=303).location.endswith(learner.chapter(0))
    learner.answer(0, "1")
    learner.browser.post(learner.chapter(0), status=303)
    assert learner.browser.get(f"/learn/{learner.activity.id}", status=303).location.endswith(learner.chapter(1))
    assert re.search(r"\b50 ?%", words(learner.browser.get(f"/activities/{learner.activity.id}")))
    assert learner.activity.title in learner.browser.get("/")


def test_pressed_twice_is_one_attempt_and_one_result(house: House) -> None:
    learner = Learner(house)
    learner.answer(0, "1")
    learner.answer(1, "4.2")
    for place in (0, 1, 1):
        learner.browser.post(learner.chapter(place), status=303)
    results = words(learner.browser.get("/results"))
    assert results.count(learner.activity.title) == 1
    assert re.search(r"\b50 ?%", results)
    learner.browser.post(f"/activities/{learner.activity.id}", {"again": "1"}, status=303)
    assert "Telltale" not in learner.browser.get(learner.chapter(0)), "a new attempt begins without answers"
    assert words(learner.browser.get("/results")).count(learner.activity.title) == 2


def test_nobody_sees_anothers_attempt(house: House) -> None:
    learner = Learner(house)
    learner.answer(0, "1")
    other = learner.kit.signed_in()
    assert learner.activity.title not in words(other.get("/results"))
    assert "Telltale" not in other.get(learner.chapter(0), status=303)
    assert "ATTEMPT_MISSING" in other.post(learner.chapter(0), status=409)


def test_an_author_tries_out_a_draft_and_learners_do_not(house: House) -> None:
    kit = house.academy()
    draft = kit.activity(published=False)
    assert "ACTIVITY_CLOSED" in kit.signed_in().get(f"/activities/{draft.id}", status=403)
    assert draft.title in kit.signed_in(Role.AUTHOR).get(f"/activities/{draft.id}", status=200)
