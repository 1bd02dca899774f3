"""A real Chromium on a real installation: processes, cookies, scripts and styles as people have them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, expect, sync_playwright

from tests.browser.academies import Academies
from tests.installation import Installation
from tests.peers.lms.client import RunningLMS
from tests.services import chromium

#: With a process for each site, Playwright now and then loses the frame that goes from one site to another: it is left at
#: the page before. What a page may do does not hang on that.
IN_ONE_PROCESS = "--disable-site-isolation-trials"
QUIET = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-quic", "--no-first-run", IN_ONE_PROCESS)  # fmt: skip

# A slow machine is no failure.
expect.set_options(timeout=180_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.chromium)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = playwright.chromium.launch(executable_path=chromium(), args=QUIET)
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def lms() -> Iterator[RunningLMS]:
    with RunningLMS() as running:
        yield running


@pytest.fixture(scope="session")
def academies(browser: Browser, lms: RunningLMS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Academies]:
    made = Installation(
        tmp_path_factory.mktemp("academies"),
        more={
            "app__demo": "true",
            "web__styleguide": "true",
            "jobs__retry_base_seconds": "3600",
            "zoom__ltipro_url": "https://zoom.invalid",
        },
    )
    built = Academies(made, lms, browser)
    try:
        built.build()
        yield built
    finally:
        built.close()
        made.close()
