"""What a learner does in a browser: comes from an LMS, answers, goes on, finishes."""

import re
from collections.abc import Mapping, Sequence

from playwright.sync_api import Frame, Locator, Page

Answers = Mapping[str, Sequence[str]]
#: A window, or our frame in another LMS's page.
Place = Page | Frame
#: The demonstration's e-learning "Tides": by the beginning of the question, what to choose or to enter.
RIGHT: Answers = {
    "How many high tides": ["Two"],
    "When are spring tides": ["At new moon", "At full moon"],
    "The range is 6": ["1.5"],
}
#: The microlearning "Signs of a storm".
STORM: Answers = {"Which of these announces": ["Pressure that falls quickly"], "When is a sail reefed": ["Early"]}
ALL_WRONG: Answers = {**dict.fromkeys(RIGHT, ("One", "At half moon")), "The range is 6": ["3"]}


def open_questions(page: Place) -> list[Locator]:
    """Forms of questions that have not been answered, as locators that stay valid while the page changes."""
    waiting = page.locator("form[id^=q-]", has=page.get_by_role("button", name="Check answer"))
    return [page.locator(f"#{form.get_attribute('id')}") for form in waiting.all()]


def fill_in(question: Locator, answers: Answers) -> None:
    prompt = question.locator("legend").inner_text()
    given = next(given for words, given in answers.items() if words in prompt)
    for choice in given:
        label = question.locator("label", has_text=re.compile(rf"^\s*{re.escape(choice)}\s*$"))
        if label.count():
            label.click()
        elif question.get_by_label("Your answer").count():
            question.get_by_label("Your answer").fill(choice)


def answer_all(page: Place, answers: Answers = RIGHT) -> None:
    """Every open question of the chapter, one by one."""
    for question in open_questions(page):
        fill_in(question, answers)
        question.get_by_role("button", name="Check answer").click()
        question.locator(".notice").wait_for()


def begin(page: Place) -> None:
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/learn/**")


def go_on(page: Place) -> bool:
    """The button below the chapter; True while there is a chapter to read."""
    before = page.url
    page.locator(".player-bar").get_by_role("button").or_(page.locator(".player-bar .button-primary")).last.click()
    page.wait_for_url(lambda url: url != before)
    return "/learn/" in page.url


def study(page: Place, answers: Answers = RIGHT) -> None:
    """From the activity's page to the end of the e-learning."""
    begin(page)
    answer_all(page, answers)
    while go_on(page):
        answer_all(page, answers)


def study_until_finish(page: Place, answers: Answers = RIGHT) -> None:
    """Everything but the last press of the button."""
    begin(page)
    answer_all(page, answers)
    while page.get_by_role("button", name="Finish").count() == 0:
        go_on(page)
        answer_all(page, answers)
