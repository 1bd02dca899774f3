"""Inside the LMS's page: another site's frame, in browsers that keep no cookies of others."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Playwright, Route, expect

from tests.browser import pictures
from tests.browser.academies import Academies
from tests.browser.conftest import QUIET
from tests.browser.learner import RIGHT, fill_in
from tests.services import chromium


@pytest.fixture(scope="module")
def strict(playwright: Playwright) -> Iterator[Browser]:
    """Chromium with third-party cookies blocked: only partitioned ones live in a frame."""
    launched = playwright.chromium.launch(
        executable_path=chromium(), args=[*QUIET, "--test-third-party-cookie-phaseout"]
    )
    yield launched
    launched.close()


@pytest.fixture
def window(academies: Academies) -> Iterator[BrowserContext]:
    context = academies.new_context()
    yield context
    context.close()


def click_link(page: Page, academies: Academies, person: str) -> FrameLocator:
    academies.lms.add_person(person, f"{person.title()} Framed")
    page.goto(academies.lms.course_url(person, frame=True) + "&via=POST")
    page.locator("li a").first.click()
    return page.frame_locator("iframe[name=tool]")


def test_a_partitioned_cookie_is_enough(strict: Browser, academies: Academies) -> None:
    context = strict.new_context()
    context.set_default_timeout(180_000)
    page = context.new_page()
    frame = click_link(page, academies, "freya")
    frame.get_by_role("button", name="Start").click()
    question = frame.locator("form[id^=q-]").first
    question.wait_for()
    fill_in(question, RIGHT)
    question.get_by_role("button", name="Check answer").click()
    expect(question.locator(".notice")).to_contain_text("Right.")
    expect(frame.get_by_role("navigation", name="Main")).to_have_count(0)
    frame.get_by_role("link", name="Back to School").click()
    expect(page).to_have_url(academies.lms.course_url("freya"))
    context.close()


@pytest.mark.case("T3-046")
def test_no_cookie_at_all_takes_one_click(window: BrowserContext, academies: Academies) -> None:
    """As in browsers that keep nothing in a frame: what the login set there is gone when the launch comes. A form in
    the page would be stopped by our content policy where the login is redirected to the platform; a link is not.
    """

    def forget(route: Route) -> None:
        if route.request.frame.parent_frame is not None:
            window.clear_cookies()
        route.continue_()

    window.route("**/lti/launch", forget)
    page = window.new_page()
    frame = click_link(page, academies, "frida")
    expect(frame.get_by_role("heading", name="One more click")).to_be_visible()
    expect(frame.get_by_text("LTI13_COOKIE")).to_be_visible()
    if os.environ.get("LYCEUM_TEST_GUIDES"):
        pictures.take(page, "one-more-click")
    with window.expect_page() as opened:
        frame.get_by_role("link", name="Open in a new window").click()
    expect(opened.value.get_by_role("heading", name="Tides")).to_be_visible()
    expect(opened.value.get_by_role("button", name="Start")).to_be_visible()
    admin = academies.window("admin")
    admin.goto(f"{academies.base('admin')}/integrations/launches")
    assert admin.locator("tbody .chip").all_inner_texts()[:2] == ["Accepted", "Refused"]
