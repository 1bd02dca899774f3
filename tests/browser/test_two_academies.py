"""Academy to academy, two sites over TLS in a real Chromium: the north opens the south's e-learning in a frame."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import waitress
from playwright.sync_api import BrowserContext, Frame, Page, Playwright, expect

from saas.tenancy.founding import found
from saas.tenancy.lifecycle import Lifecycle
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.catalog.models import Activity
from tenants.lti.keys import KeyRing
from tenants.lti.platform.addresses import authorize_url, issuer, token_url
from tenants.lti.platform.models import OpensIn
from tenants.lti.tool.addresses import jwks_url, launch12_url, launch_url, login_url, resource_url
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.platforms import Platforms, PlatformValues
from tests.browser.conftest import QUIET
from tests.browser.tls import Front
from tests.conformance.openings import Desk
from tests.house import House, Kit
from tests.services import chromium, free_port

NORTH, SOUTH = "north.example.org", "south.example.net"
TITLE = "What the south teaches"

pytestmark = pytest.mark.timeout(600)


def academy_at(house: House, slug: str, host: str) -> Kit:
    made, _link = found(house.runtime, slug, f"Academy {slug}", f"admin@{host}", [host])
    with house.runtime.database.shell() as session:
        Lifecycle(session, house.runtime.settings.web).switch(slug, "lti", on=True, reason="test")
    house.runtime.tenants.forget()
    fresh = house.runtime.tenants.by_id(made.id)
    assert fresh is not None
    assert fresh.host == host
    return Kit(house, fresh)


class Pair:
    """The north with a tool of each version, which is the south."""

    def __init__(self, house: House) -> None:
        self.north, self.south = academy_at(house, "north", NORTH), academy_at(house, "south", SOUTH)
        self.shared = self.south.activity(TITLE)
        there, here = self.south.academy, self.north.academy
        self.desk = Desk.set(
            self.north,
            base=there.url,
            login_url=login_url(there),
            jwks_url=jwks_url(there),
            redirect_urls=(launch_url(there),),
        )
        with self.south.session() as session:
            Platforms(session, house.runtime.outbound).create(
                PlatformValues(
                    name="North", issuer=issuer(here), client_id=self.desk.client_id, auth_url=authorize_url(here),
                    token_url=token_url(here), pasted_key=house.runtime.part(KeyRing).public_pem(here.id),
                    deployment_ids=(self.desk.deployment_id,), is_active=True,
                )
            )  # fmt: skip
            consumers = Consumers(session, house.runtime.secrets)
            row = consumers.create(session.get_one(Activity, self.shared.id), "North")
            self.key, self.secret = row.key, consumers.reveal(row)

    def activity(self, version: str, opens_in: OpensIn = OpensIn.FRAME) -> Activity:
        if version == "1.3":
            return self.desk.activity13(url=resource_url(self.south.academy, self.shared.id), opens_in=opens_in)
        url = launch12_url(self.south.academy, self.shared.id)
        return self.desk.activity12(url=url, key=self.key, secret=self.secret, opens_in=opens_in)

    def sign_in_link(self) -> str:
        person = self.north.person()
        with self.north.session() as session:
            return self.north.academy.url + SignIn(session).issue_link(session.get_one(Person, person.id))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Pair, Front]]:
    folder: Path = tmp_path_factory.mktemp("pair")
    house = House.build("sqlite", folder, web__trusted_proxy="127.0.0.1")
    port = free_port()
    server = waitress.create_server(
        house.application, host="127.0.0.1", port=port, trusted_proxy="127.0.0.1",
        trusted_proxy_headers={"x-forwarded-proto"}, clear_untrusted_proxy_headers=True,
    )  # fmt: skip
    threading.Thread(target=server.run, daemon=True).start()
    with Front(folder, {NORTH: port, SOUTH: port}) as front:
        yield Pair(house), front
    server.close()
    house.close()


@pytest.fixture(params=["allowed", "blocked"])
def window(
    request: pytest.FixtureRequest, playwright: Playwright, pair: tuple[Pair, Front], tmp_path: Path
) -> Iterator[BrowserContext]:
    """``blocked``: only partitioned cookies live in a frame of another site."""
    flags = ["--test-third-party-cookie-phaseout"] if request.param == "blocked" else []
    context = playwright.chromium.launch_persistent_context(
        tmp_path,
        executable_path=chromium(),
        args=[*QUIET, "--ignore-certificate-errors", f"--host-resolver-rules={pair[1].rules}", *flags],
        ignore_https_errors=True,
        viewport={"width": 1280, "height": 900},
    )
    context.set_default_timeout(30_000)
    yield context
    context.close()


def opened(window: BrowserContext, pair: Pair, activity: Activity) -> tuple[Page, list[str]]:
    """The learner agreed, and the page with the tool stands there; with what the browser complained about."""
    page, said = window.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(pair.sign_in_link())
    page.goto(f"{pair.north.academy.url}/learn/{activity.id}/tool")
    page.get_by_role("button", name="Agree and open").click()
    return page, said


def tool_in(page: Page) -> Frame:
    handle: Any = page.locator("iframe[name=tool]").element_handle()
    frame = handle.content_frame()
    assert frame is not None
    return frame


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_souths_course_stands_in_a_frame_of_the_norths_page(
    window: BrowserContext, pair: tuple[Pair, Front], version: str
) -> None:
    page, said = opened(window, pair[0], pair[0].activity(version))
    frame = tool_in(page)
    expect(frame.get_by_role("heading", name=TITLE)).to_be_visible()
    frame.get_by_role("button", name="Start").click()
    expect(frame.get_by_role("heading", name="Chapter 1").first).to_be_visible()
    assert [text for text in said if "Content Security" in text] == []


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_the_souths_course_opens_in_a_window(window: BrowserContext, pair: tuple[Pair, Front], version: str) -> None:
    page, _said = opened(window, pair[0], pair[0].activity(version, OpensIn.WINDOW))
    with window.expect_page() as fresh:
        page.get_by_role("button", name="Open in a new window").click()
    expect(fresh.value.get_by_role("heading", name=TITLE)).to_be_visible()
    assert fresh.value.url.startswith(f"https://{SOUTH}/activities/")
