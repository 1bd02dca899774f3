"""The list of Zoom profiles and the wizard on a profile's page: how it stands, what has arrived, what to do in Zoom."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.access import Role
from tenants.catalog.models import Activity, Content
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.models import ServiceCall
from tenants.zoom.ltipro.models import PlaceKind, ZoomProfile, ZoomUse
from tenants.zoom.ltipro.use import switch_use
from tests.features.pages import words
from tests.features.test_zoom_profiles import GOOD, HOME, NEW, address, all_of, audited, made, placed, read
from tests.features.zoom_rooms import Room, learner
from tests.house import Browser, House, Kit, forms_of

HTMX = {"HX-Request": "true"}


def launched(kit: Kit, profile: ZoomProfile, **values: Any) -> None:
    with kit.session() as session:
        said = {"outcome": Outcome.ACCEPTED, "person_id": uuid4(), **values}
        session.add(Launch(direction=Direction.OUT, tool_id=profile.tool_id, **said))


def called(kit: Kit, profile: ZoomProfile, service: str, code: str = "") -> None:
    with kit.session() as session:
        session.add(ServiceCall(service=service, tool_id=profile.tool_id, status=200, code=code))


@pytest.mark.case("ZL-108")
def test_the_list_says_how_each_profile_stands(house: House) -> None:
    kit = house.academy()
    waiting, active, failing = (made(kit, name=name, mail_domains=("m.example",))[0] for name in ("A", "B", "C"))
    placed(kit, active, "Seminar")
    launched(kit, active)
    called(kit, active, "calendar")
    launched(kit, failing, outcome=Outcome.REFUSED, code="TOOL_REDIRECT")
    admin = kit.signed_in(Role.ADMIN)
    rows = [" ".join(row.get_text(" ").split()) for row in admin.get(HOME).html.find("table").find_all("tr")][1:]
    assert [re.search(r"Waiting for Zoom|Active|Failing", row)[0] for row in rows] == [  # type: ignore[index]  # -- or the test fails
        "Waiting for Zoom", "Active", "Failing",
    ]  # fmt: skip
    assert all(each.tool.client_id in row for each, row in zip((waiting, active, failing), rows, strict=True))
    assert "1 place" in rows[1]
    assert all("m.example" in row for row in rows)
    page = admin.get(address(active))
    link = page.html.find("a", string="Seminar")
    admin.get(link["href"], status=200)
    assert "Switched off" in words(admin.get("/integrations"))
    with kit.session() as session:
        switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
    assert "Failing" in words(admin.get("/integrations"))


@pytest.mark.case("ZL-108")
def test_a_place_whose_element_is_no_meeting_any_more_is_flagged(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit)
    place = placed(kit, profile)
    with kit.session() as session:
        session.get_one(Activity, place.activity_id).content = Content.OWN
    page = kit.signed_in(Role.ADMIN).get(address(profile))
    assert "Missing" in words(page)
    assert place.context_id in page


def marks(browser: Browser, profile: ZoomProfile) -> tuple[int, list[str]]:
    part = browser.get(address(profile, "/marks"), headers=HTMX, status="*")
    return part.status_int, [item["data-state"] for item in part.html.find_all("li")]


@pytest.mark.case("ZL-111")
def test_the_wizard_ticks_itself_and_stops_asking(house: House) -> None:
    kit = house.academy()
    with kit.session() as session:
        switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
    with time_machine.travel(clock.now() - timedelta(days=1)), kit.session() as session:
        session.scalars(sa.select(ZoomUse)).one().keys_fetched_at = clock.now()
    profile, _token = made(kit, with_roster=True)
    admin = kit.signed_in(Role.ADMIN)
    assert marks(admin, profile) == (200, ["done", "waiting", "todo", "todo", "todo"]), (
        "keys were read before it was there"
    )
    launched(kit, profile, outcome=Outcome.WAITING)
    assert marks(admin, profile)[1][1] == "waiting", "begun, and not come back"
    launched(kit, profile)
    assert marks(admin, profile) == (200, ["done", "done", "waiting", "todo", "waiting"])
    with kit.session() as session:
        session.scalars(sa.select(ZoomUse)).one().keys_fetched_at = clock.now()
    called(kit, profile, "token")
    called(kit, profile, "calendar", code="ZOOM_OFF")
    assert marks(admin, profile) == (200, ["done", "done", "done", "done", "failed"])
    assert "Called, but refused: Zoom is not switched on here" in words(admin.get(address(profile, "/marks")))
    called(kit, profile, "calendar")
    assert marks(admin, profile) == (286, ["done"] * 5)
    assert admin.get(address(profile, "/marks")).status_int == 200, "a page without htmx"
    assert "hx-get" not in str(admin.get(address(profile)).html.find(id="marks"))


@pytest.mark.case("ZL-111")
def test_called_but_refused(house: House) -> None:
    """By a launch that really comes back to auth.php, and is refused before its hint is used up."""
    room = Room.set(house.academy())
    profile, (person, browser) = read(room.kit, room.profile_id), learner(room)
    admin = room.kit.signed_in(Role.ADMIN)
    begun = room.begin(room.place(), person, browser)
    assert marks(admin, profile) == (200, ["done", "waiting", "todo", "todo"])
    room.authorize(browser, room.request(begun, redirect_uri="https://elsewhere.example/"))
    assert marks(admin, profile) == (200, ["done", "failed", "todo", "todo"])
    said = words(admin.get(address(profile, "/marks")))
    assert "Called, but refused: The tool wants to be answered at an unknown address" in said
    room.call("core_unknown")
    assert marks(admin, profile) == (200, ["done", "failed", "todo", "failed"])
    assert "Called, but refused: This function is not offered" in words(admin.get(address(profile)))
    begun = room.begin(room.place(), person, browser)
    room.authorize(browser, room.request(begun))
    assert marks(admin, profile) == (200, ["done", "done", "waiting", "failed"])


def test_the_wizard_names_zooms_screens_and_what_a_firewall_lets_through(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit)
    page = kit.signed_in(Role.ADMIN).get(address(profile))
    text = words(page)
    for screen in (
        "Create a new credential",
        "LTI Key",
        "3rd Party Credentials",
        "LTI Moodle",
        "Calendar",
        "Add Instance",
    ):
        assert screen in text
    hint, url = page.html.find(id="firewall").text, kit.academy.url
    for line in (
        f"GET, POST {url}/mod/lti/auth.php", f"GET {url}/mod/lti/certs.php", f"POST {url}/mod/lti/token.php",
        f"{url}/webservice/rest/server.php", "applications.zoom.us",
    ):  # fmt: skip
        assert line in hint


def test_what_has_arrived_is_asked_for_no_longer_than_a_check_watches(house: House) -> None:
    """A page that stays open for a night asks nobody."""
    kit = house.academy()
    profile, _token = made(kit)
    admin = kit.signed_in(Role.ADMIN)
    asked = admin.get(address(profile)).html.find(id="marks")["hx-get"]
    again = admin.get(asked, headers=HTMX, status=200)
    assert again.html.find(id="marks")["hx-get"] == asked, "the time does not begin anew"
    for until in ("x", "9" * 11, "9" * 5000, "-1"):
        assert admin.get(address(profile, f"/marks?until={until}"), headers=HTMX, status=200)
    with time_machine.travel(clock.now() + timedelta(minutes=21)):
        over = admin.get(asked, headers=HTMX, status=286)
    assert "hx-get" not in over


@pytest.mark.case("ZL-109")
def test_behind_a_path_prefix_the_wizard_refuses_and_says_why(house: House) -> None:
    """Case 120."""
    kit = house.academy()
    profile, _token = made(kit)
    admin = kit.signed_in(Role.ADMIN)
    below = {"SCRIPT_NAME": "/academy"}
    for path in (HOME, address(profile)):
        page = words(admin.get(path, extra_environ=below))
        assert "ZOOM_PATH_PREFIX" in page
        assert "at the root of the host" in page
    assert "Add Zoom LTI Pro configuration" not in words(admin.get(HOME, extra_environ=below))
    assert "ZOOM_PATH_PREFIX" in admin.get(NEW, extra_environ=below, status=409)
    assert "ZOOM_PATH_PREFIX" in admin.post(NEW, GOOD, extra_environ=below, status=409)
    assert "ZOOM_PATH_PREFIX" in admin.post(address(profile, "/copy"), extra_environ=below, status=409)
    assert len(all_of(kit)) == 1


@pytest.mark.case("ZL-110")
def test_after_a_move_the_old_address_stays_until_zoom_knows_the_new_one(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit)
    before, host = kit.academy.url, f"{uuid4().hex[:8]}.school.example"
    with house.runtime.database.shell() as session:
        tenant = Lifecycle(session, house.runtime.settings.web).by_slug(kit.academy.slug)
        for domain in tenant.domains:
            domain.is_primary = False
        session.flush()
        session.add(type(tenant.domains[0])(tenant_id=tenant.id, host=host, is_primary=True))
    house.runtime.tenants.forget()
    kit.academy = house.runtime.tenants.by_host(host) or kit.academy
    assert kit.academy.url == f"https://{host}"
    admin = kit.signed_in(Role.ADMIN)
    page = admin.get(address(profile))
    assert f"This academy has moved to https://{host}" in words(page)
    assert page.html.find(id="site-url").text == before, "until then everything goes on in that name"
    assert "Old address" in words(admin.get(HOME))
    (form,) = [each for each in forms_of(page) if each.action.endswith("/address")]
    form.submit(status=303)
    assert read(kit, profile.id).issuer == f"https://{host}"
    assert "has moved" not in words(admin.get(address(profile)))
    assert audited(kit) == ["zoom.profile.moved"]
