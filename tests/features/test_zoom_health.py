"""How it goes with a Zoom profile, on one card and in one timeline: right, in few statements, and each academy's own."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
import sqlalchemy as sa

from saas import clock
from tenants.access import Role
from tenants.accounts.models import Person
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import ServiceCall
from tenants.zoom.ltipro.health import HARMLESS, SWITCHED_OFF, Health, Healths
from tenants.zoom.ltipro.models import PlaceKind, ZoomProfile
from tenants.zoom.ltipro.profiles import Profiles, ProfileValues
from tenants.zoom.ltipro.trace import Kind, State, Trace, Wanted
from tenants.zoom.ltipro.use import switch_use
from tests.conformance.platform import Key, rsa
from tests.cost import counted
from tests.features.pages import words
from tests.features.zoom_rooms import Room, learner
from tests.house import House

CONTEXT = "https://purl.imsglobal.org/spec/lti/claim/context"


class Scene:
    """An academy with two profiles, and things that happened to the first at so many minutes after the beginning."""

    def __init__(self, house: House) -> None:
        self.kit = house.academy()
        self.begun = clock.now() - timedelta(hours=5)
        with self.kit.session() as session:
            use = switch_use(session, is_on=True, kinds=frozenset(PlaceKind), with_calendar=True)
            use.keys_fetched_at = self.at(3)
            profiles = Profiles(session, self.kit.runtime, self.kit.academy)
            made = [profiles.create(ProfileValues(name, "Key")) for name in ("Main", "Other")]
            self.ids = [profile.id for profile, _token in made]
            self.tools = [profile.tool_id for profile, _token in made]

    def at(self, minute: float) -> datetime:
        return self.begun + timedelta(minutes=minute)

    def launch(self, minute: float, outcome: Outcome = Outcome.ACCEPTED, code: str = "", **more: Any) -> UUID:
        with self.kit.session() as session:
            values = {
                "tool_id": self.tools[0], "direction": Direction.OUT, "person_id": uuid4(), "person_name": "Ada Teacher",
                "checks": {"login": [], "launch": [["hint", False, "seen by the check", "", code]]} if code else {},
                "claims": {CONTEXT: {"title": "Physics"}} if outcome is Outcome.ACCEPTED else {},
                "finished_at": None if outcome is Outcome.WAITING else self.at(minute) + timedelta(seconds=2), **more,
            }  # fmt: skip
            launch = Launch(started_at=self.at(minute), outcome=outcome, code=code, **values)
            session.add(launch)
            session.flush()
            return launch.id

    def call(self, minute: float, service: Service, code: str = "", **more: Any) -> None:
        values = {"tool_id": self.tools[0], "status": 200, "seen": f"{service.value} of {minute}", **more}
        with self.kit.session() as session:
            session.add(ServiceCall(at=self.at(minute), service=service.value, code=code, **values))

    def healths(self) -> list[Health]:
        with self.kit.session() as session:
            profiles = session.scalars(sa.select(ZoomProfile).where(ZoomProfile.id.in_(self.ids))).all()
            found = Healths(session).of(profiles)
            return [found[profile_id] for profile_id in self.ids]

    def failing(self) -> list[str]:
        with self.kit.session() as session:
            session.get_one(ZoomProfile, self.ids[0])
            with counted(self.kit.runtime.database) as cost:
                names = [profile.name for profile in Healths(session).failing()]
        assert len(cost.statements) == 1, cost.statements
        return names

    def trace(self, limit: int = 50, **wanted: Any) -> list[tuple[str, str]]:
        with self.kit.session() as session:
            profile = session.get_one(ZoomProfile, self.ids[0])
            return [(entry.kind, entry.state.value) for entry in Trace(session).find(profile, Wanted(**wanted), limit)]


@pytest.fixture
def scene(house: House) -> Scene:
    return Scene(house)


def test_before_anything_happened(scene: Scene) -> None:
    main, other = scene.healths()
    assert main == other == Health(last_keys=scene.at(3))
    assert (main.is_used, main.is_failing) == (False, False)


def test_when_things_last_went_well(scene: Scene) -> None:
    for minute in (1, 5):
        scene.launch(minute)
        scene.call(minute + 1, Service.CALENDAR)
        scene.call(minute + 2, Service.TOKEN)
    scene.launch(9, Outcome.WAITING)
    main, other = scene.healths()
    assert (main.last_launch, main.last_calendar, main.last_token) == (scene.at(5), scene.at(6), scene.at(7))
    assert (main.last_refused, main.last_error, main.is_failing, main.is_used) == (None, None, False, True)
    assert other == Health(last_keys=scene.at(3))


def test_a_refusal_counts_until_it_went_well_again(scene: Scene) -> None:
    scene.launch(1)
    refused = scene.launch(2, Outcome.REFUSED, "TOOL_REDIRECT")
    main = scene.healths()[0]
    assert main.last_error is not None
    assert (main.is_failing, main.last_refused, main.last_error.launch_id) == (True, scene.at(2), refused)
    assert (main.last_error.code, main.last_error.seen) == ("TOOL_REDIRECT", "seen by the check")
    scene.launch(3)
    main = scene.healths()[0]
    assert main.last_error is not None
    assert (main.is_failing, main.last_error.code) == (False, "TOOL_REDIRECT")


@pytest.mark.parametrize("code", sorted(SWITCHED_OFF))
def test_what_was_switched_off_is_not_broken(scene: Scene, code: str) -> None:
    scene.launch(1, Outcome.REFUSED, code)
    scene.call(2, Service.CALENDAR, code)
    main = scene.healths()[0]
    assert (main.is_failing, main.last_error, main.last_refused) == (False, None, None)
    assert scene.failing() == []
    scene.call(3, Service.CALENDAR, "ZOOM_CALL_PARAMETERS")
    assert (scene.healths()[0].is_failing, len(scene.failing())) == (True, 1)


@pytest.mark.parametrize("code", sorted(HARMLESS))
def test_what_a_person_did_is_no_fault_of_the_connection(scene: Scene, code: str) -> None:
    scene.launch(1)
    scene.launch(2, Outcome.REFUSED, code)
    scene.launch(3, Outcome.REFUSED, "TOOL_REDIRECT", person_id=None)
    main = scene.healths()[0]
    assert (main.is_failing, main.last_error, main.last_refused) == (False, None, None)
    assert scene.failing() == []


@pytest.mark.case("ZL-112")
def test_nobody_but_zoom_makes_a_profile_fail(house: House) -> None:
    """Whoever has opened Zoom once knows its client ID."""
    room = Room.set(house.academy(), with_roster=True)
    unsigned = jwt.encode(
        {"iss": "https://applications.zoom.us", "sub": room.client_id}, "", "none", {"kid": "zoom-key"}
    )
    strange = Key(room.key.kid, rsa(1))
    for assertion in (unsigned, room.assertion(strange), room.assertion(Key("other", rsa(1)))):
        assert room.ask(room.form(assertion)).status_int == 400
    stranger = room.kit.browser()
    assert room.authorize(stranger, room.request({}, redirect_uri="https://elsewhere.example/")).status_int == 400
    person, browser = learner(room)
    begun = room.begin(room.place(), person, browser)
    assert "id_token" in room.authorize(browser, room.request(begun))
    room.authorize(browser, room.request(begun))
    assert health_of(room).is_failing is False
    assert "Failing" not in words(room.kit.signed_in(Role.ADMIN).get(f"/integrations/zoom/profiles/{room.profile_id}"))
    assert room.ask(room.form(room.assertion(aud="https://elsewhere.example"))).status_int == 400
    health = health_of(room)
    assert health.last_error is not None
    assert (health.is_failing, health.last_error.code) == (True, "CALL_ASSERTION_AUDIENCE")


def health_of(room: Room) -> Health:
    with room.kit.session() as session:
        return Healths(session).of([session.get_one(ZoomProfile, room.profile_id)])[room.profile_id]


@pytest.mark.case("ZL-112")
def test_failing_profiles_greet_admins_at_home(scene: Scene, house: House) -> None:
    admin, other = scene.kit.signed_in(Role.ADMIN), Scene(house)
    said = "Something of the Zoom profile Main was refused, and has not worked since."
    scene.launch(1)
    scene.call(2, Service.CALENDAR, "ZOOM_CALL_PLACE")
    scene.call(2, Service.TOKEN, "CALL_ASSERTION_SIGNATURE", tool_id=scene.tools[1])
    assert (scene.failing(), other.failing()) == (["Main"], [])
    assert said in words(admin.get("/"))
    assert f"/integrations/zoom/profiles/{scene.ids[0]}" in admin.get("/").text
    assert said in words(admin.get("/integrations"))
    assert said not in words(scene.kit.signed_in(Role.LEARNER).get("/"))
    scene.call(3, Service.CALENDAR)
    assert (scene.failing(), said in words(admin.get("/"))) == ([], False)
    scene.launch(4, Outcome.REFUSED, "TOOL_REDIRECT")
    assert scene.failing() == ["Main"]
    with scene.kit.session() as session:
        switch_use(session, is_on=False, kinds=frozenset(), with_calendar=True)
    assert scene.failing() == []


def test_a_refusal_without_a_code_breaks_no_page(scene: Scene) -> None:
    scene.launch(1, Outcome.REFUSED, "")
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/zoom/profiles/{scene.ids[0]}"
    assert "A launch was refused, and nothing says why." in words(admin.get(page, status=200))
    assert "Called, but refused." in words(admin.get(f"{page}/marks", status=200))
    assert "Ada Teacher" in words(admin.get(f"{page}/trace", status=200))


@pytest.mark.case("ZL-112")
def test_calls_with_a_token_of_nobody(house: House) -> None:
    room = Room.set(house.academy())
    for token in ("x" * 40, "y" * 40):
        assert room.call("core_webservice_get_site_info", token=token).json["errorcode"] == "invalidtoken"
    admin = room.kit.signed_in(Role.ADMIN)
    page = f"/integrations/zoom/profiles/{room.profile_id}"
    assert "2 calls with an unknown token" in words(admin.get(page))
    traced = words(admin.get(f"{page}/trace?kind=calendar&outcome=refused"))
    assert traced.count("ZOOM_CALL_TOKEN") == 2
    assert room.call("core_webservice_get_site_info").status_int == 200
    assert "unknown token" not in words(admin.get(page)), "it has called well since"
    assert health_of(room).is_failing is False


def test_what_is_still_wrong_comes_before_what_was_newer(scene: Scene) -> None:
    """The calendar has been refused since minute 2; a launch went wrong later, and well since."""
    scene.call(1, Service.CALENDAR)
    scene.call(2, Service.CALENDAR, "ZOOM_CALL_PLACE")
    scene.launch(3, Outcome.REFUSED, "TOOL_REDIRECT")
    scene.launch(4)
    main = scene.healths()[0]
    assert main.last_error is not None
    assert (main.is_failing, main.last_error.code, main.last_error.service) == (True, "ZOOM_CALL_PLACE", "calendar")


def test_of_many_profiles_in_few_statements(scene: Scene) -> None:
    for minute in range(4):
        scene.launch(minute, Outcome.REFUSED if minute % 2 else Outcome.ACCEPTED, "TOOL_REDIRECT" if minute % 2 else "")
        scene.call(minute, Service.CALENDAR, "ZOOM_CALL_PLACE", tool_id=scene.tools[1])
    with scene.kit.session() as session:
        profiles = session.scalars(sa.select(ZoomProfile)).all()
        with counted(scene.kit.runtime.database) as cost:
            found = Healths(session).of(profiles)
    assert (len(cost.statements), [found[each].is_failing for each in scene.ids]) == (6, [True, True])
    with scene.kit.session() as session:
        assert Healths(session).of([]) == {}


def test_another_academy_sees_nothing_of_it(scene: Scene, house: House) -> None:
    other = Scene(house)
    for each in (other.tools[0], scene.tools[0]):
        other.launch(1, Outcome.REFUSED, "TOOL_REDIRECT", tool_id=each)
    assert scene.healths()[0].last_error is None
    assert scene.trace() == []


def test_the_card_on_the_profile(scene: Scene) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/zoom/profiles/{scene.ids[0]}"
    assert "Not used yet" in words(admin.get(page))
    scene.launch(1)
    assert "Working" in words(admin.get(page))
    refused = scene.launch(2, Outcome.REFUSED, "TOOL_REDIRECT")
    said = admin.get(page)
    assert "Failing" in words(said)
    assert "TOOL_REDIRECT" in words(said)
    assert f"/integrations/launches/{refused}" in said.text


def happened(scene: Scene) -> None:
    """A whole story, and what does not belong to it."""
    scene.launch(1)
    scene.call(2, Service.KEYS, tool_id=None)
    scene.call(3, Service.TOKEN)
    scene.call(4, Service.ROSTER)
    scene.call(5, Service.CALENDAR)
    scene.call(6, Service.CALENDAR, "ZOOM_CALL_PLACE")
    scene.launch(7, Outcome.REFUSED, "TOOL_REDIRECT")
    scene.launch(8, Outcome.WAITING, person_name="Bob Learner")
    scene.call(9, Service.CALENDAR, tool_id=scene.tools[1])
    scene.launch(9, tool_id=scene.tools[1])
    scene.launch(9, direction=Direction.IN)
    scene.call(9, Service.SCORE, tool_id=None)


def test_one_timeline_newest_first(scene: Scene) -> None:
    happened(scene)
    assert scene.trace() == [
        ("launch", "waiting"),
        ("launch", "refused"),
        ("calendar", "refused"),
        ("calendar", "done"),
        ("roster", "done"),
        ("token", "done"),
        ("keys", "done"),
        ("launch", "done"),
    ]
    assert scene.trace(kind=Kind.CALENDAR) == [("calendar", "refused"), ("calendar", "done")]
    assert scene.trace(kind=Kind.LAUNCH, refused=False) == [("launch", "done")]
    assert scene.trace(refused=True) == [("launch", "refused"), ("calendar", "refused")]
    assert scene.trace(person="LEARNER") == [("launch", "waiting")]
    assert scene.trace(person="100%") == []


def test_calls_by_the_person_they_are_about(scene: Scene) -> None:
    person = scene.kit.person()
    with scene.kit.session() as session:
        session.get_one(Person, person.id).family_name = "Curie"
    scene.call(1, Service.ROSTER, person_id=person.id)
    scene.call(2, Service.ROSTER)
    assert scene.trace(person="curie") == [("roster", "done")]


def test_pages_of_a_timeline_leave_nothing_out(scene: Scene) -> None:
    """Also where several things happened at one moment."""
    for minute in (1, 1, 2, 2, 2, 3):
        scene.launch(minute)
        scene.call(minute, Service.CALENDAR)
    with scene.kit.session() as session:
        profile = session.get_one(ZoomProfile, scene.ids[0])
        trace, seen, before = Trace(session), [], None
        while page := trace.find(profile, Wanted(before=before), 5):
            seen += [entry.id for entry in page]
            before = page[-1].at, page[-1].id
        assert (len(seen), len(set(seen))) == (12, 12)
        assert seen == [entry.id for entry in trace.find(profile, Wanted())]


def test_the_page_of_the_trace(scene: Scene) -> None:
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/zoom/profiles/{scene.ids[0]}/trace"
    assert "Nothing yet" in words(admin.get(page))
    happened(scene)
    refused = scene.launch(10, Outcome.REFUSED, "TOOL_SIGNED_OUT")
    said = admin.get(page)
    for text in (
        "Launch · Ada Teacher",
        "Physics",
        "ZOOM_CALL_PLACE",
        "Calendar call",
        "Public keys",
        "Zoom has not come back",
    ):
        assert text in words(said), text
    assert f"/integrations/launches/{refused}" in said.text
    assert "Nothing found" in words(admin.get(f"{page}?person=nobody"))
    assert "Physics" not in words(admin.get(f"{page}?kind=calendar"))
    for query in ("kind=x&outcome=y&before=z", "before=2024-01-01T00:00:00_x", "person=%25%5F", f"before={'9' * 500}"):
        assert admin.get(f"{page}?{query}").status_int == 200
    assert admin.get(page, headers={"HX-Request": "true"}).text.lstrip().startswith("<ol")


def test_times_are_in_the_persons_zone(scene: Scene) -> None:
    scene.launch(1)
    admin = scene.kit.signed_in(Role.ADMIN)
    page = f"/integrations/zoom/profiles/{scene.ids[0]}/trace"
    session, shown = admin.app.cookies["__Host-session"], {}
    admin.app.reset()
    for zone in ("Asia/Tokyo", "America/Lima"):
        cookies = f"__Host-session={session}; __Host-zone={zone}"
        shown[zone] = words(admin.get(page, headers={"Cookie": cookies}))
    assert shown["Asia/Tokyo"] != shown["America/Lima"]


def test_more_than_a_page(scene: Scene) -> None:
    for number in range(51):
        scene.call(number / 10, Service.CALENDAR)
    admin = scene.kit.signed_in(Role.ADMIN)
    first = admin.get(f"/integrations/zoom/profiles/{scene.ids[0]}/trace")
    older = first.click("Older")
    assert (first.text.count('<li data-state="pass"'), older.text.count('<li data-state="pass"')) == (50, 1)


def test_states_of_entries(scene: Scene) -> None:
    launch_id = scene.launch(1, Outcome.REFUSED, "TOOL_REDIRECT")
    with scene.kit.session() as session:
        entry = Trace(session).find(session.get_one(ZoomProfile, scene.ids[0]), Wanted())[0]
    assert (entry.state, entry.launch_id, entry.code) == (State.REFUSED, launch_id, "TOOL_REDIRECT")
    assert (entry.seen, entry.answered_at) == ("seen by the check", scene.at(1) + timedelta(seconds=2))
