"""Calendar calls that must not work: wrong tokens, other people's places and events, and whatever else strangers send.

Cases 118 and 119 of the list of attacks: nothing tells a wrong token from one that may do nothing.
"""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest import mock
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa
import time_machine
from webtest import TestResponse

from saas import clock
from saas.tenancy.lifecycle import Lifecycle
from tenants.calendar.models import CalendarCount
from tenants.catalog.models import Activity, Content
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro import zoom_log
from tenants.zoom.ltipro.addresses import REST_PATH
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.profiles import Profiles
from tenants.zoom.ltipro.zoom_log import TRIES, WINDOW, TriedTokens, hint_of
from tests.conformance.openings import Desk
from tests.cost import counted
from tests.features.zoom_rooms import (
    CREATE,
    DELETE,
    GET,
    MORNING,
    SITE_INFO,
    Room,
    an_event,
    flat,
    use,
)
from tests.house import House

INVALID_TOKEN = {
    "exception": "moodle_exception", "errorcode": "invalidtoken", "message": "Invalid token - token not found",
}  # fmt: skip
WRONG = "W" * 40


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy())


def feature(room: Room, *, on: bool) -> None:
    with room.kit.runtime.database.shell() as session:
        lifecycle = Lifecycle(session, room.kit.runtime.settings.web)
        lifecycle.switch(room.kit.academy.slug, "zoom", on=on, reason="test")
    room.kit.runtime.tenants.forget()


def rotate(room: Room, *, at_once: bool) -> str:
    with room.kit.session() as session:
        profiles = Profiles(session, room.kit.runtime, room.kit.academy)
        profile = profiles.get(room.profile_id)
        return profiles.rotate(profile, seen_hint=profile.token_hint, at_once=at_once)


#: Why a token may do nothing, and what the log says of it.
OBSTACLES: dict[str, tuple[Callable[[Room], Any], str]] = {
    "unknown": (lambda room: setattr(room, "token", WRONG), "ZOOM_CALL_TOKEN"),
    "inactive profile": (lambda room: room.switch(on=False), "ZOOM_CALL_INACTIVE"),
    "Zoom switched off": (lambda room: use(room.kit, is_on=False), "ZOOM_OFF"),
    "calendar switched off": (lambda room: use(room.kit, with_calendar=False), "ZOOM_CALL_NO_CALENDAR"),
    "no Zoom for the academy": (lambda room: feature(room, on=False), "ZOOM_OFF"),
    "renewed at once": (lambda room: rotate(room, at_once=True), "ZOOM_CALL_OLD_TOKEN"),
}


@pytest.mark.case("ZL-058")
@pytest.mark.parametrize("obstacle", OBSTACLES)
@pytest.mark.parametrize("function", [CREATE, DELETE, GET, SITE_INFO, "no_such_function", None])
def test_case_119_every_obstacle_sounds_like_a_wrong_token(room: Room, obstacle: str, function: str | None) -> None:
    place = room.place()
    (number,) = room.made(an_event(place))
    before = room.call(function, flat(an_event(place)), token=WRONG)
    set_up, code = OBSTACLES[obstacle]
    set_up(room)
    fields = flat(an_event(place, name="Changed")) if function != DELETE else flat({"eventid": number})
    answer = room.call(function, fields)
    assert (answer.status_int, answer.json) == (200, INVALID_TOKEN)
    assert answer.body == before.body
    assert {name: value for name, value in answer.headers.items() if name != "X-Request-Id"} == {
        name: value for name, value in before.headers.items() if name != "X-Request-Id"
    }
    assert [event.title for event in room.events()] == ["Weekly talk"]
    assert not room.events()[0].is_cancelled
    newest = room.calls(service=Service.CALENDAR)[0].row
    assert newest.code == code
    assert newest.tool_id == (room.tool_id if code != "ZOOM_CALL_TOKEN" else None)


@pytest.mark.case("ZL-059")
def test_case_119_and_costs_the_same(room: Room) -> None:
    """The same statements in the same order, whoever it is: nothing to measure."""
    place = room.place()
    asked: list[tuple[list[str], int]] = []
    switches: tuple[tuple[Callable[[], None], Callable[[], None]], ...] = (
        (lambda: None, lambda: None),
        (lambda: room.switch(on=False), lambda: room.switch(on=True)),
        (lambda: use(room.kit, is_on=False), lambda: use(room.kit)),
        (lambda: use(room.kit, with_calendar=False), lambda: use(room.kit)),
    )
    for set_up, back in switches:
        token = WRONG if not asked else room.token
        set_up()
        room.call(CREATE, flat(an_event(place)), token=token)
        room.kit.runtime.tenants.forget()
        with counted(room.kit.runtime.database) as cost:
            room.call(CREATE, flat(an_event(place)), token=token)
        asked.append((cost.statements, cost.commits))
        back()
    assert all(each == asked[0] for each in asked), asked
    assert len(asked[0][0]) <= 6, "three for the host; profile, use, log"


@pytest.mark.case("ZL-061")
def test_case_118_guessing_is_named_and_locks_nobody_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many different tokens from one address: the log says so. Zoom's servers are everybody's: any Zoom account may be
    pointed at an academy, so a good token, of which this process has never heard, works from there all the same.
    """
    room = Room.set(house.academy())
    monkeypatch.setattr(house.application.registry, "zoom_tokens", TriedTokens(now=lambda: 0.0))
    room.call(SITE_INFO, token=WRONG)

    def cost_of(token: str) -> tuple[list[str], int]:
        room.kit.runtime.tenants.forget()
        with counted(room.kit.runtime.database) as cost:
            room.call(SITE_INFO, token=token)
        return cost.statements, cost.commits

    before, good = cost_of(WRONG), cost_of(room.token)
    assert room.calls(service=Service.CALENDAR)[1].row.code == "ZOOM_CALL_TOKEN"
    for number in range(TRIES):
        assert room.call(SITE_INFO, token=f"{number:040}").json == INVALID_TOKEN
    assert cost_of(f"{TRIES:040}") == before, "nothing tells from outside that it was noticed"
    assert room.calls(service=Service.CALENDAR)[0].row.code == "ZOOM_CALL_LOCKED"
    assert room.call(SITE_INFO).json["userid"]
    assert cost_of(room.token) == good
    fresh = rotate(room, at_once=True)
    assert room.call(SITE_INFO, token=fresh).json["userid"], "and so does a new one"


@pytest.mark.case("ZL-061")
def test_case_118_a_stale_token_locks_nobody_out(room: Room) -> None:
    """One profile's old token, again and again, from where the other profile's calls come from, too."""
    for _ in range(TRIES * 2):
        assert room.call(SITE_INFO, token=WRONG).json == INVALID_TOKEN
    assert room.call(SITE_INFO).json["userid"]


def test_case_118_tries_are_forgotten() -> None:
    at = [0.0]
    tried = TriedTokens(2, lambda: at[0])
    for token in ("a", "a", "b"):
        assert not tried.is_guessing("1", "x")
        tried.note("1", "x", token)
    assert tried.is_guessing("1", "x")
    assert not tried.is_guessing("2", "x")
    assert not tried.is_guessing("1", "y")
    at[0] += WINDOW
    assert not tried.is_guessing("1", "x")


@pytest.mark.case("ZL-068")
def test_case_118_tokens_are_kept_as_hashes_and_never_logged(room: Room) -> None:
    room.call(SITE_INFO, token="hunter2-my-password")
    room.call(SITE_INFO, token=WRONG)
    room.call(SITE_INFO)
    with room.kit.session() as session:
        row = session.get_one(ZoomProfile, room.profile_id)
        assert room.token not in f"{row.token_hash} {row.sealed_token}"
    seen = " ".join(call.row.seen for call in room.calls())
    assert not any(each in seen for each in (room.token, WRONG, "hunter2"))
    assert "ends with WWWW" in seen
    assert [hint_of(each) for each in ("", "x", "W" * 39 + "-")] == ["none", "1 characters", "40 characters"]


@pytest.mark.case("ZL-060")
def test_a_token_that_was_renewed_is_good_until_the_grace_ends(room: Room) -> None:
    old, new = room.token, rotate(room, at_once=False)
    for token in (old, new):
        assert room.call(SITE_INFO, token=token).json["userid"]
    with room.kit.session() as session:
        session.get_one(ZoomProfile, room.profile_id).previous_until = clock.now() - timedelta(seconds=1)
    assert room.call(SITE_INFO, token=old).json == INVALID_TOKEN
    assert room.call(SITE_INFO, token=new).json["userid"]


def test_strangers_fill_only_so_much_of_the_log(room: Room) -> None:
    with mock.patch.object(zoom_log, "note_call") as noted, time_machine.travel(clock.now(), tick=False):
        for number in range(140):
            room.call(SITE_INFO, token=f"{number % 5:040}", browser=room.kit.browser(REMOTE_ADDR="198.51.100.9"))
    assert noted.call_count == 120


@pytest.mark.case("ZL-066")
@pytest.mark.parametrize("kind", PlaceKind)
def test_a_place_that_is_off_takes_nothing(room: Room, kind: PlaceKind) -> None:
    place = room.place(kind)

    def code() -> str:
        answer = room.create(an_event(place))
        assert answer["events"] == []
        (warning,) = answer["warnings"]
        assert (warning["item"], warning["warningcode"]) == ("course", "nopermissions")
        return room.calls(service=Service.CALENDAR, tool_id=room.tool_id)[0].row.code

    use(room.kit, kinds=frozenset(PlaceKind) - {kind})
    assert code() == "ZOOM_CALL_PLACE"
    use(room.kit)
    with room.kit.session() as session:
        session.get_one(ZoomPlace, place.id).is_on = False
    assert code() == "ZOOM_CALL_PLACE"
    assert room.events() == []


@pytest.mark.case("ZL-066")
def test_a_place_whose_activity_is_no_meeting_any_more(room: Room) -> None:
    """Nothing opens it, so nothing is planned there; what was planned can be taken back."""
    place, kept = room.place(PlaceKind.ELEMENT), room.place()
    (number,) = room.made(an_event(place))
    with room.kit.session() as session:
        session.get_one(Activity, place.activity_id).content = Content.OWN
    answer = room.create(an_event(place, name="Another"), an_event(kept))
    assert [event["courseid"] for event in answer["events"]] == [kept.context_id]
    (warning,) = answer["warnings"]
    assert (warning["item"], warning["warningcode"]) == ("course", "nopermissions")
    assert room.calls(service=Service.CALENDAR, tool_id=room.tool_id)[0].row.code == "ZOOM_CALL_PLACE"
    assert room.delete(number).json is None
    assert [event.is_cancelled for event in room.events()] == [True, False]


@pytest.mark.case("ZL-066")
def test_a_place_that_was_deleted(room: Room) -> None:
    place, kept = room.place(PlaceKind.ELEMENT), room.place()
    room.made(an_event(place))
    with room.kit.session() as session:
        session.delete(session.get_one(Activity, place.activity_id))
    answer = room.create(an_event(place), an_event(kept))
    assert [event["courseid"] for event in answer["events"]] == [kept.context_id]
    assert len(answer["warnings"]) == 1


@pytest.mark.parametrize(
    "course", ["", "0", "17", "x" * 5000, "\x00", "%00", "' OR 1=1 --", "\U0001f600", "../..", None]
)
def test_courses_that_are_none(room: Room, course: str | None) -> None:
    event = an_event("x", courseid=course)
    answer = room.create(event)
    assert answer["events"] == []
    assert answer["warnings"][0]["warningcode"] == "nopermissions"
    assert len(room.calls()[0].row.seen) <= 300


@pytest.mark.case("ZL-055")
def test_deleting_what_is_not_there_changes_nothing(room: Room) -> None:
    """An unknown number and another profile's event are told alike, and what was named beside them stays."""
    other = Room.set(room.kit)
    (mine,), (foreign,) = room.made(an_event(room.place())), other.made(an_event(other.place()))
    answers = [room.delete(mine, number) for number in (foreign, 4711, 2**31, 10**14, 0, -1)]
    assert {answer.body for answer in answers} == {answers[0].body}
    assert answers[0].json["errorcode"] == "nopermissions"
    assert not any(event.is_cancelled for event in room.events())
    assert room.calls(service=Service.CALENDAR)[0].row.code == "ZOOM_CALL_EVENT"


FAULTS: dict[str, tuple[str | None, dict[str, Any], str]] = {
    "unknown function": ("core_user_delete_users", {}, "invalidrecord"),
    "no function": (None, {}, "invalidparameter"),
    "no events": (CREATE, {}, "invalidparameter"),
    "events that are none": (CREATE, {"events": "x"}, "invalidparameter"),
    "an event that is none": (CREATE, {"events[0]": "x"}, "invalidparameter"),
    "no name": (CREATE, {"events[0][courseid]": "x"}, "invalidparameter"),
    "a time that is none": (CREATE, {"events[0][name]": "x", "events[0][timestart]": "soon"}, "invalidparameter"),
    "a list for a name": (CREATE, {"events[0][name][]": "x"}, "invalidparameter"),
    "too deep": (CREATE, {"events[0][name][a][b]": "x"}, "invalidparameter"),
    "too many": (CREATE, {f"events[{number}][name]": "x" for number in range(201)}, "invalidparameter"),
    "no number": (DELETE, {"events[0][repeat]": "1"}, "invalidparameter"),
    "a number that is none": (DELETE, {"events[0][eventid]": "all"}, "invalidparameter"),
    "ids that are none": (GET, {"events[eventids][0]": "x"}, "invalidparameter"),
    "options that are none": (GET, {"options": "x"}, "invalidparameter"),
}  # fmt: skip


@pytest.mark.case("ZL-064")
@pytest.mark.parametrize("case", FAULTS)
def test_faults_are_moodles(room: Room, case: str) -> None:
    function, fields, errorcode = FAULTS[case]
    answer = room.call(function, fields)
    assert answer.status_int == 200
    assert set(answer.json) == {"exception", "errorcode", "message"}
    assert answer.json["errorcode"] == errorcode
    found = ET.fromstring(room.call(function, fields, format="xml").body)
    assert (found.tag, found.findtext("ERRORCODE")) == ("EXCEPTION", errorcode)
    assert room.calls(tool_id=room.tool_id)[0].row.code in {"ZOOM_CALL_PARAMETERS", "ZOOM_CALL_FUNCTION"}


def test_repeats_beyond_a_calls_measure(room: Room) -> None:
    place = room.place()
    answer = room.create(*(an_event(place, name=f"{number}", description="", repeats=50) for number in range(5)))
    assert answer["errorcode"] == "invalidparameter"
    assert room.events() == []
    with room.kit.session() as session:
        assert session.scalar(sa.select(CalendarCount)) is None


@pytest.mark.case("ZL-069")
@pytest.mark.parametrize("repeats", [201, 10**14])
def test_repeats_beyond_measure_are_refused_in_their_own_words(room: Room, repeats: int) -> None:
    answer = room.create(an_event(room.place(), repeats=repeats))
    (warning,) = answer["warnings"]
    assert (answer["events"], warning["warningcode"]) == ([], "invalidrepeats")
    assert "200" in warning["message"]
    line = room.calls(service=Service.CALENDAR, tool_id=room.tool_id)[0].row
    assert line.code == "ZOOM_CALL_REPEATS"
    assert str(repeats) in line.seen
    assert room.events() == []


def shape(answer: TestResponse) -> str:
    """The error code, in whichever format."""
    found = re.search(r'"errorcode":"(\w+)"|<ERRORCODE>(\w+)<', answer.text)
    assert found, answer.text[:200]
    assert "html" not in answer.content_type
    return found[1] or found[2]


def test_bodies_that_are_none(room: Room) -> None:
    app = room.kit.browser().app
    form = "application/x-www-form-urlencoded"
    for body, content_type in (
        (b"\xff\xfe\x00", form), (b"%ff=%fe&%00=%00", form), (b"{}", "application/json"), (b"<x/>", "text/xml"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b"--x\r\nHeader: value\r\n\r\nnameless\r\n--x--\r\n", "multipart/form-data; boundary=x"), (b"x", "multipart/form-data"), (b"&" * 100_000, form),
        (b"a=1&" * 20_000, form), (b"[" * 100_000, form), (b"a" + b"[a]" * 50_000 + b"=1", form),
        (b"wstoken[]=1&wstoken=&wsfunction[]=x", form), (b"", form), (b"x=1", form + "; charset=utf-16"),
    ):  # fmt: skip
        answer = app.post(REST_PATH, body, headers={"Content-Type": content_type}, expect_errors=True)
        assert answer.status_int in (200, 400), body[:20]
        assert shape(answer) in {"invalidtoken", "invalidparameter", "web_bad_request"}


@pytest.mark.case("ZL-065")
def test_a_body_that_is_too_large(room: Room) -> None:
    answer = room.call(CREATE, flat(an_event(room.place(), description="x" * 300_000)))
    assert answer.status_int == 413
    assert shape(answer) == "web_too_large"
    assert room.events() == []
    assert room.calls()[0].row.code == "WEB_TOO_LARGE"


def test_addresses_that_are_no_text(room: Room) -> None:
    app = room.kit.browser().app
    for query in ("%ff=%fe", "a=%00", "x=1&" * 3000, "wsfunction=" + "y" * 30_000):
        answer = app.get(f"{REST_PATH}?{query}", expect_errors=True)
        assert answer.status_int in (200, 400, 413)
        assert shape(answer)


def test_other_methods_in_moodles_shape(room: Room) -> None:
    app, at = room.kit.browser().app, {"Host": room.kit.host}
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = app.request(f"{REST_PATH}?moodlewsrestformat=json", method=method, headers=at, expect_errors=True)
        assert answer.status_int == 405
        assert answer.headers["Allow"] == "GET, POST"
        assert answer.json["errorcode"] == "web_method"
    place = room.place()
    query = "&".join(
        f"{name}={value}" for name, value in {"wstoken": room.token, **flat(an_event(place, description=""))}.items()
    )
    assert app.request(f"{REST_PATH}?{query}", method="HEAD", headers=at).status_int == 204
    assert room.events() == [], "looking does nothing"


def test_a_tools_token_and_a_session_open_nothing(room: Room) -> None:
    desk = Desk.set(room.kit)
    browser = room.kit.signed_in()
    for token in ("", desk.client_id, room.client_id, browser.app.cookies["__Host-session"]):
        assert room.call(SITE_INFO, token=token, browser=browser).json == INVALID_TOKEN


@pytest.mark.case("ZL-065")
def test_too_many_calls(house: House) -> None:
    """In Moodle's shape, with the time to wait; of another address nothing is held back."""
    room = Room.set(house.academy())
    with mock.patch.object(house.application.registry.zoom_calls, "_counts", {}) as counts:
        counts.update({(str(room.kit.academy.id), "address", "192.0.2.1"): 1200})
        with mock.patch.object(house.application.registry.zoom_calls, "_window", int(time.monotonic() // 60)):
            answer = room.call(SITE_INFO)
    assert answer.status_int == 429
    assert answer.headers["Retry-After"] == "60"
    assert answer.json["errorcode"] == "zoom_call_rate"
    assert room.calls()[0].row.code == "ZOOM_CALL_RATE"


@pytest.mark.case("ZL-063")
def test_nothing_of_markup_is_kept(room: Room) -> None:
    place = room.place()
    evil = '<script>alert(1)</script><img src=x onerror=alert(1)><a href="javascript:alert(1)">x</a>&lt;b&gt;'
    (told,) = room.create(an_event(place, name="<b>\u202eTitle</b>\x00", description=evil))["events"]
    (event,) = room.events()
    assert event.url == ""
    assert event.description == "x<b>"
    assert "\u202e" not in event.title + told["name"]
    page = room.kit.signed_in(person=room.kit.person()).get(f"/courses/{place.course_id}", expect_errors=True)
    assert "<script>alert" not in page


def test_the_number_of_an_event_is_never_given_twice(room: Room) -> None:
    other = Room.set(room.kit)
    first = room.made(*(an_event(room.place(), timestart=MORNING + turn) for turn in range(3)))
    second = other.made(*(an_event(other.place(), timestart=MORNING + turn) for turn in range(3)))
    assert len({*first, *second}) == 6
