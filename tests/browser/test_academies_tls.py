"""Academy to academy, on two sites over TLS: a learner of the north opens the south's e-learning in a frame, finishes it
there, and the north shows it completed. The connections are the demonstration's own.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Frame, Page, Playwright, expect

from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tests.browser.conftest import QUIET
from tests.browser.learner import study
from tests.browser.tls import Front
from tests.installation import Installation
from tests.interop.looking import Looking
from tests.interop.test_story_out_http import School
from tests.services import chromium, free_port, wait_for

#: Browsers take each name below .localhost for a site of its own, and the academies find one another there, too.
NORTH, SOUTH = "north.localhost", "south.localhost"
BREAD = {
    "Which of these is not needed": ["Sugar"],
    "How many grams of water": ["350"],
    "What does a sourdough": ["Flour and water"],
}

#: The academies and a browser start first, on a machine that may have much else to do.
pytestmark = pytest.mark.timeout(600)


class Fronted(Installation):
    """Its academies are reached through a front that ends TLS."""

    def url(self, slug: str) -> str:
        return f"https://{slug}.localhost:{self.settings['lyceum.web.port']}"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    """The north of the demonstration. Both academies trust the front's certificate, as they would a public one."""
    folder: Path = tmp_path_factory.mktemp("academies-tls")
    port = free_port()
    with Front(folder, {NORTH: port, SOUTH: port}) as front, pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(folder / "front.pem"))
        web = {"web__scheme": "https", "web__port": str(front.port(NORTH)), "web__trusted_proxy": "127.0.0.1"}
        made = Fronted(folder, more={"app__demo": "true", **web}, port=port)
        try:
            made.cli("migrate")
            made.cli("demo")
            made.serve()
            looking = Looking.into(made)
            yield School(looking)
            looking.close()
        finally:
            made.close()


@pytest.fixture(params=["allowed", "blocked"])
def window(request: pytest.FixtureRequest, playwright: Playwright, tmp_path: Path) -> Iterator[BrowserContext]:
    """``blocked``: only partitioned cookies live in a frame of another site."""
    flags = ["--test-third-party-cookie-phaseout"] if request.param == "blocked" else []
    context = playwright.chromium.launch_persistent_context(
        tmp_path, executable_path=chromium(), args=[*QUIET, "--ignore-certificate-errors", *flags],
        ignore_https_errors=True, viewport={"width": 1280, "height": 900},
    )  # fmt: skip
    context.set_default_timeout(60_000)
    yield context
    context.close()


def opened(window: BrowserContext, school: School, title: str) -> tuple[Page, Frame]:
    """Somebody new signs in, finds the activity, agrees; the page, and the frame in it."""
    person = school.person()
    with school.looking.session(write=True) as session:
        path = SignIn(session).issue_link(session.get_one(Person, person.id))
    page = window.new_page()
    page.goto(school.base + path)
    page.goto(f"{school.base}/courses")
    page.get_by_role("link", name="Visiting the South Academy").click()
    page.get_by_role("link", name=title, exact=True).click()
    page.get_by_role("link", name="Open", exact=True).click()
    page.get_by_role("button", name="Agree and open").click()
    frame = page.locator("iframe[name=tool]").element_handle().content_frame()
    assert frame is not None
    return page, frame


@pytest.mark.parametrize("title", ["A first loaf", "Sourdough"])
def test_what_is_finished_in_the_frame_is_completed_around_it(
    window: BrowserContext, school: School, title: str
) -> None:
    page, frame = opened(window, school, title)
    expect(frame.get_by_role("heading", name=title)).to_be_visible()
    assert urlsplit(frame.url).hostname == SOUTH
    study(frame, BREAD)
    expect(frame.get_by_text("100 %")).to_be_visible()
    assert len(window.pages) == 2, "the browser's own and the north's"

    page.get_by_role("link", name="Back to the activity").click()
    page.wait_for_url(re.compile(rf"^{re.escape(school.base)}/activities/[^/]+$"))

    def is_completed() -> bool:
        page.reload()
        return page.get_by_role("main").get_by_text("Completed", exact=True).count() > 0

    wait_for(is_completed, "the score of the south")
    expect(page.get_by_text("100 %")).to_be_visible()
