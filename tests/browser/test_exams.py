"""The same exam, passed by one and failed by another: a tool of LTI 1.3 (PyLTI1p3) in a frame, what its score means to the
learner, and what the author sees of both.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.links import LinkValues
from tests.installation import installation
from tests.interop.looking import Looking
from tests.interop.test_story_out_http import School
from tests.peers.tools import Tool13

MINIMUM = 70

#: The academy and the tool start first, on a machine that may have much else to do.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with installation(tmp_path_factory.mktemp("exams"), app__demo="true") as made:
        made.cli("demo")
        made.serve()
        looking = Looking.into(made)
        yield School(looking)
        looking.close()


@pytest.fixture(scope="module")
def peer() -> Iterator[Tool13]:
    """On the academy's site: over plain http the tool's cookie does not live in another site's frame."""
    with Tool13() as running:
        running.url = running.url.replace("127.0.0.1", "tool.north.localhost")
        yield running


@pytest.fixture(scope="module")
def exam(school: School, peer: Tool13) -> Activity:
    values = LinkValues(Protocol.LTI_13, tool_id=school.tool(peer, name="Examiner").id, url=peer.launch_url)
    return school.activity(values, minimum=MINIMUM)


@pytest.fixture(scope="module")
def strict_exam(school: School, peer: Tool13) -> Activity:
    """Nothing but all points is enough."""
    values = LinkValues(Protocol.LTI_13, tool_id=school.tool(peer, name="Strict examiner").id, url=peer.launch_url)
    return school.activity(values, minimum=100)


def signed_in(browser: Browser, school: School, person: Person) -> BrowserContext:
    with school.looking.session(write=True) as session:
        path = SignIn(session).issue_link(session.get_one(Person, person.id))
    window = browser.new_context(viewport={"width": 1280, "height": 900})
    window.set_default_timeout(60_000)
    page = window.new_page()
    page.goto(school.base + path)
    page.close()
    return window


def sit(page: Page, school: School, exam: Activity) -> Frame:
    """From the activity's page into the tool, by way of the consent."""
    page.goto(f"{school.base}/activities/{exam.id}")
    expect(page.get_by_text(f"You pass with {exam.minimum_score} % or more.")).to_be_visible()
    page.get_by_role("link", name="Open", exact=True).click()
    page.get_by_role("button", name="Agree and open").click()
    frame = page.locator("iframe[name=tool]").element_handle().content_frame()
    assert frame is not None
    return frame


#: By what is given of 100: the verdict, and the percents that people read.
SITTINGS = ((70, "Passed", "70 %"), (69.999, "Failed", "69.99 %"))


def test_one_passes_and_another_fails_and_the_author_sees_both(
    browser: Browser, school: School, peer: Tool13, exam: Activity
) -> None:
    people = []
    for given, verdict, shown in SITTINGS:
        person = school.person()
        people.append(person)
        window = signed_in(browser, school, person)
        page = window.new_page()
        frame = sit(page, school, exam)
        expect(frame.get_by_text(f"{person.name} in {exam.title}")).to_be_visible()
        page.get_by_role("link", name="Back to the activity").click()
        expect(page.get_by_role("main").get_by_text("Waiting for result").first).to_be_visible()

        sent = peer.score(given)
        assert sent.ok, sent
        page.reload()
        main = page.get_by_role("main")
        expect(main.get_by_text(verdict, exact=True).first).to_be_visible()
        expect(main.locator(".verdict")).to_contain_text(shown)
        expect(main.get_by_text("You pass with 70 % or more.")).to_be_visible()
        expect(main.get_by_text(f"{given} of 100, from Examiner, ")).to_be_visible()
        window.close()

    window = signed_in(browser, school, school.person(Role.AUTHOR))
    page = window.new_page()
    page.goto(f"{school.base}/activities/{exam.id}/settings")
    page.get_by_role("link", name="Results", exact=True).last.click()
    for person, (given, verdict, _shown) in zip(people, SITTINGS, strict=True):
        row = page.get_by_role("row").filter(has_text=person.name)
        expect(row).to_contain_text(verdict)
        expect(row).to_contain_text(str(given))
    window.close()


@pytest.mark.parametrize(("given", "maximum", "verdict"), [(49, 70, "Passed"), (69.999, 100, "Failed")])
def test_a_verdict_stands_in_the_list_of_results(
    browser: Browser, school: School, peer: Tool13, exam: Activity, given: float, maximum: float, verdict: str
) -> None:
    """49 of 70 is 70 %."""
    window = signed_in(browser, school, school.person())
    page = window.new_page()
    sit(page, school, exam).get_by_text(exam.title).wait_for()
    assert peer.score(given, maximum=maximum).ok
    page.goto(f"{school.base}/results")
    expect(page.get_by_role("row").filter(has_text=exam.title)).to_contain_text(verdict)
    window.close()


@pytest.mark.parametrize(("given", "verdict"), [(70, "Passed"), (69.999, "Failed")])
def test_all_of_70_points_pass_and_a_thousandth_less_fails(
    browser: Browser, school: School, peer: Tool13, strict_exam: Activity, given: float, verdict: str
) -> None:
    window = signed_in(browser, school, school.person())
    page = window.new_page()
    sit(page, school, strict_exam).get_by_text(strict_exam.title).wait_for()
    assert peer.score(given, maximum=70).ok
    page.goto(f"{school.base}/activities/{strict_exam.id}")
    expect(page.get_by_role("main").get_by_text(verdict, exact=True).first).to_be_visible()
    window.close()
