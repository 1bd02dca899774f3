"""What somebody who means harm could have had from Zoom's pages, calendars and groups."""

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from saas.outbound import Answer
from tenants.access import Role
from tenants.accounts.models import MadeBy, Person
from tenants.audit.models import AuditEntry
from tenants.catalog.models import Activity, CourseGroup
from tenants.lti.launches.models import Outcome
from tenants.lti.own_question import MARK
from tenants.zoom.ltipro.addresses import AUTH_PATH, CERTS_PATH, REST_PATH, TOKEN_PATH
from tenants.zoom.ltipro.check import TEXT_LIMIT
from tenants.zoom.ltipro.check_steps import _clock
from tenants.zoom.ltipro.models import PlaceKind
from tests.features.meetings import group_of, learner_of, meet
from tests.features.pages import words
from tests.features.test_zoom_check_pages import launched
from tests.features.zoom_double import KEY, Rig, json_page, served
from tests.features.zoom_places import ZoomDesk
from tests.house import BACKENDS, House, databases_of

PATHS = (CERTS_PATH, TOKEN_PATH, AUTH_PATH, REST_PATH)
SECRETS = ("TheSecretPasscode", "4711")


@pytest.fixture(params=BACKENDS, scope="module")
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with served(request.param, tmp_path_factory.mktemp("zoom")) as rig:
        yield rig
    databases_of(request.param).drop(rig.house.database_url)


def test_the_mark_of_our_own_questions_goes_to_nobody_else(running: Rig) -> None:
    """Whoever has an address the academy gave up could ask unnoticed with it."""
    academy = running.academy()
    running.zoom.reset()
    for path in PATHS:
        running.zoom.on(path, json_page({"error": "x", "errorcode": "invalidtoken", "keys": []}, 400))
    academy.change(issuer=running.zoom.url)
    found = academy.run()
    assert found["values"][1] == "ZOOM_CHECK_ISSUER_MOVED"
    asked = [request for path in PATHS for request in running.zoom.seen(path)]
    assert len(asked) == len(PATHS)
    assert [request.headers.get(MARK.lower()) for request in asked] == [None] * len(PATHS)


@pytest.mark.parametrize("date", ["Mon, 01 Jan 2024 00:00:00 +99999999999999999999", "1 Jan 99999999999999999999 0:0"])
def test_no_date_of_anybodys_ends_a_check(date: str) -> None:
    assert _clock(Answer(200, {"date": date}, b"")).outcome == "skipped"


def test_a_guest_who_may_not_open_zoom_is_told_no_passcode(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    guest = learner_of(kit, activity)
    group = group_of(kit, activity, guest)
    events = [meet(kit, activity, "Kick-off"), meet(kit, activity, "Of the group", group=group)]
    browser = kit.signed_in(person=guest)
    pages = ["/calendar", f"/courses/{activity.course_id}/calendar", f"/groups/{group.id}/calendar"]
    pages += [f"/calendar/events/{event.id}" for event in events]
    assert all("TheSecretPasscode" in browser.get(page).text for page in pages)
    with kit.session() as session:
        person = session.get_one(Person, guest.id)
        person.made_by, person.password_hash = MadeBy.LTI, None
    for page in pages:
        shown = browser.get(page, status=200).text
        assert [secret for secret in SECRETS if secret in shown] == []
        assert "Kick-off" in shown or "Of the group" in shown


@pytest.mark.case("ZL-106")
def test_guests_are_offered_no_way_into_zoom(house: House) -> None:
    """At none of the three kinds of place, nor in any calendar; whoever has signed in here is."""
    desk = ZoomDesk.set(house.academy())
    guest = desk.visitor(in_group=False)
    events = []
    with desk.kit.session() as session:
        activity = session.get_one(Activity, desk.ids[PlaceKind.ELEMENT])
        group = session.get_one(CourseGroup, desk.ids[PlaceKind.GROUP])
        session.expunge_all()
    for kind in PlaceKind:
        where: dict[str, Any] = {"of_activity": kind is PlaceKind.ELEMENT}
        where["group"] = group if kind is PlaceKind.GROUP else None
        events.append(meet(desk.kit, activity, f"At the {kind}", origin_id=desk.there(kind).id, **where))
    course, ways = f"/courses/{activity.course_id}", [desk.path(kind) for kind in PlaceKind]
    pages = [f"/activities/{activity.id}", course, f"/groups/{group.id}", "/", "/calendar", f"{course}/calendar"]
    pages += [f"/groups/{group.id}/calendar", *(f"/calendar/events/{event.id}" for event in events)]

    def offered() -> set[str]:
        return {way for page in pages for way in ways if f'"{way}"' in guest.browser.get(page, status=200).text}

    assert offered() == set(ways)
    with desk.kit.session() as session:
        person = session.get_one(Person, guest.person.id)
        person.made_by, person.password_hash = MadeBy.LTI, None
    assert offered() == set()
    assert "At the course" in words(guest.browser.get("/calendar"))
    with desk.kit.session() as session:
        session.get_one(Person, guest.person.id).password_hash = "has signed in here"
    assert offered() == set(ways)


def test_nobody_is_said_to_be_taken_out_who_was_not_in(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    coach, member, stranger = kit.person(), kit.person(), kit.person()
    group = group_of(kit, activity, member, coach=coach)
    browser = kit.signed_in(person=coach)
    for each in (stranger, member):
        browser.post(f"/groups/{group.id}/people/{each.id}/out")
    with kit.session() as session:
        query = sa.select(AuditEntry.about).where(AuditEntry.action == "group.person_out")
        assert [about["person"] for about in session.scalars(query)] == [member.name]


def test_a_form_fills_no_line_of_the_audit(running: Rig) -> None:
    academy = running.academy()
    admin = academy.kit.signed_in(Role.ADMIN)
    admin.post("/integrations/zoom/checks", {"name": "N" * 100_000, "lti_key": KEY}, status=303)
    with academy.kit.session() as session:
        subject = session.scalar(sa.select(AuditEntry.subject).where(AuditEntry.action == "zoom.check.run"))
    assert subject == "N" * TEXT_LIMIT


def test_no_search_is_too_long_for_a_database(house: House) -> None:
    kit = house.academy()
    activity = kit.activity(questions=False)
    group = group_of(kit, activity)
    admin = kit.signed_in(Role.ADMIN)
    assert "Nobody found" in admin.get(f"/groups/{group.id}/people/add?q={'x' * 60_000}", status=200).text


def test_no_search_of_the_trace_is_too_long_for_a_database(running: Rig) -> None:
    academy = running.academy()
    admin = academy.kit.signed_in(Role.ADMIN)
    launched(academy, Outcome.REFUSED, "TOOL_HINT")
    admin.get(f"/integrations/zoom/profiles/{academy.profile_id}/trace?person={'x' * 60_000}", status=200)
