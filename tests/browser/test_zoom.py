"""The whole manual of Zoom LTI Pro, as people live it: an academy that has nothing, and practice Zoom beside it.

Admin and operator, coach and learner sit at real browsers; the values are carried over by the clipboard.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from tests.installation import Installation
from tests.peers.zoom.client import RunningZoom
from tests.services import wait_for

NOTICE = "Practice Zoom: not Zoom."
PATIENCE = 120_000

pytestmark = pytest.mark.timeout(1200)


@dataclass
class Stage:
    """``zoom_url`` is where browsers reach practice Zoom: another site than the academies."""

    made: Installation
    zoom: RunningZoom
    zoom_url: str
    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)

    def window(self) -> Page:
        """Somebody's own browser."""
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 900}, permissions=["clipboard-read", "clipboard-write"]
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        return context.new_page()

    @property
    def operator(self) -> BrowserContext:
        """Signed in since the start."""
        return self.contexts[0]

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with RunningZoom() as zoom:
        zoom_url = zoom.url.replace("127.0.0.1", "practice-zoom.localhost")
        more = {"app__demo": "true", "zoom__ltipro_url": zoom_url}
        made = Installation(tmp_path_factory.mktemp("zoom"), more=more)
        try:
            made.cli("migrate")
            doors = made.json("demo")["doors"]
            made.serve()
            stage = Stage(made, zoom, zoom_url, browser)
            stage.window().goto(doors[-1]["sign_in_urls"]["operator"])
            yield stage
            stage.close()
        finally:
            made.close()


@dataclass
class Place:
    """What a test has made so far, in an academy of its own."""

    stage: Stage
    base: str
    admin: Page
    ids: dict[str, str] = field(default_factory=dict)

    def go(self, path: str, page: Page | None = None) -> Page:
        page = page or self.admin
        page.goto(self.base + path)
        return page


def copied(page: Page, label: str) -> str:
    """Presses the copy button of a value and says what is on the clipboard then."""
    page.get_by_role("button", name=f"Copy {label}", exact=True).click()
    expect(page.get_by_role("button", name=f"Copied {label}", exact=True)).to_be_visible()
    text: str = page.evaluate("() => navigator.clipboard.readText()")
    return text


def founded(stage: Stage) -> Place:
    """The operator makes an academy and switches Zoom on; its admin comes in."""
    operator = stage.operator.new_page()
    slug = f"harbour{uuid4().hex[:5]}"
    operator.goto(f"http://localhost:{stage.made.port}/academies/new")
    operator.get_by_label("Name", exact=True).fill("Harbour Academy")
    operator.get_by_label("Short name").fill(slug)
    operator.get_by_label("Admin's e-mail").fill(f"ada.admin@{slug}.example")
    operator.get_by_role("button", name="Create academy").click()
    link = operator.locator("#sign-in-link").inner_text()
    operator.locator("#reason-zoom").fill("Part of the plan")
    operator.get_by_role("button", name="Switch Zoom on").click()
    operator.get_by_role("button", name="Switch Zoom off").wait_for()
    operator.close()
    admin = stage.window()
    admin.goto(link)
    return Place(stage, stage.made.url(slug), admin)


def lti_key(zoom: Page) -> str:
    """In the Marketplace, as the manual says, up to the LTI Key."""
    for step in ("Manage", "Added Apps", "LTI Pro", "Configure", "Create a new credential"):
        expect(zoom.get_by_text(NOTICE)).to_be_visible()
        zoom.get_by_role("link", name=step, exact=True).click()
    zoom.get_by_label("LTI 1.3").check()
    zoom.get_by_label("Name").fill("Harbour")
    zoom.get_by_role("button", name="Create").click()
    zoom.get_by_role("button", name="Copy LTI Key").click()
    expect(zoom.get_by_text("Copied")).to_be_visible()
    text: str = zoom.evaluate("() => navigator.clipboard.readText()")
    return text


def add_instance(zoom: Page, url: str, client_id: str, token: str) -> None:
    zoom.get_by_role("link", name="3rd Party Credentials").click()
    zoom.get_by_role("link", name="LTI Moodle").click()
    zoom.get_by_role("switch", name="Calendar").click()
    expect(zoom.get_by_role("switch", name="Calendar")).to_have_attribute("aria-checked", "true")
    zoom.get_by_role("link", name="Add Instance").click()
    for label, value in (("URL", url), ("Client ID", client_id), ("Access Token", token)):
        zoom.get_by_label(label).fill(value)
    zoom.get_by_role("button", name="Save").click()
    expect(zoom.get_by_role("cell", name=client_id)).to_be_visible()


def press(page: Page, button: str) -> None:
    """A button of a form; the page that answers it is there afterwards."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=True).click()


def connect(place: Place) -> None:
    """The wizard: two windows side by side."""
    admin, zoom = place.admin, place.stage.window()
    zoom.goto(place.stage.zoom_url)
    admin.get_by_role("link", name="Integrations").first.click()
    place.go("/integrations/zoom")
    admin.get_by_label("Zoom", exact=True).check()
    for kind in ("Course element", "Course tool", "Group tool", "Zoom may write calendar entries"):
        admin.get_by_label(kind).check()
    press(admin, "Save")
    admin.get_by_role("link", name="Add Zoom LTI Pro configuration").first.click()
    expect(admin.get_by_text("Create a new credential")).to_be_visible()
    admin.get_by_label("Name", exact=True).fill("Harbour's Zoom")
    admin.get_by_label("LTI Key", exact=True).fill(f"  {lti_key(zoom)}\n")
    admin.get_by_label("Zoom may read who takes part").check()
    press(admin, "Save")
    expect(admin.get_by_text("Copy the Access Token now")).to_be_visible()
    values = [copied(admin, label) for label in ("Site URL", "Client ID", "Access Token")]
    assert values[0] == place.base
    assert len(values[2]) >= 40
    add_instance(zoom, *values)
    zoom.close()
    place.go("/integrations/zoom").get_by_role("link", name="Harbour's Zoom").click()
    expect(admin.get_by_role("heading", name="Harbour's Zoom")).to_be_visible()
    place.ids["profile"] = admin.url.rpartition("/")[2]


def check(place: Place) -> Page:
    """Edit → Check Zoom connection; the report, once it has ended."""
    place.go(f"/integrations/zoom/profiles/{place.ids['profile']}")
    place.admin.get_by_role("link", name="Edit", exact=True).click()
    with place.admin.context.expect_page() as opened:
        place.admin.get_by_role("button", name="Check Zoom connection").click()
    report = opened.value
    expect(report.get_by_role("button", name="Run again")).to_be_visible()
    return report


def results(report: Page) -> dict[str, str]:
    """Each line's title and how it ended."""
    rows = report.locator("tbody tr")
    cells = [row.locator("td").all_inner_texts()[:2] for row in rows.all()]
    return {title.partition(". ")[2]: outcome for title, outcome in cells}


def invite(place: Place, given: str) -> Page:
    """A new person of the academy, in their own browser."""
    page = place.go("/people/new")
    page.get_by_label("E-mail").fill(f"{given.lower()}@harbour.example")
    page.get_by_label("First name").fill(given)
    page.get_by_label("Last name").fill("Sailor")
    press(page, "Invite person")
    link = page.locator("#sign-in-link").inner_text()
    window = place.stage.window()
    window.goto(link)
    return window


def make_course(place: Place) -> None:
    """A course with a Zoom meeting and the course tool."""
    page = place.go("/courses/new")
    page.get_by_label("Title").fill("Navigation")
    press(page, "Save course")
    page.get_by_role("heading", name="Navigation").wait_for()
    place.ids["course"] = page.url.rpartition("/")[2]
    page.get_by_role("link", name="New activity").first.click()
    page.get_by_role("link", name="Zoom meeting").click()
    page.get_by_label("Title").fill("Office hour")
    press(page, "Create activity")
    page.get_by_role("link", name="Choose the Zoom profile").or_(
        page.get_by_role("link", name="Settings")
    ).first.click()
    press(page, "Save Zoom settings")
    place.ids["activity"] = page.url.split("/activities/")[1].partition("/")[0]
    press(page, "Publish activity")
    page.get_by_role("button", name="Take back to draft").wait_for()
    place.go(f"/courses/{place.ids['course']}")
    page.get_by_label("Zoom is on here").check()
    press(page, "Save Zoom settings")
    place.go(f"/courses/{place.ids['course']}")
    press(page, "Publish course")
    page.get_by_role("button", name="Take back to draft").wait_for()


def make_group(place: Place, coach: str, learner: str) -> None:
    page = place.go(f"/courses/{place.ids['course']}")
    page.get_by_role("link", name="New group").click()
    page.get_by_label("Title").fill("Evening watch")
    press(page, "Create group")
    page.get_by_role("heading", name="Add people").wait_for()
    place.ids["group"] = page.url.split("/groups/")[1].partition("/")[0]
    for person in (coach, learner):
        page.get_by_label(f"{person} Sailor").check()
    press(page, "Add to the group")
    place.go(f"/groups/{place.ids['group']}/people")
    press(page, f"Make {coach} Sailor a coach of the group")
    place.go(f"/groups/{place.ids['group']}/edit")
    page.get_by_label("Zoom is on here").check()
    press(page, "Save Zoom settings")


def open_zoom(place: Place, page: Page, path: str) -> FrameLocator:
    """From the page of a course, a group or an activity into Zoom's frame; agrees when asked."""
    place.go(path, page)
    page.get_by_role("link", name="Open Zoom").first.click()
    agree = page.get_by_role("button", name="Agree and open")
    frame = page.locator("iframe[name=tool]")
    expect(agree.or_(frame).first).to_be_visible()
    if agree.count():
        agree.click()
    inside = page.frame_locator("iframe[name=tool]")
    expect(inside.get_by_role("heading", name="Upcoming Meetings")).to_be_visible()
    expect(inside.get_by_text(NOTICE)).to_be_visible()
    return inside


def schedule(inside: FrameLocator, topic: str, *, time: str = "10:30", weeks: int = 1) -> None:
    inside.get_by_role("link", name="Schedule a New Meeting").click()
    fill(inside, topic, time=time, weeks=weeks)


def fill(inside: FrameLocator, topic: str, *, time: str, weeks: int = 1) -> None:
    inside.get_by_label("Topic").fill(topic)
    inside.get_by_label("Time", exact=True).fill(time)
    inside.get_by_label("Recurring, number of weeks").fill(str(weeks))
    inside.get_by_role("button", name="Save").click()
    expect(inside.get_by_role("cell", name=topic, exact=True)).to_be_visible()


def shows(place: Place, page: Page, path: str, *texts: str) -> None:
    """The calendar there has lines with each of these, as soon as Zoom has called."""

    def is_there() -> bool:
        lines = place.go(path, page).locator("main .agenda li")
        return all(lines.filter(has_text=text).count() for text in texts)

    wait_for(is_there, f"{texts} at {path}: {place.stage.zoom.calls()[-3:]}", 60)


def lacks(place: Place, page: Page, path: str, text: str) -> None:
    assert place.go(path, page).locator("main .agenda li").filter(has_text=text).count() == 0


def reads_roster(place: Place, page: Page, path: str) -> None:
    """Zoom asks for a token and reads who is in the group: who came by name, in their roles, and nobody else."""
    inside = open_zoom(place, page, path)
    inside.get_by_role("link", name="Roster").click()
    for person, role in (("Carla", "Instructor"), ("Lena", "Learner")):
        told = inside.get_by_role("listitem").filter(has_text=f"{person} Sailor {person.lower()}@harbour.example")
        expect(told.filter(has_text=role)).to_have_count(1)
    expect(inside.get_by_role("listitem").filter(has_text="Omar")).to_have_count(0)


def test_the_whole_manual(stage: Stage) -> None:
    place = founded(stage)
    connect(place)
    report = check(place)
    expect(report.get_by_text("Zoom and this academy understand each other.")).to_be_visible()
    first = results(report)
    assert set(first.values()) == {"OK", "Not checked"}, first
    assert first["Zoom asks with our Client ID, and to be answered where we may answer"] == "OK"
    report.close()

    coach, learner, other = (invite(place, given) for given in ("Carla", "Lena", "Omar"))
    make_course(place)
    make_group(place, "Carla", "Lena")
    course, group = f"/courses/{place.ids['course']}", f"/groups/{place.ids['group']}"
    activity = f"/activities/{place.ids['activity']}"

    teacher = place.admin
    inside = open_zoom(place, teacher, activity)
    expect(inside.get_by_text("instructor")).to_be_visible()
    schedule(inside, "Tides and moon")
    shows(place, teacher, f"{course}/calendar", "Tides and moon")
    inside = open_zoom(place, teacher, course)
    schedule(inside, "Plenary", weeks=3)
    shows(place, teacher, f"{course}/calendar", "Plenary", "Tides and moon")
    inside = open_zoom(place, coach, group)
    expect(inside.get_by_text("instructor")).to_be_visible()
    schedule(inside, "Night watch")
    shows(place, coach, f"{group}/calendar", "Night watch")
    lacks(place, teacher, f"{course}/calendar", "Night watch")

    inside = open_zoom(place, learner, group)
    expect(inside.get_by_text("learner")).to_be_visible()
    expect(inside.get_by_role("link", name="Join")).to_be_visible()
    expect(inside.get_by_role("link", name="Schedule a New Meeting")).to_have_count(0)
    open_zoom(place, learner, activity)
    shows(place, learner, "/calendar", "Night watch", "Tides and moon")
    lacks(place, other, "/calendar", "Night watch")

    inside = open_zoom(place, coach, group)
    inside.get_by_role("link", name="Edit Night watch").click()
    fill(inside, "Dog watch", time="16:00")
    shows(place, learner, f"{group}/calendar", "Dog watch")
    lacks(place, learner, f"{group}/calendar", "Night watch")
    inside.get_by_role("button", name="Delete Dog watch").click()
    expect(inside.get_by_text("There are no upcoming meetings.")).to_be_visible()
    wait_for(lambda: is_gone(place, learner, f"{group}/calendar", "Dog watch"), "the deleted meeting to go", 60)

    reads_roster(place, coach, group)

    report = check(place)
    expect(report.get_by_text("Zoom and this academy understand each other.")).to_be_visible()
    last = results(report)
    came = ("Zoom has read our public keys", "Somebody has opened Zoom", "Zoom has told of a meeting")
    assert [last[each] for each in came] == ["OK"] * 3
    marks = place.go(f"/integrations/zoom/profiles/{place.ids['profile']}").locator("#marks")
    for words in ("auth.php", "certs.php", "server.php"):
        expect(marks.locator("li[data-state=done]", has_text=words)).to_have_count(1)
    assert stage.zoom.refusals() == []


def is_gone(place: Place, page: Page, path: str, text: str) -> bool:
    """Not there any more, or said to be cancelled."""
    line = place.go(path, page).locator("main .agenda li").filter(has_text=text)
    return line.count() == 0 or line.filter(has_text="Cancelled").count() == line.count()
