"""Integrations → External tools → Zoom: switches, profiles, tokens, the wizard, copies, moving and deleting."""

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from saas.problems import Refused
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.accounts.services import SignIn
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity, ActivityType, Content
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.links import LinkValues, ToolLinks
from tenants.lti.platform.models import Tool, ToolKeys, ToolKind
from tenants.lti.platform.tools import Tools
from tenants.lti.wire import nrps
from tenants.zoom.ltipro import profile_views
from tenants.zoom.ltipro.addresses import ZoomAddresses
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile, ZoomUse
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues, follow, values_of
from tenants.zoom.ltipro.tokens import GRACE, bearer_of, hash_of_token
from tests.features.pages import faults, words
from tests.house import Browser, House, Kit, forms_of

HOME = "/integrations/zoom"
NEW = f"{HOME}/profiles/new"
KEY = "rKjY9_DFF-TnuGcm1d5ACt"
GOOD = {"name": "School Zoom", "lti_key": KEY, "mail_domains": "", "send_name": "y", "opens_in": "iframe"}


def made(kit: Kit, **changed: Any) -> tuple[ZoomProfile, str]:
    """A profile, of no session, and its token."""
    values = {"name": f"Zoom {uuid4().hex[:6]}", "lti_key": KEY, **changed}
    with kit.session() as session:
        profile, token = profiles_in(kit, session).create(ProfileValues(**values))
        found = profile.id
    return read(kit, found), token


def profiles_in(kit: Kit, session: Any) -> Profiles:
    return Profiles(session, kit.runtime, kit.academy)


def read(kit: Kit, profile_id: Any) -> ZoomProfile:
    with kit.session() as session:
        profile = session.get_one(ZoomProfile, profile_id)
        assert profile.tool.id == profile.tool_id
        session.expunge_all()
        return profile


def all_of(kit: Kit) -> list[ZoomProfile]:
    with kit.session() as session:
        found = list(profiles_in(kit, session).all())
        session.expunge_all()
        return found


def address(profile: ZoomProfile, ending: str = "") -> str:
    return f"{HOME}/profiles/{profile.id}{ending}"


def placed(kit: Kit, profile: ZoomProfile, title: str = "Office hours") -> ZoomPlace:
    """A course element that opens Zoom with the profile."""
    activity = kit.activity(title)
    with kit.session() as session:
        own = session.get_one(Activity, activity.id)
        own.type, own.content = ActivityType.MEETING, Content.ZOOM
        place = ZoomPlace(
            kind=PlaceKind.ELEMENT,
            profile_id=profile.id,
            course_id=activity.course_id,
            activity_id=activity.id,
            context_id=str(uuid4()),
            resource_link_id=str(uuid4()),
        )
        session.add(place)
        session.flush()
        session.refresh(place)
        session.expunge(place)
        return place


def audited(kit: Kit) -> list[str]:
    with kit.session() as session:
        query = sa.select(AuditEntry.action).where(AuditEntry.action.startswith("zoom."))
        return list(session.scalars(query.order_by(AuditEntry.at, AuditEntry.id)))


def with_password(kit: Kit, role: Role = Role.ADMIN) -> tuple[Browser, str]:
    """Signed in, and the password."""
    person, password = kit.person(role), f"correct horse {uuid4().hex}"
    with kit.session() as session:
        SignIn(session).set_password(session.get_one(Person, person.id), password)
    return kit.signed_in(role, person), password


def test_zoom_is_switched_on_for_each_kind_on_its_own(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    page = admin.get(HOME)
    (form,) = [each for each in forms_of(page) if "in_groups" in each.fields]
    assert [form[name].checked for name in ("is_on", "in_elements", "in_courses", "in_groups", "with_calendar")] == [
        False, True, True, True, True,
    ]  # fmt: skip
    form["is_on"], form["in_courses"], form["with_calendar"] = True, False, False
    form.submit(status=303)
    with kit.session() as session:
        row = session.scalars(sa.select(ZoomUse)).one()
        assert (row.is_on, row.in_elements, row.in_courses, row.in_groups, row.with_calendar) == (
            True, True, False, True, False,
        )  # fmt: skip
    admin.post(HOME, {}, status=303)
    with kit.session() as session:
        assert not session.scalars(sa.select(ZoomUse)).one().is_on
    assert audited(kit) == ["zoom.switched", "zoom.switched"]


def test_without_the_operators_switch_it_is_asked_for(house: House) -> None:
    kit = house.academy(zoom=False)
    admin, operator = kit.signed_in(Role.ADMIN), house.operator()
    assert "Ask for Zoom" in words(admin.get("/integrations"))
    page = admin.get(HOME)
    assert "Zoom must be enabled in your environment" in words(page)
    assert "Add Zoom LTI Pro configuration" not in words(page)
    for path in (HOME, NEW):
        assert "ZOOM_OFF" in admin.post(path, GOOD, status=403)
    assert faults(admin.post("/integrations/request", {"feature": "zoom", "message": "x" * 2001}, status=422)) == {
        "message"
    }
    (form,) = [each for each in forms_of(page) if each.action.endswith("/integrations/request")]
    form["message"] = "For our seminars"
    assert form.submit(status=303).headers["Location"].endswith(HOME)
    assert "The operator has not answered yet" in words(admin.get(HOME))
    assert "For our seminars" in words(operator.get("/"))
    grant = next(form for form in forms_of(operator.get("/")) if f"/{kit.academy.slug}/features/zoom" in form.action)
    grant.submit(status=303)
    assert "Add Zoom LTI Pro configuration" in words(admin.get(HOME))
    assert "Ask for Zoom" not in words(admin.get("/integrations"))
    assert "FEATURE_UNKNOWN" in admin.post("/integrations/request", {"feature": "time-travel"}, status=422)


def test_a_profile_is_made_and_its_values_are_shown_once(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    page = admin.post(NEW, {**GOOD, "students_can_host": "y", "mail_domains": "School.example"}, status=200)
    (profile,) = all_of(kit)
    token = page.html.find(id="access-token").text
    assert re.fullmatch(r"[A-Za-z0-9_-]{40,}", token)
    assert page.headers["Cache-Control"] == "no-store"
    assert page.html.find(id="site-url").text == kit.academy.url
    assert page.html.find(id="client-id").text == profile.tool.client_id
    assert {each["data-copy"] for each in page.html.find_all(attrs={"data-copy": True})} >= {
        "site-url", "client-id", "access-token", "firewall",
    }  # fmt: skip
    assert (profile.name, profile.lti_key, profile.mail_domains) == ("School Zoom", KEY, ["school.example"])
    assert (profile.students_can_host, profile.issuer, profile.is_active) == (True, kit.academy.url, True)
    assert token not in (profile.token_hash, profile.sealed_token)
    assert (profile.token_hash, profile.token_hint) == (hash_of_token(token), token[-4:])
    for path in (HOME, address(profile), address(profile, "/edit"), address(profile, "/rotate"), "/integrations"):
        assert token not in admin.get(path).text, path
    assert token not in admin.post(address(profile, "/edit"), {**GOOD, "name": "Other"}, status=303).follow().text
    assert audited(kit) == ["zoom.profile.created", "zoom.profile.changed"]


def test_the_tool_of_a_profile_is_zooms_and_nobody_elses(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit, name="Ours", with_roster=True, send_name=False)
    tool, zoom = profile.tool, house.runtime.part(ZoomAddresses)
    assert (tool.kind, tool.name, tool.is_active) == (ToolKind.ZOOM, "Ours", True)
    assert (tool.login_url, tool.target_url) == (f"{zoom.base}/lti/advantage/login/{KEY}", f"{zoom.base}/lti/advantage")
    assert (tool.jwks_url, tool.redirect_urls) == (zoom.jwks_url, list(zoom.redirect_urls))
    assert (tool.scopes, tool.send_name, tool.send_email) == ([nrps.SCOPE], False, True)
    admin = kit.signed_in(Role.ADMIN)
    assert "Ours" not in words(admin.get("/integrations/lti-1.3"))
    admin.get(f"/integrations/lti-1.3/tools/{tool.id}", status=404)
    admin.post(f"/integrations/lti-1.3/tools/{tool.id}/delete", status=404)
    with kit.session() as session:
        tools = Tools(session, kit.runtime.outbound)
        assert (tools.all(), tools.by_client(tool.client_id)) == ([], None)
        profiles_in(kit, session).edit(
            session.get_one(ZoomProfile, profile.id), ProfileValues("Renamed", KEY, with_roster=False)
        )
    tool = read(kit, profile.id).tool
    assert (tool.name, tool.scopes, tool.client_id) == ("Renamed", [], profile.tool.client_id)


@pytest.mark.case("ZL-101")
def test_pasted_values_are_cleaned_and_the_page_says_which(house: House) -> None:
    kit = house.academy()
    pasted = {
        "name": " School\u200b Zoom ",
        "lti_key": f' “{KEY}\u200b”\n"',
        "mail_domains": " BÜCHER.example. \r\n\r\nb.example",
    }
    page = words(kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, **pasted}, status=200))
    (profile,) = all_of(kit)
    assert (profile.name, profile.lti_key) == ("School Zoom", KEY), "letter case stays"
    assert profile.mail_domains == ["xn--bcher-kva.example", "b.example"]
    assert "were removed from: Name, LTI Key" in page


@pytest.mark.case("ZL-101")
@pytest.mark.parametrize(
    ("changed", "marked", "said"),
    [
        ({"name": "\u200b "}, "name", "Enter a name"),
        ({"name": "x" * 256}, "name", "255"),
        ({"name": "x" * 100_000}, "name", "255"),
        ({"lti_key": ""}, "lti_key", "Copy the LTI Key"),
        ({"lti_key": "”“"}, "lti_key", "Copy the LTI Key"),
        ({"lti_key": "abc def"}, "lti_key", "no spaces"),
        ({"lti_key": "x" * 256}, "lti_key", "255"),
        ({"lti_key": f"https://applications.zoom.us/lti/advantage/login/{KEY}"}, "lti_key", "This is an address"),
        ({"lti_key": ".."}, "lti_key", "letters, digits"),
        ({"lti_key": "кey"}, "lti_key", "letters, digits"),
        ({"lti_key": "a%2fb"}, "lti_key", "letters, digits"),
        ({"lti_key": "a\u0007b?"}, "lti_key", "letters, digits"),
        ({"mail_domains": "ok.example\nada@school.example"}, "mail_domains", "Line 2, “ada@school.example”"),
        ({"mail_domains": "-bad-.example"}, "mail_domains", "Line 1"),
        ({"mail_domains": "localhost"}, "mail_domains", "Line 1"),
        ({"mail_domains": "10.0.0.1"}, "mail_domains", "Line 1"),
        ({"mail_domains": "a..example"}, "mail_domains", "Line 1"),
        ({"mail_domains": "https://school.example/"}, "mail_domains", "Line 1"),
        ({"mail_domains": "x" * 100_000}, "mail_domains", "1024"),
        ({"opens_in": "sideways"}, "opens_in", ""),
    ],
)  # fmt: skip
def test_a_faulty_form_makes_nothing(house: House, changed: dict[str, str], marked: str, said: str) -> None:
    kit = house.academy()
    page = kit.signed_in(Role.ADMIN).post(NEW, {**GOOD, **changed}, status=422)
    assert faults(page) == {marked}
    assert said in words(page)
    assert all_of(kit) == []


@pytest.mark.case("ZL-100")
def test_names_differ_by_more_than_letter_case(house: House) -> None:
    kit = house.academy()
    admin = kit.signed_in(Role.ADMIN)
    admin.post(NEW, {**GOOD, "name": "Straße"}, status=200)
    assert faults(admin.post(NEW, {**GOOD, "name": "STRASSE"}, status=422)) == {"name"}
    other, _token = made(kit, name="Other")
    assert faults(admin.post(address(other, "/edit"), {**GOOD, "name": "straße"}, status=422)) == {"name"}
    admin.post(address(other, "/edit"), {**GOOD, "name": "OTHER"}, status=303)
    made(house.academy(), name="Straße")


@pytest.mark.case("ZL-100")
def test_two_who_take_one_name_at_once(house: House) -> None:
    kit, gate = house.academy(), threading.Barrier(2)
    browsers, answers = [kit.signed_in(Role.ADMIN) for _ in range(2)], []

    def add(browser: Browser) -> None:
        gate.wait(10)
        answers.append(browser.post(NEW, GOOD, status="*").status_int)

    threads = [threading.Thread(target=add, args=(browser,)) for browser in browsers]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert sorted(answers) == [200, 422]
    assert len(all_of(kit)) == 1


def test_the_database_has_the_last_word_about_names(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look before the write sees nothing, as it would of two at once."""
    kit = house.academy()
    made(kit, name="Same")
    looks: Iterator[bool] = iter((False, True))
    monkeypatch.setattr(Profiles, "is_taken", lambda *_given: next(looks))
    with kit.session() as session, pytest.raises(InvalidValues) as invalid:
        profiles_in(kit, session).create(ProfileValues("same", KEY))
    assert set(invalid.value.fields) == {"name"}
    assert len(all_of(kit)) == 1
    with kit.session() as session:
        assert len(session.scalars(sa.select(Tool)).all()) == 1, "nothing of the second is left"


def test_there_is_one_default(house: House) -> None:
    kit = house.academy()
    first, _token = made(kit, is_default=True)
    second, _token = made(kit, is_default=True)
    assert [each.id for each in all_of(kit) if each.is_default] == [second.id]
    kit.signed_in(Role.ADMIN).post(address(first, "/edit"), {**GOOD, "is_default": "y"}, status=303)
    assert [each.id for each in all_of(kit) if each.is_default] == [first.id]


@pytest.mark.case("ZL-103")
def test_a_new_lti_key_counts_at_once(house: House) -> None:
    kit = house.academy()
    profile, token = made(kit)
    kit.signed_in(Role.ADMIN).post(address(profile, "/edit"), {**GOOD, "lti_key": "Another_KEY-1"}, status=303)
    now = read(kit, profile.id)
    assert now.tool.login_url.endswith("/lti/advantage/login/Another_KEY-1")
    assert now.tool.version > profile.tool.version, "processes that hold the old one notice"
    assert (now.tool.client_id, now.tool.deployment_id) == (profile.tool.client_id, profile.tool.deployment_id)
    assert now.token_hash == hash_of_token(token)


def test_another_zoom_of_the_operator_is_followed(house: House) -> None:
    """The setting lyceum.zoom.ltipro_url has changed since the profile was made."""
    kit, practice = house.academy(), ZoomAddresses("http://zoom.localhost:9")
    profile, _token = made(kit)
    with kit.session() as session:
        own = session.get_one(ZoomProfile, profile.id)
        session.query(ToolKeys).filter(ToolKeys.tool_id == own.tool_id).one().document = "theirs"
        assert follow(session, own, practice)
        assert not follow(session, own, practice), "once"
    tool = read(kit, profile.id).tool
    assert (tool.login_url, tool.jwks_url) == (practice.login_url(KEY), practice.jwks_url)
    assert tool.version > profile.tool.version
    with kit.session() as session:
        assert session.query(ToolKeys).filter(ToolKeys.tool_id == tool.id).one().document == ""


def test_a_token_is_found_by_its_hash_until_the_grace_period_ends(house: House) -> None:
    kit = house.academy()
    profile, first = made(kit)
    made(kit)
    now = clock.now()

    def owner(token: str, later: timedelta = timedelta(0), of: Kit = kit) -> Any:
        with of.session() as session:
            found = bearer_of(session, token, now + later)
            return found and found.is_good and (found.profile.id, found.profile.tool.id)

    ours = (profile.id, profile.tool_id)
    assert owner(first) == ours
    assert owner(first, of=house.academy()) is None, "of another academy"
    assert [owner(each) for each in ("", "x", first[:-1], first.swapcase(), "\ud800", "\x00", "x" * 10**6)] == [
        None
    ] * 7
    with kit.session() as session:
        own = session.get_one(ZoomProfile, profile.id)
        second = profiles_in(kit, session).rotate(own, seen_hint=own.token_hint)
    assert (owner(first), owner(second)) == (ours, ours)
    assert owner(first, GRACE - timedelta(minutes=1)) == ours
    assert owner(first, GRACE + timedelta(minutes=1)) is False, "known, but not good any more"
    with kit.session() as session:
        own = session.get_one(ZoomProfile, profile.id)
        third = profiles_in(kit, session).rotate(own, seen_hint=own.token_hint, at_once=True)
    assert [owner(each) for each in (first, second, third)] == [None, False, ours]


def test_a_token_is_shown_again_to_whoever_knows_their_password(house: House) -> None:
    kit = house.academy()
    profile, token = made(kit)
    admin, password = with_password(kit)
    page = admin.get(address(profile, "/token"))
    assert token not in page
    for wrong in ("", "wrong", "x" * 5000):
        assert token not in admin.post(address(profile, "/token"), {"current": wrong}, status=422)
    shown = admin.post(address(profile, "/token"), {"current": password}, status=200)
    assert shown.html.find(id="access-token").text == token
    assert shown.headers["Cache-Control"] == "no-store"
    assert password not in shown
    assert audited(kit) == ["zoom.profile.revealed"]
    by_link = kit.signed_in(Role.ADMIN)
    assert "Your account has no password yet" in words(by_link.get(address(profile, "/token")))
    assert token not in by_link.post(address(profile, "/token"), {"current": password}, status=422)


def test_a_token_is_rotated_with_time_to_enter_the_new_one(house: House) -> None:
    kit = house.academy()
    profile, first = made(kit)
    admin, password = with_password(kit)
    (form,) = [each for each in forms_of(admin.get(address(profile, "/rotate"))) if "hint" in each.fields]
    form["current"] = password
    shown = form.submit(status=200)
    second = shown.html.find(id="access-token").text
    assert second != first
    assert "the token before it is good until" in words(admin.get(address(profile)))
    assert "ZOOM_TOKEN_CHANGED" in form.submit(status=409), "sent twice, it would end the token Zoom has"
    now = read(kit, profile.id)
    assert (now.token_hash, now.previous_hash) == (hash_of_token(second), hash_of_token(first))
    with time_machine.travel(clock.now() + GRACE + timedelta(hours=1)):
        assert "the token before it" not in words(kit.signed_in(Role.ADMIN).get(address(profile)))
    said = {"hint": now.token_hint, "at_once": "1", "current": password}
    admin.post(address(profile, "/rotate"), said, status=200)
    ended = read(kit, profile.id)
    assert (ended.previous_hash, ended.previous_until) == (hash_of_token(second), None)
    assert audited(kit) == ["zoom.profile.rotated", "zoom.profile.rotated"]


def test_pressed_twice_copies_twice(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit, name="Zoom")
    gate, outcomes = threading.Barrier(2), []
    browsers = [kit.signed_in(Role.ADMIN) for _ in range(2)]

    def press(place: int) -> None:
        gate.wait(10)
        outcomes.append(browsers[place].post(address(profile, "/copy"), expect_errors=True).status_int)

    threads = [threading.Thread(target=press, args=(place,)) for place in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert outcomes == [200, 200]
    assert {each.name for each in all_of(kit)} == {"Zoom", "Zoom (copy 2)", "Zoom (copy)"}


@pytest.mark.case("ZL-102")
def test_a_copy_is_a_profile_of_its_own(house: House) -> None:
    kit = house.academy()
    profile, token = made(kit, name="Zoom", mail_domains=("a.example",), is_default=True, with_roster=True)
    admin = kit.signed_in(Role.ADMIN)
    shown = admin.post(address(profile, "/copy"), status=200).html.find(id="access-token").text
    assert shown != token
    admin.post(address(profile, "/copy"), status=200)
    assert {each.name for each in all_of(kit)} == {"Zoom", "Zoom (copy 2)", "Zoom (copy)"}
    copy = next(each for each in all_of(kit) if each.name == "Zoom (copy)")
    assert replace(values_of(copy), name="Zoom", is_default=True) == values_of(profile)
    assert (copy.is_default, copy.tool_id != profile.tool_id) == (False, True)
    assert len({copy.tool.client_id, copy.tool.deployment_id, profile.tool.client_id, profile.tool.deployment_id}) == 4
    admin.post(address(copy, "/edit"), {**GOOD, "name": "Changed", "lti_key": "other"}, status=303)
    admin.post(address(copy, "/switch"), {}, status=303)
    same = read(kit, profile.id)
    assert (same.name, same.lti_key, same.is_active, same.token_hash) == ("Zoom", KEY, True, hash_of_token(token))
    assert "Another profile has the same LTI Key: Zoom (copy 2)" in words(admin.get(address(profile)))


@pytest.mark.case("ZL-105")
def test_deactivating_ends_access_and_says_how_much_it_concerns(house: House) -> None:
    kit = house.academy()
    profile, token = made(kit)
    placed(kit, profile)
    placed(kit, profile)
    with kit.session() as session:
        until = clock.now() + timedelta(hours=1)
        session.add(ToolToken(tool_id=profile.tool_id, token_hash="x" * 64, scopes=[], expires_at=until))
    admin = kit.signed_in(Role.ADMIN)
    assert "2 places are concerned" in words(admin.get(address(profile)))
    admin.post(address(profile, "/switch"), {}, status=303)
    assert not read(kit, profile.id).is_active
    with kit.session() as session:
        assert session.scalars(sa.select(ToolToken)).all() == []
        found = bearer_of(session, token, clock.now())
        assert found is not None
        assert not found.profile.is_active, "whoever asks decides, and answers as for a wrong token"
        assert profiles_in(kit, session).active() == []
    assert "Inactive" in words(admin.get(HOME))
    admin.post(address(profile, "/switch"), {"on": "1"}, status=303)
    assert read(kit, profile.id).is_active
    assert audited(kit) == ["zoom.profile.deactivated", "zoom.profile.activated"]


@pytest.mark.case("ZL-104")
def test_a_profile_in_use_is_not_deleted_but_may_give_its_places_away(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit, name="Old")
    other, _token = made(kit, name="New")
    place = placed(kit, profile, "Office hours")
    admin = kit.signed_in(Role.ADMIN)
    page = admin.get(address(profile, "/delete"))
    assert "Meetings made before stay in the old Zoom account" in words(page)
    assert "Office hours" in page
    assert "ZOOM_PROFILE_IN_USE" in admin.post(address(profile, "/delete"), status=409)
    assert len(all_of(kit)) == 2
    for wrong in (str(profile.id), str(uuid4()), "", "x"):
        assert faults(admin.post(address(profile, "/reassign"), {"to": wrong}, status=422)) == {"to"}
    admin.post(address(profile, "/reassign"), {"to": str(other.id)}, status=303)
    with kit.session() as session:
        now = session.get_one(ZoomPlace, place.id)
        assert (now.profile_id, now.context_id, now.resource_link_id) == (
            other.id, place.context_id, place.resource_link_id,
        )  # fmt: skip
        with pytest.raises(Refused, match="ZOOM_PROFILE_TARGET"):
            profiles_in(kit, session).reassign(
                session.get_one(ZoomProfile, other.id), session.get_one(ZoomProfile, other.id)
            )
    admin.post(address(profile, "/delete"), status=303)
    assert [each.name for each in all_of(kit)] == ["New"]
    with kit.session() as session:
        assert session.get(Tool, profile.tool_id) is None
    assert audited(kit) == ["zoom.profile.reassigned", "zoom.profile.deleted"]


def test_many_places_are_counted_and_paged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_views, "PAGE", 2)
    kit = house.academy()
    profile, _token = made(kit)
    admin = kit.signed_in(Role.ADMIN)
    assert "No place yet" in admin.get(address(profile, "/places"))
    for number in range(5):
        placed(kit, profile, f"Seminar {number}")

    def seminars(page: Any) -> list[str]:
        return [link.text for link in page.html.find_all("a", string=re.compile("^Seminar"))]

    for ending in ("", "/delete"):
        page = admin.get(address(profile, ending))
        assert seminars(page) == ["Seminar 4", "Seminar 3"]
        assert "These are the newest 2 of 5." in words(page)
    assert "5 places use it" in words(page)
    pages = [page.click("All places")]
    while len(pages) < 3:
        pages.append(pages[-1].click("Next"))
    assert [seminars(each) for each in pages] == [["Seminar 4", "Seminar 3"], ["Seminar 2", "Seminar 1"], ["Seminar 0"]]
    for text, first in (("99999", "Seminar 0"), ("9" * 5000, "Seminar 4"), ("0", "Seminar 4"), ("x", "Seminar 4")):
        assert seminars(admin.get(address(profile, f"/places?page={text}")))[0] == first


def test_only_admins_see_and_change_profiles(house: House) -> None:
    kit, stranger = house.academy(), house.academy().signed_in(Role.ADMIN)
    profile, _token = made(kit)
    author = kit.signed_in(Role.AUTHOR)
    for ending in ("", "/edit", "/token", "/rotate", "/delete", "/marks", "/places"):
        author.get(address(profile, ending), status=403)
        stranger.get(address(profile, ending), status=404)
    for ending in ("/edit", "/switch", "/copy", "/address", "/delete", "/reassign", "/token", "/rotate"):
        author.post(address(profile, ending), GOOD, status=403)
        stranger.post(address(profile, ending), GOOD, status=404)
    other, _token = made(house.academy())
    second, _token = made(kit)
    placed(kit, profile)
    admin = kit.signed_in(Role.ADMIN)
    assert faults(admin.post(address(profile, "/reassign"), {"to": str(other.id)}, status=422)) == {"to"}
    assert profile.name not in stranger.get(HOME)
    assert {each.id for each in all_of(kit)} == {profile.id, second.id}


def test_no_secret_reaches_the_logs(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    kit = house.academy()
    admin, password = with_password(kit)
    token = admin.post(NEW, GOOD, status=200).html.find(id="access-token").text
    (profile,) = all_of(kit)
    admin.post(address(profile, "/token"), {"current": password}, status=200)
    admin.post(address(profile, "/rotate"), {"hint": profile.token_hint, "current": password}, status=200)
    with kit.session() as session:
        entries = [(each.subject, each.about) for each in session.scalars(sa.select(AuditEntry))]
        bearer_of(session, token, clock.now())
    said = "".join(capfd.readouterr()) + repr(entries)
    assert token not in said
    assert password not in said


def test_an_author_cannot_choose_it_as_a_tool(house: House) -> None:
    kit = house.academy()
    profile, _token = made(kit, name="Not a tool")
    author, course = kit.signed_in(Role.AUTHOR), kit.activity().course_id
    assert "Not a tool" not in author.get(f"/courses/{course}/activities/new/e-learning/lti")
    with kit.session() as session:
        links = ToolLinks(session, kit.runtime.secrets, kit.runtime.outbound)
        chosen = LinkValues(Protocol.LTI_13, tool_id=profile.tool_id, url="https://applications.zoom.us/lti/advantage")
        assert set(links.faults(None, chosen)) == {"tool_id"}
