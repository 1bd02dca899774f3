"""The story that everything stands on, as people live it: an academy shares an activity with another LMS.

Two web and worker processes on PostgreSQL and Redis; the LMS is another product's LTI in a process of its own; admin and
learner sit at real browsers that have nothing but the links they were given.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.admin import add_platform, fill_platform
from tests.browser.learner import Answers, study, study_until_finish
from tests.installation import Installation, Running
from tests.peers.lms.client import Registered, Resource, RunningLMS
from tests.services import wait_for

pytestmark = [pytest.mark.postgresql, pytest.mark.redis]
LOAF: Answers = {"not needed for bread": ["Sugar"], "How many grams": ["350"]}
PATIENCE = 120_000


@dataclass
class Stage:
    """The installation with its links, and the worker that can be killed."""

    made: Installation
    links: dict[str, str]
    worker: Running


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    redis_url = os.environ["LYCEUM_TEST_REDIS"]
    more = {"app__demo": "true", "jobs__broker": redis_url, "limits__storage": redis_url}
    made = Installation(tmp_path_factory.mktemp("stage"), "postgresql", more)
    try:
        made.cli("migrate")
        doors = made.json("demo")["doors"]
        links = {f"{urlsplit(door['url']).hostname}": door["sign_in_urls"]["admin"] for door in doors if "admin" in door["sign_in_urls"]}  # fmt: skip
        worker = made.worker()
        made.serve(embedded=False)
        yield Stage(made, links, worker)
    finally:
        made.close()


@pytest.fixture(scope="module")
def school() -> Iterator[RunningLMS]:
    """An LMS of this module's own: it is broken on purpose here."""
    with RunningLMS() as running:
        yield running


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    yield context
    context.close()


@pytest.fixture
def admin(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
    )
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def copied(page: Page, label: str) -> str:
    """Presses the copy button of a value and says what is on the clipboard then."""
    page.get_by_role("button", name=f"Copy {label}", exact=True).click()
    expect(page.get_by_role("button", name=f"Copied {label}", exact=True)).to_be_visible()
    text: str = page.evaluate("() => navigator.clipboard.readText()")
    return text


def click_in_course(page: Page, school: RunningLMS, person: str, title: str) -> None:
    page.goto(school.course_url(person))
    page.get_by_role("link", name=title, exact=True).click()


def grade(school: RunningLMS, person: str, title: str) -> float | None:
    score = school.score(person, title=title)
    return score.given if score and score.activity_progress == "Completed" else None


def open_delivery(page: Page, base: str, person: str) -> None:
    page.goto(f"{base}/integrations/results")
    page.get_by_role("row", name=person).get_by_role("link").first.click()


def test_the_whole_story(stage: Stage, school: RunningLMS, admin: Page, window: BrowserContext) -> None:
    base = stage.made.url("north")
    admin.goto(stage.links["north.localhost"])
    admin.get_by_role("link", name="Integrations").click()
    admin.get_by_role("link", name="LTI 1.3").click()
    admin.get_by_role("link", name="Add new Platform").first.click()
    registered = school.register(
        login_url=copied(admin, "Login URL"),
        redirect_uris=[copied(admin, "Redirect URI")],
        jwks_url=copied(admin, "JWKS URL"),
    )
    fill_platform(admin, "School", registered, untidy=True)
    admin.get_by_label("Activated").check()
    admin.get_by_role("button", name="Save platform").click()
    expect(admin.get_by_role("heading", name="School")).to_be_visible()
    said = admin.get_by_text("Spaces or invisible characters were removed from")
    for field in ("Name", "Issuer", "Tool client ID", "JWKS URL"):
        expect(said).to_contain_text(field)

    admin.get_by_role("link", name="Courses").click()
    admin.get_by_role("link", name="The sea").click()
    admin.get_by_role("link", name="Settings of Tides").click()
    available = admin.get_by_role("switch", name="Available for LTI")
    available.click()
    expect(available).to_have_attribute("aria-checked", "false")
    expect(admin.get_by_text("LTI 1.3 Resource URL")).to_have_count(0)
    available.click()
    expect(available).to_have_attribute("aria-checked", "true")
    school.place(registered.client_id, Resource("Tides", copied(admin, "LTI 1.3 Resource URL")))

    learner = window.new_page()
    click_in_course(learner, school, "anna", "Tides")
    expect(learner.get_by_role("heading", name="Tides")).to_be_visible()
    assert learner.locator("input[type=password], input[type=email]").count() == 0
    study(learner)
    expect(learner.get_by_text("100 %")).to_be_visible()
    expect(learner.get_by_text("Sent to School at")).to_be_visible()

    learner.goto(f"{school.url}/courses/1/gradebook")
    expect(learner.locator("td[data-person=anna]")).to_have_text("100 / 100, Completed, FullyGraded")

    admin.goto(f"{base}/integrations/launches")
    admin.locator("tbody a").first.click()
    expect(admin.get_by_text("The signature is genuine")).to_be_visible()
    checks = admin.locator(".timeline > li")
    assert checks.count() >= 30
    assert set(checks.evaluate_all("all => all.map(one => one.dataset.state)")) == {"pass"}
    assert "eyJ" not in admin.content(), "a token stands in the page"

    open_delivery(admin, base, "Anna Åkesson")
    expect(admin.get_by_text("Confirmed").first).to_be_visible(timeout=PATIENCE)
    expect(admin.locator(".timeline")).to_contain_text("Send result")


@dataclass
class Connected:
    """The other academy: its admin's page, and its e-learning as a link in the LMS's course."""

    admin: Page
    base: str
    registered: Registered


@pytest.fixture(scope="module")
def south(stage: Stage, school: RunningLMS, browser: Browser) -> Iterator[Connected]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    admin, base = context.new_page(), stage.made.url("south")
    admin.goto(stage.links["south.localhost"])
    admin.get_by_role("link", name="Courses").click()
    admin.get_by_role("link", name="Bread").click()
    admin.get_by_role("link", name="Settings of A first loaf").click()
    registered = school.register(
        login_url=f"{base}/lti/login",
        redirect_uris=[f"{base}/lti/launch"],
        jwks_url=f"{base}/lti/jwks",
        resources=[Resource("Loaf", admin.locator("#resource-url").inner_text())],
        deployment_ids=["1", "2"],
    )
    add_platform(admin, base, "School", registered)
    yield Connected(admin, base, registered)
    context.close()


def test_the_worker_is_killed_before_the_result_is_sent(
    stage: Stage, school: RunningLMS, south: Connected, window: BrowserContext
) -> None:
    learner = window.new_page()
    click_in_course(learner, school, "bruno", "Loaf")
    study_until_finish(learner, LOAF)
    wait_for(lambda: school.score("bruno", title="Loaf") is not None, "the word that Bruno has begun")
    school.fail("scores", {"status": 503, "delay": 2})
    learner.get_by_role("button", name="Finish").click()
    wait_for(lambda: not school.pending_faults().get("scores"), "the delivery to be under way")
    stage.worker.kill()
    expect(learner.get_by_text("On its way to School")).to_be_visible()
    assert grade(school, "bruno", "Loaf") is None
    stage.worker = stage.made.worker()
    wait_for(lambda: grade(school, "bruno", "Loaf") == 100, "the score after the worker came back")
    expect(learner.get_by_text("Sent to School at")).to_be_visible()


def test_the_lms_is_away_twice(stage: Stage, school: RunningLMS, south: Connected, window: BrowserContext) -> None:
    learner = window.new_page()
    click_in_course(learner, school, "layla", "Loaf")
    study_until_finish(learner, LOAF)
    wait_for(lambda: school.score("layla", title="Loaf") is not None, "the word that Layla has begun")
    school.fail("scores", {"status": 503}, times=2)
    learner.get_by_role("button", name="Finish").click()
    expect(learner.get_by_text("Sent to School at")).to_be_visible()
    assert grade(school, "layla", "Loaf") == 100
    open_delivery(south.admin, south.base, "ليلى الحداد")
    tries = south.admin.locator(".timeline > li")
    failed = tries.locator("dd", has_text="HTTP 503")
    expect(failed).to_have_count(2)
    assert tries.evaluate_all("all => all.map(one => one.dataset.state)")[:3].count("fail") == 2


def test_a_refused_launch_is_inspected_and_mended(school: RunningLMS, south: Connected, window: BrowserContext) -> None:
    """The other LMS's admin deployed the tool a second time; nobody told the academy."""
    loaf = south.registered.links[0]
    school.place(loaf.client_id, Resource("Second loaf", loaf.url), deployment_id="2")
    learner, admin = window.new_page(), south.admin
    click_in_course(learner, school, "bruno", "Second loaf")
    expect(learner.get_by_text("LTI13_DEPLOYMENT")).to_be_visible()

    admin.goto(south.base)
    admin.get_by_role("link", name="See why").first.click()
    admin.get_by_role("row", name="LTI13_DEPLOYMENT").get_by_role("link").first.click()
    failed = admin.locator(".timeline > li[data-state=fail]")
    expect(failed).to_have_count(1)
    expect(failed).to_contain_text("The deployment is allowed")
    expect(failed.locator("dd").first).to_contain_text("2")
    expect(admin.locator(".problem")).to_contain_text("Who can fix it")
    admin.get_by_role("link", name="Open the platform").click()
    admin.get_by_role("link", name="Edit platform").click()
    admin.get_by_label("Tool deployment ID").fill("1\n2")
    admin.get_by_role("button", name="Save platform").click()

    click_in_course(learner, school, "bruno", "Second loaf")
    expect(learner.get_by_role("heading", name="A first loaf")).to_be_visible()
    admin.goto(south.base)
    expect(admin.get_by_role("link", name="See why")).to_have_count(0)
