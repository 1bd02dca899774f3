"""The pages of outside tools: entered, registered, watched; what an activity opens; what learners, authors and admins
see of it. The tool is the south of the demonstration.
"""

from collections.abc import Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Frame, Page, expect

from tests.browser.academies import Academies
from tests.browser.learner import Answers, study
from tests.browser.report_screens import run_self_test
from tests.browser.screen import Screen, Step
from tests.protocol.test_tool_registration import BODY

TOOLS = "/integrations/lti-1.3/tools"
SOUTH = TOOLS + "/{South Academy}"
CALLS = "/integrations/tool-calls"
_numbers = count(1)

ARITHMETIC: Answers = {
    "How many grams of salt": ["20"],
    "A dough of 800 g": ["75"],
    "Twelve loaves": ["9"],
    "A dough of 80": ["sticky and open-crumbed"],
    "What slows": ["Cold", "Salt"],
}
#: One of the three questions of “At the oven” is right.
OVEN: Answers = {"What makes a crust": ["Steam"], "When is a loaf done": ["It is black"], "A loaf of 1000 g": ["150"]}
MAIL = """Hello, here is your course.
Launch-URL: https://vendor.example/lti/launch?course=7
Consumer key: north-academy
Shared secret: 5f1e7a9c0b
Custom parameters: level=3
Kind regards"""


def press(name: str) -> Step:
    def step(page: Page, _academies: Academies) -> None:
        page.get_by_role("button", name=name, exact=True).first.click()
        page.wait_for_load_state()

    return step


def fail(name: str) -> Step:
    def step(page: Page, academies: Academies) -> None:
        press(name)(page, academies)
        page.locator("[data-error-summary]").wait_for()

    return step


def fill_from_json(page: Page, _academies: Academies) -> None:
    page.get_by_text("Paste a configuration").click()
    page.get_by_label("Configuration").fill(
        '{"title": "Mathematics", "oidc_initiation_url": "https://math.example/login"}'
    )
    page.get_by_role("button", name="Fill the form").click()
    page.get_by_text("Nothing is saved yet").or_(page.locator("[data-error-summary]")).first.wait_for()


def invite(page: Page, _academies: Academies) -> None:
    page.get_by_text("Add tool by URL").first.click()
    page.get_by_label("Registration URL").fill(f"https://vendor{next(_numbers)}.example/register")
    page.get_by_role("button", name="Add tool by URL").click()
    page.get_by_text("Waiting for the tool.").wait_for()


def knock(
    academies: Academies, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
) -> httpx.Response:
    """A tool's request. Names below localhost are this machine (RFC 6761 §6.3), which not every resolver knows."""
    address = urlsplit(academies.base("admin"))
    url = f"{address.scheme}://127.0.0.1:{address.port}{path}"
    return httpx.post(url, headers={"Host": address.netloc, **(headers or {})}, **options)


def register(page: Page, academies: Academies) -> None:
    """The tool's own part of Dynamic Registration."""
    invite(page, academies)
    link = page.get_by_role("link", name="Open the tool's registration").get_attribute("href") or ""
    (token,) = parse_qs(urlsplit(link).query)["registration_token"]
    answer = knock(academies, "/lti/registrations", json=BODY, headers={"Authorization": f"Bearer {token}"})
    assert answer.is_success, answer.text
    page.get_by_role("link", name="Look at the tool").wait_for()


def decide(page: Page, academies: Academies) -> None:
    register(page, academies)
    page.get_by_role("link", name="Look at the tool").click()
    page.get_by_role("button", name="Approve").wait_for()


def read_mail(page: Page, _academies: Academies) -> None:
    page.get_by_text("Take the credentials from an e-mail").click()
    page.get_by_label("The vendor's e-mail").fill(MAIL)
    page.get_by_role("button", name="Read the e-mail").click()
    page.get_by_label("Launch-URL").wait_for()


def frame_of(page: Page) -> Frame:
    if page.get_by_role("button", name="Agree and open").count():
        page.get_by_role("button", name="Agree and open").click()
    frame = page.locator("iframe[name=tool]").element_handle().content_frame()
    assert frame is not None
    return frame


def play(page: Page, _academies: Academies) -> None:
    frame_of(page).locator("h1").first.wait_for()


def sit(answers: Answers, verdict: str) -> Step:
    """Once; the learner's next visit finds the verdict."""

    def step(page: Page, _academies: Academies) -> None:
        chip = page.get_by_role("main").get_by_text(verdict, exact=True)
        if chip.count():
            return
        activity = page.url
        page.get_by_role("main").get_by_role("link", name="Open").or_(page.get_by_role("link", name="Continue")).click()
        frame = frame_of(page)
        study(frame, answers)
        frame.get_by_text("Sent to North Academy").first.wait_for()
        page.goto(activity)
        chip.first.wait_for()

    return step


def wait(page: Page, _academies: Academies) -> None:
    """Opened, and the tool has not said anything."""
    if page.get_by_text("Waiting for result").count() == 0:
        activity = page.url
        page.get_by_role("main").get_by_role("link", name="Open", exact=True).click()
        frame_of(page).get_by_role("button", name="Start").wait_for()
        page.goto(activity)
    page.get_by_text("Waiting for result").first.wait_for()


def as_learner(path: str, step: Step) -> Step:
    """Before the admin looks, the learner does something."""

    def then(page: Page, academies: Academies) -> None:
        other = academies.page("learner")
        other.goto(academies.base("learner") + path.format_map(academies.ids))
        step(other, academies)
        other.close()
        page.reload()

    return then


def ask_in_vain(page: Page, academies: Academies) -> None:
    """A tool, or somebody, with a token that nobody gave."""
    knock(academies, "/lti/token", data={"grant_type": "client_credentials"})
    page.reload()
    expect(page.get_by_role("table")).to_be_visible()


def choose(page: Page, _academies: Academies) -> None:
    page.get_by_role("button", name="Pick content").first.click()
    page.get_by_role("button", name="Add to the course").wait_for()
    page.get_by_label("Sourdough").check()
    page.get_by_role("button", name="Add to the course").click()
    page.get_by_role("heading", name="Chosen content").wait_for()


def new_exam_without_lti(page: Page, _academies: Academies) -> None:
    page.get_by_role("link", name="New course").first.click()
    page.get_by_label("Title").fill("Examinations")
    page.get_by_role("button", name="Save course").click()
    page.get_by_role("link", name="New activity").first.click()
    page.get_by_role("link", name="Exam", exact=True).click()
    page.get_by_text("LTI must be enabled").first.wait_for()


def new_exam(page: Page, academies: Academies) -> None:
    """Without credentials yet."""
    page.get_by_label("Title").fill(f"Exam {next(_numbers)}")
    page.get_by_role("button", name="Create activity").click()
    page.wait_for_url("**/activities/**")
    page.goto(f"{academies.base('admin')}/activities/{page.url.split('/activities/')[1].split('/')[0]}/lti-link")


EXAM, OTHER = "/activities/{exam}", "/activities/{oven exam}"
PASS, FALL_SHORT = sit(ARITHMETIC, "Passed"), sit(OVEN, "Failed")

OUTSIDE = (
    Screen("tools-empty", "new admin", "/integrations/lti-1.3"),
    Screen("tool-new", "admin", f"{TOOLS}/new"),
    Screen("tool-new-failed", "admin", f"{TOOLS}/new", fail("Save tool")),
    Screen("tool-new-pasted", "admin", f"{TOOLS}/new", fill_from_json),
    Screen("tool-invited", "admin", f"{TOOLS}/new", invite),
    Screen("tool-registered", "admin", f"{TOOLS}/new", register),
    Screen("tool-pending", "admin", f"{TOOLS}/new", decide),
    Screen("tool", "admin", SOUTH),
    Screen("tool-edit", "admin", SOUTH + "/edit"),
    Screen("tool-self-test", "admin", SOUTH + "/self-test", run_self_test),
    Screen("tool-delete", "admin", SOUTH + "/delete"),
    Screen("tool-addresses", "admin", SOUTH, press("Ask its addresses")),
    Screen("activity-new-exam", "admin", "/courses/{visiting}/activities/new/exam/content"),
    Screen("activity-new-exam-locked", "admin without LTI", "/courses", new_exam_without_lti),
    Screen("activity-new-outside", "admin", "/courses/{visiting}/activities/new/exam/lti"),
    Screen("link-new", "admin", "/courses/{visiting}/activities/new/exam/lti", new_exam),
    Screen("link-12", "admin", "/activities/{sourdough}/lti-link"),
    Screen("link-12-mail", "admin", "/activities/{sourdough}/lti-link", read_mail),
    Screen("link-12-secret", "admin", "/activities/{sourdough}/lti-link", press("Reveal")),
    Screen("link-13", "admin", "/activities/{loaf}/lti-link"),
    Screen("outside-content", "admin", "/activities/{loaf}/content"),
    Screen("outside-settings", "admin", "/activities/{exam}/settings"),
    Screen("preview-12", "admin", "/activities/{sourdough}/lti-link", press("Preview")),
    Screen("preview-13", "admin", "/activities/{loaf}/lti-link", press("Preview")),
    Screen("consent", "learner", "/learn/{sourdough}/tool"),
    Screen("tool-player", "learner", "/learn/{loaf}/tool", play),
    Screen("exam-new", "admin", OTHER),
    Screen("exam-passed", "learner", EXAM, PASS),
    Screen("exam-failed", "learner", OTHER, FALL_SHORT),
    Screen("exam-waiting", "admin", EXAM, wait),
    Screen("minimum", "admin", EXAM + "/minimum"),
    Screen("minimum-flips", "admin", OTHER + "/minimum?minimum=10", as_learner(OTHER, FALL_SHORT)),
    Screen("gradebook", "admin", OTHER + "/results", as_learner(OTHER, FALL_SHORT)),
    Screen("gradebook-nobody-found", "admin", OTHER + "/results?q=nobody", as_learner(OTHER, FALL_SHORT)),
    Screen("tool-calls", "admin", CALLS, ask_in_vain),
    Screen("tool-calls-none-found", "admin", CALLS + "?code=NOTHING"),
    Screen("tool-calls-empty", "new admin", CALLS),
    Screen("content-tools", "admin", "/courses/{visiting}/content/tools?type=e-learning"),
    Screen("content-chosen", "admin", "/courses/{visiting}/content/tools?type=e-learning", choose),
)
