"""Everything that must work works without scripts: they only make it quicker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.admin import fill_platform
from tests.browser.learner import RIGHT, fill_in, open_questions
from tests.services import wait_for


@pytest.fixture
def plain(academies: Academies) -> Iterator[Page]:
    """A stranger's browser with scripts switched off."""
    context = academies.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def test_the_learners_whole_way(plain: Page, academies: Academies) -> None:
    academies.lms.add_person("petra", "Petra Plain")
    plain.goto(academies.lms.course_url("petra"))
    plain.locator("li a").first.click()
    plain.get_by_role("button", name="Continue").click()  # the LMS's form, which scripts would send by themselves
    plain.get_by_role("button", name="Start").click()
    while "/learn/" in plain.url:
        for question in open_questions(plain):
            fill_in(question, RIGHT)
            question.get_by_role("button", name="Check answer").click()
            expect(question.locator(".notice")).to_contain_text("Right.")
        plain.locator(".player-bar button").click()
    expect(plain.get_by_text("100 %")).to_be_visible()

    def is_sent() -> bool:
        plain.reload()
        return plain.get_by_text("Sent to School at").count() > 0

    wait_for(is_sent, "the result to be sent")


def test_registering_a_platform(plain: Page, academies: Academies) -> None:
    admin = academies.context("admin")
    plain.context.add_cookies(admin.cookies())  # type: ignore[arg-type]  # -- Playwright takes back what it gave
    base, other = academies.base("admin"), academies.registered
    plain.goto(f"{base}/integrations")
    plain.get_by_role("link", name="LTI 1.3").click()
    plain.get_by_role("link", name="Add new Platform").first.click()
    plain.get_by_role("button", name="Save platform").click()
    expect(plain.get_by_role("alert")).to_contain_text("Enter a name")
    fill_platform(plain, "Without scripts", other, untidy=True)
    plain.get_by_label("Tool client ID").fill("without-scripts")
    plain.get_by_label("Activated").check()
    plain.get_by_role("button", name="Save platform").click()
    expect(plain.get_by_role("heading", name="Without scripts")).to_be_visible()
    expect(plain.get_by_text("Spaces or invisible characters were removed from")).to_be_visible()
    expect(plain.get_by_text("Waiting for first launch")).to_be_visible()
    plain.get_by_role("link", name="Delete platform").click()
    plain.get_by_role("button", name="Delete platform").click()
    expect(plain.get_by_text("The platform is deleted")).to_be_visible()
