"""The pages of Zoom meetings, of the groups of a course and of calendars."""

from itertools import count

import httpx
from playwright.sync_api import Page, expect

from tests.browser.academies import Academies
from tests.browser.meetings import fill_profile
from tests.browser.meetings import press as send
from tests.browser.screen import Screen
from tests.browser.tool_screens import fail

ZOOM = "/integrations/zoom"
PROFILE = ZOOM + "/profiles/{Zoom profile}"
COURSE, GROUP, MEETING = "/courses/{Zoom course}", "/groups/{Zoom group}", "/activities/{meeting}"
ADMIN, LEARNER = "admin with Zoom", "learner with Zoom"
_numbers = count(2)


def show_token(page: Page, _academies: Academies) -> None:
    fill_profile(page, f"Zoom {next(_numbers)}")
    send(page, "Save")
    expect(page.get_by_text("Copy the Access Token now")).to_be_visible()


def check(page: Page, _academies: Academies) -> None:
    send(page, "Check Zoom connection")
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def call(page: Page, academies: Academies) -> None:
    """As Zoom does, with a token that is right and a function that does not exist."""
    base = httpx.URL(academies.base(ADMIN))
    fields = {"wstoken": academies.ids["Zoom token"], "wsfunction": "core_nothing", "moodlewsrestformat": "json"}
    address = f"http://127.0.0.1:{base.port}/webservice/rest/server.php"
    httpx.post(address, data=fields, headers={"Host": base.netloc.decode()})
    page.reload()
    expect(page.locator("#trace li").first).to_be_visible()


def make_address(page: Page, _academies: Academies) -> None:
    if page.get_by_role("button", name="Make an address").count():
        send(page, "Make an address")
    expect(page.locator("#feed-address")).to_be_visible()


MEETINGS = (
    Screen("zoom-off", "admin without LTI", ZOOM),
    Screen("zoom-empty", "new admin", ZOOM),
    Screen("zoom", ADMIN, ZOOM),
    Screen("zoom-profile-new", ADMIN, f"{ZOOM}/profiles/new"),
    Screen("zoom-profile-new-failed", ADMIN, f"{ZOOM}/profiles/new", fail("Save")),
    Screen("zoom-profile", ADMIN, PROFILE),
    Screen("zoom-profile-edit", ADMIN, f"{PROFILE}/edit"),
    Screen("zoom-profile-token", ADMIN, f"{ZOOM}/profiles/new", show_token),
    Screen("zoom-profile-token-again", ADMIN, f"{PROFILE}/token"),
    Screen("zoom-profile-rotate", ADMIN, f"{PROFILE}/rotate"),
    Screen("zoom-profile-delete", ADMIN, f"{PROFILE}/delete"),
    Screen("zoom-check", ADMIN, PROFILE, check),
    Screen("zoom-trace", ADMIN, f"{PROFILE}/trace", call),
    Screen("zoom-course", ADMIN, COURSE),
    Screen("group-new", ADMIN, COURSE + "/groups/new"),
    Screen("group", LEARNER, GROUP),
    Screen("group-people", ADMIN, GROUP + "/people"),
    Screen("group-add", ADMIN, GROUP + "/people/add"),
    Screen("group-settings", ADMIN, GROUP + "/edit"),
    Screen("group-delete", ADMIN, GROUP + "/delete"),
    Screen("group-calendar", LEARNER, GROUP + "/calendar"),
    Screen("zoom-meeting-settings", ADMIN, MEETING + "/settings"),
    Screen("zoom-meeting-content", ADMIN, MEETING + "/content"),
    Screen("zoom-meeting-bare", ADMIN, "/activities/{bare meeting}/content"),
    Screen("zoom-meeting", LEARNER, MEETING),
    Screen("zoom-consent", LEARNER, "/learn/{meeting}/zoom"),
    Screen("zoom-learner-course", LEARNER, COURSE),
    Screen("calendar-course", LEARNER, COURSE + "/calendar"),
    Screen("calendar-empty", "learner with Zoom", "/calendar"),
    Screen("calendar-address", ADMIN, "/calendar", make_address),
)
