"""The player as learners treat it: impatient clicks, two tabs, the back button, a window closed in the middle."""

import pytest
from playwright.sync_api import Page, Response, expect

from tests.browser.academies import Academies
from tests.browser.learner import (
    ALL_WRONG,
    RIGHT,
    answer_all,
    begin,
    fill_in,
    go_on,
    open_questions,
    study,
    study_until_finish,
)
from tests.services import wait_for

#: What only those may read who have answered.
SECRETS = (
    "One bulge faces the Moon",
    "The name has nothing to do",
    "Three twelfths",
    "The right number",
    "Right answer",
)


@pytest.fixture
def learner(request: pytest.FixtureRequest, academies: Academies) -> Page:
    """Somebody new at the activity, come from the LMS; the name there is the test's."""
    key = request.node.name.removeprefix("test_")[:40]
    academies.lms.add_person(key, f"{key.title()} Learner")
    return academies.launch(key)


def deliveries_of(academies: Academies, name: str) -> list[str]:
    """What the LMS was told about somebody, newest first, as the admin's list has it."""
    page = academies.window("admin")
    page.goto(f"{academies.base('admin')}/integrations/results")
    return page.get_by_role("row", name=name).locator("td.number").all_inner_texts()


def test_answers_stay_on_the_server_until_given(learner: Page) -> None:
    bodies: list[str] = []

    def keep(response: Response) -> None:
        if response.request.resource_type in ("document", "xhr", "fetch") and not 300 <= response.status < 400:
            bodies.append(response.text())

    learner.on("response", keep)
    begin(learner)
    learner.reload()
    questions = open_questions(learner)
    assert len(questions) == 1
    told = "\n".join([*bodies, learner.content(), learner.evaluate("() => JSON.stringify({...sessionStorage})")])
    assert [secret for secret in SECRETS if secret in told] == []
    assert "correct" not in told
    inputs = questions[0].locator("input[name^=a-]")
    assert len(set(inputs.evaluate_all("all => all.map(one => Object.keys(one.dataset).join())"))) == 1
    answer_all(learner)
    assert SECRETS[0] in learner.content()
    assert [secret for secret in SECRETS[1:4] if secret in learner.content()] == []


def test_the_answer_takes_the_focus_and_is_heard(learner: Page) -> None:
    begin(learner)
    question = open_questions(learner)[0]
    address = learner.url
    fill_in(question, ALL_WRONG)
    button = question.get_by_role("button", name="Check answer")
    button.focus()
    learner.keyboard.press("Enter")
    expect(question.locator(".notice")).to_be_focused()
    expect(question.locator(".notice")).to_contain_text("Not right.")
    expect(button).to_have_count(0)
    assert learner.url == address, "the page was loaded anew"
    assert question.locator("input:not([type=hidden])").evaluate_all("all => all.every(one => one.disabled)")


def test_an_empty_answer_is_asked_for_again(learner: Page) -> None:
    begin(learner)
    question = open_questions(learner)[0]
    question.get_by_role("button", name="Check answer").click()
    expect(question.locator(".field-error")).to_contain_text("Choose or enter an answer")
    expect(question.locator("fieldset")).to_be_focused()
    answer_all(learner)
    assert go_on(learner)


def test_two_clicks_finish_once(learner: Page, academies: Academies) -> None:
    study_until_finish(learner)
    learner.get_by_role("button", name="Finish").dblclick()
    expect(learner.get_by_text("Sent to School at")).to_be_visible()
    assert deliveries_of(academies, "Two_Clicks_Finish_Once Learner") == ["100 %", "In progress"]
    score = academies.lms.score("two_clicks_finish_once", title="Tides")
    assert score is not None
    assert (score.given, score.accepted) == (100, 2)


def test_back_after_the_end_shows_what_was_answered(learner: Page) -> None:
    study(learner)
    learner.go_back()
    expect(learner.get_by_role("heading", name="Reckoning with the tide")).to_be_visible()
    expect(learner.get_by_text("Three twelfths")).to_be_visible()
    expect(learner.get_by_role("button", name="Finish")).to_have_count(0)
    learner.get_by_role("link", name="To your result").click()
    expect(learner.get_by_text("100 %")).to_be_visible()


def test_closing_the_window_loses_nothing(learner: Page, academies: Academies) -> None:
    begin(learner)
    answer_all(learner)
    go_on(learner)
    context = learner.context
    learner.close()
    again = academies.launch("closing_the_window_loses_nothing", page=context.new_page())
    expect(again.get_by_text("In progress")).to_be_visible()
    again.get_by_role("link", name="Continue").click()
    expect(again.get_by_role("heading", name="Spring tides and neap tides")).to_be_visible()
    assert len(open_questions(again)) == 1


def test_two_tabs_are_one_learner(learner: Page, academies: Academies) -> None:
    begin(learner)
    other = learner.context.new_page()
    other.goto(learner.url)
    answer_all(learner)
    fill_in(open_questions(other)[0], ALL_WRONG)
    other.get_by_role("button", name="Check answer").click()
    expect(other.locator(".notice").first).to_contain_text("Right.")
    while go_on(learner):
        answer_all(learner, RIGHT)
    other.locator(".player-bar .button-primary").click()
    expect(other.get_by_role("heading", name="Spring tides and neap tides")).to_be_visible()
    wait_for(lambda: len(deliveries_of(academies, "Two_Tabs_Are_One_Learner Learner")) == 2, "both deliveries")
    expect(learner.get_by_text("100 %")).to_be_visible()
