"""An academy and an LMS on two sites of their own over TLS, a third that neither knows, and browsers to go there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlsplit

import orjson
from playwright.sync_api import BrowserContext, Frame, Page, Playwright

from tests.browser.conftest import QUIET
from tests.browser.tls import Front
from tests.installation import Installation
from tests.interop.test_story_http import connect
from tests.peers.lms.client import Registered, RunningLMS
from tests.services import chromium

LMS_SITE, TOOL_SITE, STRANGER = (
    "https://lms.example.org",
    "https://north.lyceum.example",
    "https://stranger.example.net",
)
PATIENCE = 120_000


class Fronted(Installation):
    """Its academies are reached through a front that ends TLS."""

    def url(self, slug: str) -> str:
        return f"https://{slug}.lyceum.example"


@dataclass
class Sites:
    playwright: Playwright
    folder: Path
    front: Front
    made: Installation
    lms: RunningLMS
    registered: Registered

    @contextmanager
    def browser(self, kind: str, **more: Any) -> Iterator[BrowserContext]:
        """A browser of its own, with a person's settings: a private window would block third-party cookies anyway.

        ``kind``: "allowed" (third-party cookies), "blocked" (only partitioned ones live in a frame) or "nothing" (no
        cookie at all under the LMS's pages).
        """
        nowhere = {"exceptions": {"cookies": {f"*,{LMS_SITE}:443": {"setting": 2}}}}
        profile: dict[str, Any] = {"cookie_controls_mode": 0, "block_third_party_cookies": False}
        profile |= {"content_settings": nowhere} if kind == "nothing" else {}
        flags = ["--test-third-party-cookie-phaseout"] if kind == "blocked" else []
        home = Path(mkdtemp(prefix=kind, dir=self.folder))
        (home / "Default").mkdir()
        (home / "Default" / "Preferences").write_bytes(orjson.dumps({"profile": profile}))
        context = self.playwright.chromium.launch_persistent_context(
            home,
            executable_path=chromium(),
            args=[*QUIET, "--ignore-certificate-errors", f"--host-resolver-rules={self.front.rules}", *flags],
            ignore_https_errors=True,
            **{"viewport": {"width": 1280, "height": 900}, **more},
        )
        context.set_default_timeout(PATIENCE)
        try:
            yield context
        finally:
            context.close()

    def with_storage(self, *, offered: bool, answers: str = "good") -> None:
        """Whether the LMS names a frame that keeps data for us, and how that frame answers."""
        self.lms.change(self.registered.client_id, storage=offered, quirks={"storage_answers": answers})

    def click_link(self, window: BrowserContext, person: str) -> tuple[Page, Frame]:
        """In the LMS's course, whose next page shows the tool in a frame."""
        self.lms.add_person(person, f"{person.title()} Framed")
        page = window.new_page()
        page.goto(self.lms.course_url(person, frame=True))
        page.locator("li a").first.click()
        frame = page.locator("iframe[name=tool]").element_handle(timeout=PATIENCE).content_frame()
        assert frame is not None
        return page, frame

    def is_scored(self, person: str) -> bool:
        score = self.lms.score(person, title="Tides")
        return score is not None and (score.given, score.activity_progress) == (100, "Completed")


@contextmanager
def sites(playwright: Playwright, folder: Path) -> Iterator[Sites]:
    web = {"web__host": "lyceum.example", "web__scheme": "https", "web__port": "443", "web__trusted_proxy": "127.0.0.1"}
    made = Fronted(folder, more={"app__demo": "true", **web})
    try:
        made.cli("migrate")
        made.serve(port=made.port)
        with RunningLMS(LMS_SITE) as lms:
            behind = {LMS_SITE: urlsplit(lms.url).port or 0, TOOL_SITE: made.port}
            behind[STRANGER] = behind[LMS_SITE]
            with Front(folder, {str(urlsplit(site).hostname): port for site, port in behind.items()}) as front:
                registered = connect(made, lms)
                key = made.json("lti", "platform", "list", "north")[0]["ours"]["public_key"]
                lms.change(registered.client_id, jwks_url=None, public_key=key)
                yield Sites(playwright, folder, front, made, lms, registered)
    finally:
        made.close()
