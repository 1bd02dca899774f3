"""Meetings come into calendars: Moodle's web service as Zoom uses it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
import sqlalchemy as sa

from saas import clock
from saas.tenancy.models import Tenant
from tenants.calendar.models import CalendarEvent, EventState
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.addresses import REST_PATH
from tenants.zoom.ltipro.calendar_calls import CalendarCall
from tenants.zoom.ltipro.calendar_writing import _free_key
from tenants.zoom.ltipro.models import PlaceKind
from tenants.zoom.wire.moodle_rest import RestCall
from tests.features.zoom_rooms import (
    CREATE,
    DELETE,
    GET,
    LINK,
    MORNING,
    SITE_INFO,
    Room,
    an_event,
    flat,
)  # fmt: skip
from tests.house import House

WEEK = 7 * 86400


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy())


@pytest.mark.case("ZL-050")
@pytest.mark.parametrize("kind", PlaceKind)
def test_a_meeting_is_in_the_calendar_of_its_place(room: Room, kind: PlaceKind) -> None:
    place = room.place(kind)
    answer = room.create(an_event(place))
    (event,) = room.events()
    assert (event.course_id, event.activity_id, event.group_id) == (place.course_id, place.activity_id, place.group_id)
    assert (event.title, event.url, event.duration_seconds) == ("Weekly talk", LINK, 3600)
    assert event.starts_at == datetime.fromtimestamp(MORNING, UTC)
    assert (event.origin_id, event.origin_key, event.sequence) == (place.id, "86412345678", 0)
    assert event.description == "Join Zoom Meeting 864 1234 5678"
    assert answer == {
        "events": [
            {
                "id": event.number, "name": "Weekly talk", "description": event.description, "format": 1,
                "courseid": place.context_id, "groupid": 0, "userid": 2, "repeatid": None, "modulename": None,
                "instance": 0, "eventtype": "group" if kind is PlaceKind.GROUP else "course", "timestart": MORNING,
                "timeduration": 3600, "visible": 1, "uuid": event.uid, "sequence": 1,
                "timemodified": int(event.changed_at.timestamp()), "subscriptionid": None,
            }
        ],
        "warnings": [],
    }  # fmt: skip


@pytest.mark.case("ZL-053")
def test_the_same_meeting_keeps_its_number(room: Room) -> None:
    place = room.place()
    (number,) = room.made(an_event(place))
    again = room.create(an_event(place, name="Another name", timestart=MORNING + 7200, timeduration=60))["events"][0]
    (event,) = room.events()
    assert (again["id"], event.number, event.sequence) == (number, number, 1)
    assert (event.title, event.duration_seconds) == ("Another name", 60)
    assert event.starts_at.timestamp() == MORNING + 7200


def test_the_same_once_more_changes_nothing(room: Room) -> None:
    place = room.place()
    assert room.made(an_event(place)) == room.made(an_event(place))
    assert [event.sequence for event in room.events()] == [0]


def test_the_same_meeting_in_two_places_is_two_events(room: Room) -> None:
    first, second = room.place(), room.place(PlaceKind.ELEMENT)
    one, two = room.made(an_event(first), an_event(second))
    assert one != two
    assert room.made(an_event(second), an_event(first)) == [two, one]


@pytest.mark.case("ZL-051")
def test_several_dates_in_one_call(room: Room) -> None:
    place = room.place()
    dates = [an_event(place, timestart=MORNING + turn * WEEK) for turn in range(3)]
    numbers = room.made(*dates)
    assert len(set(numbers)) == 3
    answer = room.create(*reversed(dates))
    assert [event["id"] for event in answer["events"]] == numbers[::-1]
    assert {event["repeatid"] for event in answer["events"]} == {min(numbers)}
    moved = [an_event(place, timestart=MORNING + turn * WEEK + 3600) for turn in range(3)]
    assert room.made(*moved) == numbers, "the whole series was moved by an hour"
    assert len(room.events()) == 3


def test_one_new_date_beside_several_is_another(room: Room) -> None:
    place = room.place()
    room.made(an_event(place), an_event(place, timestart=MORNING + WEEK))
    room.made(an_event(place, timestart=MORNING + 5 * WEEK))
    assert len(room.events()) == 3


@pytest.mark.case("ZL-069")
def test_repeats_are_weekly_at_the_same_time_of_day(room: Room) -> None:
    """The clocks of the academy change between them."""
    with room.kit.house.runtime.database.shell() as session:
        session.get_one(Tenant, room.kit.academy.id).timezone = "Europe/Berlin"
    room.kit.runtime.tenants.forget()
    start = datetime(2031, 3, 24, 9, tzinfo=UTC)
    place = room.place()
    answer = room.create(an_event(place, timestart=int(start.timestamp()), repeats=3))["events"]
    starts = [datetime.fromtimestamp(event["timestart"], UTC) for event in answer]
    assert starts == [start, start + timedelta(days=7, hours=-1), start + timedelta(days=14, hours=-1)]
    assert {event["repeatid"] for event in answer} == {answer[0]["id"]}


def test_a_meeting_that_has_begun_is_not_moved(room: Room) -> None:
    """A number that is used again later is another date."""
    place, now = room.place(), int(clock.now().timestamp())
    (old,) = room.made(an_event(place, timestart=now - 86400))
    (new,) = room.made(an_event(place, timestart=now + 86400))
    assert new != old
    assert room.made(an_event(place, timestart=now + 90000)) == [new]


def test_deleted_and_made_again_is_the_same_event(room: Room) -> None:
    """A change may be told so."""
    place = room.place()
    (number,) = room.made(an_event(place))
    assert room.delete(number).json is None
    (event,) = room.events()
    assert (event.state, event.sequence) == (EventState.CANCELLED, 1)
    assert room.made(an_event(place, timestart=MORNING + 3600)) == [number]
    (event,) = room.events()
    assert (event.state, event.sequence) == (EventState.ACTIVE, 2)


@pytest.mark.case("ZL-054")
def test_deleting_twice_and_with_repeats(room: Room) -> None:
    place = room.place()
    numbers = room.made(*(an_event(place, timestart=MORNING + turn * WEEK) for turn in range(3)))
    assert room.delete(numbers[0], numbers[0]).body == b"null"
    assert room.delete(numbers[0]).body == b"null"
    assert [event.is_cancelled for event in room.events()] == [True, False, False]
    assert [event.sequence for event in room.events()] == [1, 0, 0]
    assert room.delete(numbers[1], repeat=1).body == b"null"
    assert all(event.is_cancelled for event in room.events())
    assert room.delete(*numbers, repeat=1).body == b"null"


def test_a_date_that_was_used_a_thousand_times_has_room_for_one_more(room: Room) -> None:
    """Each event keeps the key it was made with, wherever it was moved since."""
    place = room.place()
    room.made(an_event(place), an_event(place, timestart=MORNING + WEEK))
    keys = ["", str(MORNING), *(f"{MORNING}.{number}" for number in range(2, 1000))]
    start = datetime.fromtimestamp(MORNING, UTC)
    assert _free_key(keys, start) == f"{MORNING}.1000"
    with room.kit.session() as session:
        for number, key in enumerate(keys[2:], 100):
            at = start - timedelta(days=number)
            session.add(
                CalendarEvent(
                    number=number,
                    course_id=place.course_id,
                    title="Weekly talk",
                    starts_at=at,
                    origin_id=place.id,
                    origin_key=room_key(room),
                    repeat_key=key,
                )
            )
        for event in session.scalars(sa.select(CalendarEvent).where(CalendarEvent.number < 3)):
            event.starts_at = start - timedelta(days=event.number)
    assert room.made(an_event(place)) == [3]


def room_key(room: Room) -> str:
    """What the first event's meeting is called."""
    return room.events()[0].origin_key


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each gives or raises; they begin together."""
    gate = threading.Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        gate.wait(30)
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result(120) for each in [pool.submit(run, deed) for deed in deeds]]


def test_who_deletes_and_who_plans_at_once_do_not_wait_for_each_other(room: Room) -> None:
    """All of a meeting by its last number, by its first, and the dates once more: without a second try."""
    first, second = room.place(), room.place()
    dates = [an_event(place, timestart=MORNING + turn * WEEK) for turn in range(4) for place in (first, second)]
    numbers = room.made(*dates)

    def call(function: str, fields: dict[str, str]) -> bytes:
        said = [("wstoken", room.token), ("wsfunction", function), ("moodlewsrestformat", "json"), *fields.items()]
        return CalendarCall(room.kit.runtime, room.kit.academy, RestCall.read(said, "")).answer(lambda: True).body

    def delete(*wanted: int) -> bytes:
        return call(DELETE, flat(*({"eventid": number, "repeat": 1} for number in wanted)))

    def move(seconds: int) -> bytes:
        return call(CREATE, flat(*({**each, "timestart": each["timestart"] + seconds} for each in reversed(dates))))

    for turn in range(6):
        deletions = [partial(delete, *each) for each in ((max(numbers),), (min(numbers),), numbers)]
        *deleted, planned = at_once(*deletions, partial(move, 60 * turn))
        assert deleted == [b"null"] * 3
        assert b'"warnings":[]' in planned


@pytest.mark.case("ZL-067")
def test_a_hidden_event_comes_back_when_it_changes(room: Room) -> None:
    place = room.place()
    room.made(an_event(place))
    with room.kit.session() as session:
        session.get_one(CalendarEvent, room.events()[0].id).hidden_at = clock.now()
    assert room.create(an_event(place))["events"][0]["visible"] == 0
    assert room.create(an_event(place, name="Moved"))["events"][0]["visible"] == 1


@pytest.mark.case("ZL-056")
def test_events_are_read(room: Room) -> None:
    place, other = room.place(), room.place(PlaceKind.GROUP)
    first, second = room.made(an_event(place), an_event(place, timestart=MORNING + WEEK))
    (third,) = room.made(an_event(other, description="", timestart=MORNING + 60))

    def got(**fields: Any) -> list[int]:
        answer = room.call(GET, {name.replace("_", "[", 1).replace("_", "][") + "]": fields[name] for name in fields})
        return [event["id"] for event in answer.json["events"]]

    assert got() == [first, third, second]
    assert got(events_eventids_0=second) == [second]
    assert got(events_courseids_0=place.context_id) == [first, second]
    assert got(events_courseids_0=other.context_id, events_eventids_0=second) == [third, second]
    assert got(options_timestart=MORNING + 1) == [third, second]
    assert got(options_timestart=MORNING + 1, options_timeend=MORNING + 100) == [third]
    assert got(events_groupids_0=17, events_categoryids_0=3, options_userevents=1, options_ignorehidden="true")
    room.delete(first)
    assert got() == [third, second]
    kept = room.call(GET, {"events[eventids][]": third}).json["events"][0]
    assert (kept["courseid"], kept["eventtype"], kept["repeatid"]) == (other.context_id, "group", None)


@pytest.mark.case("ZL-056")
def test_reading_warns_of_what_is_not_there(room: Room) -> None:
    place = room.place()
    (number,) = room.made(an_event(place))
    wanted = {"events[eventids][0]": number, "events[eventids][1]": 4711, "events[courseids][5]": "nowhere"}
    answer = room.call(GET, wanted).json
    assert [event["id"] for event in answer["events"]] == [number]
    assert [(each["item"], each["warningcode"]) for each in answer["warnings"]] == [
        ("course", "nopermissions"),
        ("event", "nopermissions"),
    ]


@pytest.mark.case("ZL-057")
def test_site_info(room: Room) -> None:
    told = room.call(SITE_INFO).json
    assert told["sitename"] == room.kit.academy.name
    assert told["siteurl"] == room.kit.academy.url
    assert {each["name"] for each in told["functions"]} == {CREATE, DELETE, GET, SITE_INFO}
    assert told["userid"] == 2


@pytest.mark.case("ZL-052")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("format_", ["json", "xml", None, "yaml"])
def test_methods_and_formats(room: Room, method: str, format_: str | None) -> None:
    """Moodle's own is XML."""
    place = room.place()
    answer = room.call(CREATE, flat(an_event(place, name="Tom & <Jerry>")), format=format_, method=method)
    assert answer.status_int == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    if format_ == "json":
        assert answer.content_type == "application/json"
        assert answer.json["events"][0]["name"] == "Tom & <Jerry>"
        return
    assert answer.content_type == "application/xml"
    found = ET.fromstring(answer.body)
    event = found.find("./SINGLE/KEY[@name='events']/MULTIPLE/SINGLE")
    assert event is not None
    values = {key.get("name"): key.findtext("VALUE") for key in event.findall("KEY")}
    assert (values["name"], values["courseid"]) == ("Tom & <Jerry>", place.context_id)
    repeat = event.find("KEY[@name='repeatid']/VALUE")
    assert repeat is not None
    assert repeat.get("null") == "null"
    gone = room.call(DELETE, flat({"eventid": values["id"], "repeat": 0}), format=format_, method=method)
    assert len(ET.fromstring(gone.body)) == 0


@pytest.mark.parametrize(
    "write",
    [
        lambda key: f"events[0][{key}]",
        lambda key: f"events[7][{key}]",
        lambda key: f"events%5B0%5D%5B{key}%5D",
        lambda key: f"events%5b0%5d[{key}]",
        lambda key: f"events[first][{key}]",
        lambda key: f"events%255B0%255D%255B{key}%255D",
    ],
)
def test_names_however_they_are_written(room: Room, write: Any) -> None:
    place = room.place()
    body = "&".join(f"{write(name)}={quote(str(value))}" for name, value in an_event(place).items())
    said = f"wstoken={room.token}&wsfunction={CREATE}&moodlewsrestformat=json&{body}"
    answer = room.kit.browser().app.post(REST_PATH, said, content_type="application/x-www-form-urlencoded")
    assert answer.json["warnings"] == []
    assert len(answer.json["events"]) == 1


@pytest.mark.case("ZL-064")
def test_a_call_without_a_function_makes_events(room: Room) -> None:
    place = room.place()
    assert len(room.create(an_event(place))["events"]) == 1
    answer = room.call(None, flat(an_event(place, name="Renamed")))
    assert answer.json["events"][0]["name"] == "Renamed"


def test_a_token_in_the_header_and_a_multipart_form(room: Room) -> None:
    place = room.place()
    fields = {"wsfunction": CREATE, "moodlewsrestformat": "json", **flat(an_event(place))}
    app = room.kit.browser().app
    assert app.post(REST_PATH, fields, headers={"Authorization": f"Bearer {room.token}"}).json["events"]
    files = [("file", "x.txt", b"x")]
    assert app.post(REST_PATH, {**fields, "wstoken": room.token}, upload_files=files).json["events"]


@pytest.mark.case("ZL-068")
def test_what_was_done_is_in_the_log(room: Room) -> None:
    place = room.place()
    room.made(an_event(place), an_event(place, timestart=MORNING + WEEK))
    room.create(an_event(place, timestart=MORNING), an_event("elsewhere"))
    room.call(SITE_INFO)
    info, second, first = (call.row for call in room.calls(service=Service.CALENDAR, tool_id=room.tool_id))
    assert (first.code, first.status, first.seen) == ("", 200, "create: 2 made")
    assert (second.code, second.seen) == ("ZOOM_CALL_PLACE", "create: 1 refused, 1 seen; place elsewhere")
    assert (info.code, info.seen) == ("", "site info: 1 told")
    every = " ".join(call.row.seen for call in room.calls())
    assert not any(secret in every for secret in (room.token, "TheSecretPasscode", LINK))


@pytest.mark.case("ZL-062")
def test_dates_that_cannot_be_and_lengths_that_are_odd(room: Room) -> None:
    place = room.place()
    answer = room.create(
        an_event(place, timestart=0), an_event(place, timestart=4_200_000_000, name="Late"),
        an_event(place, timestart=MORNING, timeduration=-5),
        an_event(place, timestart=MORNING + 60, timeduration=10**9, description="x"),
        an_event(place, repeats=5000),
    )  # fmt: skip
    assert [each["warningcode"] for each in answer["warnings"]] == ["invalidtime", "invalidtime", "invalidrepeats"]
    assert [event["timeduration"] for event in answer["events"]] == [0, 86400]


def test_without_a_time_it_is_now(room: Room) -> None:
    before = int(clock.now().timestamp())
    (event,) = room.create(an_event(room.place(), timestart=None))["events"]
    assert before <= event["timestart"] <= before + 60
