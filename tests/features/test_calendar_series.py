"""Series as Zoom tells of them: moved, cut, told in several calls, and half of them over (decision 0019)."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine

from saas import clock
from tenants.calendar.models import CalendarEvent
from tenants.lti.platform.log import Service
from tenants.zoom.ltipro.models import ZoomPlace
from tenants.zoom.ltipro.profiles import Profiles
from tests.features.test_calendar_calls import WEEK
from tests.features.zoom_rooms import MORNING, Room, an_event
from tests.house import House

HOUR, DAY = 3600, 86400


@pytest.fixture
def room(house: House) -> Room:
    return Room.set(house.academy())


def starts(room: Room, *, cancelled: bool = False) -> list[int]:
    return sorted(int(each.starts_at.timestamp()) for each in room.events() if each.is_cancelled is cancelled)


def weekly(first: int, many: int) -> list[int]:
    return [first + turn * WEEK for turn in range(many)]


def by_number(room: Room) -> dict[int, CalendarEvent]:
    return {each.number: each for each in room.events()}


def later(room: Room, seconds: int = 180) -> None:
    """Everything that was told was told so long before."""
    with room.kit.session() as session:
        for event in session.scalars(sa.select(CalendarEvent)):
            event.seen_at -= timedelta(seconds=seconds)


@pytest.mark.case("ZL-051")
@pytest.mark.parametrize("seconds", [HOUR, -HOUR, DAY, -3 * DAY], ids=["hour", "earlier", "day", "days"])
def test_moving_a_series_leaves_what_took_place_where_it_was(room: Room, seconds: int) -> None:
    """Ten weeks, three of them over: each date to come moves by itself, and none into the past."""
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 3 * WEEK + 5 * DAY, 10)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    moved = [start + seconds for start in dates]
    told = room.made(*(an_event(place, timestart=start) for start in moved))
    assert told == numbers
    found = [int(by_number(room)[number].starts_at.timestamp()) for number in numbers]
    assert found == dates[:3] + moved[3:]
    assert [by_number(room)[number].sequence for number in numbers] == [0] * 3 + [1] * 7


def test_what_took_place_does_not_take_place_again(room: Room) -> None:
    """Moved by some days, the last date that is over would lie ahead: that is another one."""
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 2 * WEEK - DAY, 6)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    moved = [start + 4 * DAY for start in dates]
    assert room.made(*(an_event(place, timestart=start) for start in moved)) == [*numbers[:2], 7, *numbers[3:]]
    assert starts(room) == sorted([*dates[:3], *moved[2:]])


def test_a_series_moved_while_one_of_its_dates_is_on(room: Room) -> None:
    """The one that has begun is to begin again; the others move by themselves."""
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 2 * WEEK - 600, 6)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    room.made(*(an_event(place, timestart=start + HOUR) for start in dates))
    found = [int(by_number(room)[number].starts_at.timestamp()) for number in numbers]
    assert found[:3] == dates[:3]
    assert found[3:] == [start + HOUR for start in dates[3:]]
    assert starts(room) == sorted([*dates[:3], *(start + HOUR for start in dates[2:])])


def test_a_series_that_is_cut_loses_its_other_dates(room: Room) -> None:
    place, dates = room.place(), weekly(MORNING, 10)
    room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    room.made(*(an_event(place, timestart=start) for start in dates[:5]))
    assert (starts(room), starts(room, cancelled=True)) == (dates[:5], dates[5:])
    assert room.calls(service=Service.CALENDAR)[0].row.seen == "create: 5 seen, 5 cancelled"
    room.made(*(an_event(place, timestart=start) for start in dates))
    assert starts(room) == dates, "and made longer again"


def test_a_series_that_is_cut_keeps_what_took_place(room: Room) -> None:
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 2 * WEEK - DAY, 6)
    room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    room.made(*(an_event(place, timestart=start) for start in dates[3:5]))
    assert (starts(room), starts(room, cancelled=True)) == (dates[:5], dates[5:])


def test_a_series_that_is_cut_and_moved_at_once(room: Room) -> None:
    place, dates = room.place(), weekly(MORNING, 6)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    later(room)
    assert room.made(*(an_event(place, timestart=start + HOUR) for start in dates[:3])) == numbers[:3]
    assert starts(room, cancelled=True) == dates[3:]


@pytest.mark.parametrize("at_once", [1, 2], ids=["date by date", "two by two"])
def test_a_series_told_in_several_calls_does_not_collapse(room: Room, at_once: int) -> None:
    place, dates = room.place(), weekly(MORNING, 6)
    for turn in range(0, 6, at_once):
        room.made(*(an_event(place, timestart=start) for start in dates[turn : turn + at_once]))
    assert (starts(room), starts(room, cancelled=True)) == (dates, [])


def test_a_series_told_over_a_change_of_clocks_does_not_collapse(room: Room) -> None:
    place = room.place()
    summer, winter = (datetime(2031, 10, day, hour, tzinfo=UTC) for day, hour in ((20, 8), (27, 9)))
    for start in (summer, winter):
        room.made(an_event(place, timestart=int(start.timestamp())))
    assert len(starts(room)) == 2


@pytest.mark.parametrize(("seconds", "wait"), [(HOUR, 0), (DAY, 180)], ids=["at once", "later"])
def test_a_date_alone_is_moved(room: Room, seconds: int, wait: int) -> None:
    """To another hour at once; to another day a moment later."""
    place = room.place()
    (number,) = room.made(an_event(place))
    later(room, wait)
    assert room.made(an_event(place, timestart=MORNING + seconds)) == [number]
    assert starts(room) == [MORNING + seconds]


def test_a_date_that_is_over_moves_nothing(room: Room) -> None:
    place, now = room.place(), int(clock.now().timestamp())
    (number,) = room.made(an_event(place))
    later(room)
    room.made(an_event(place, timestart=now - DAY))
    assert starts(room) == [now - DAY, MORNING]
    assert int(by_number(room)[number].starts_at.timestamp()) == MORNING


@pytest.mark.case("ZL-054")
@pytest.mark.parametrize("repeat", [0, 1])
def test_deleting_leaves_what_took_place(room: Room, repeat: int) -> None:
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 3 * WEEK + DAY, 5)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    wanted = numbers if not repeat else numbers[:1]
    assert room.delete(*wanted, repeat=repeat).body == b"null"
    assert (starts(room), starts(room, cancelled=True)) == (dates[:3], dates[3:])
    assert room.calls(service=Service.CALENDAR)[0].row.seen == "delete: 3 over, 2 cancelled"
    assert room.delete(*wanted, repeat=repeat).body == b"null"
    assert room.calls(service=Service.CALENDAR)[0].row.seen == "delete: 3 over, 2 cancelled before"


def test_what_is_on_can_be_deleted(room: Room) -> None:
    place, now = room.place(), int(clock.now().timestamp())
    (number,) = room.made(an_event(place, timestart=now - 600))
    room.delete(number)
    assert starts(room, cancelled=True) == [now - 600]


def test_half_a_series_deleted_and_made_again_is_the_same(room: Room) -> None:
    now, place = int(clock.now().timestamp()), room.place()
    dates = weekly(now - 3 * WEEK + DAY, 6)
    numbers = room.made(*(an_event(place, timestart=start) for start in dates))
    room.delete(numbers[0], repeat=1)
    assert room.made(*(an_event(place, timestart=start + HOUR) for start in dates)) == numbers
    assert starts(room) == dates[:3] + [start + HOUR for start in dates[3:]]


def test_what_was_long_ago_is_not_looked_at_and_keeps_its_key(room: Room) -> None:
    """A room that is used for years: its dates have the keys a new one would want."""
    place, then = room.place(), clock.now() - timedelta(days=400)
    with time_machine.travel(then, tick=False):
        old = [int(then.timestamp()) + turn * WEEK for turn in range(3)]
        room.made(*(an_event(place, timestart=start) for start in old))
    with room.kit.session() as session:
        for event in session.scalars(sa.select(CalendarEvent).where(CalendarEvent.repeat_key != "")):
            event.repeat_key = f"{MORNING + (event.number - 2) * WEEK}"
    dates = weekly(MORNING, 3)
    assert room.made(*(an_event(place, timestart=start) for start in dates)) == [4, 5, 6]
    assert starts(room) == sorted([*old, *dates])
    assert room.made(*(an_event(place, timestart=start) for start in dates)) == [4, 5, 6]


def given(room: Room, place: ZoomPlace) -> Room:
    """The place goes to another profile of the academy."""
    other = Room.set(room.kit)
    with room.kit.session() as session:
        profiles = Profiles(session, room.kit.runtime, room.kit.academy)
        profiles.reassign(profiles.get(room.profile_id), profiles.get(other.profile_id))
    return other


@pytest.mark.case("ZL-055")
@pytest.mark.parametrize("repeat", [0, 1])
def test_who_had_a_place_cancels_what_was_planned_then(room: Room, repeat: int) -> None:
    """The meetings are in the account of the profile that had it, and nobody else hears that they are deleted."""
    place = room.place()
    old, kept = room.made(an_event(place), an_event(place, timestart=MORNING + WEEK))
    other = given(room, place)
    (new,) = other.made(an_event(place, timestart=MORNING + 5 * WEEK))
    assert room.delete(new, repeat=repeat).json["errorcode"] == "nopermissions"
    assert room.create(an_event(place, name="Renamed"))["events"] == []
    assert not any(event.is_cancelled for event in room.events())
    assert room.delete(old, repeat=repeat).body == b"null"
    assert [number for number, event in by_number(room).items() if event.is_cancelled] == [old, kept][: repeat + 1]
    assert other.delete(kept).body == b"null", "whose it is now may, too"


def test_who_has_a_place_back_has_all_of_it(room: Room) -> None:
    place = room.place()
    (first,) = room.made(an_event(place))
    other = given(room, place)
    (second,) = other.made(an_event(place, timestart=MORNING + 5 * WEEK))
    with room.kit.session() as session:
        session.get_one(ZoomPlace, place.id).give(room.profile_id)
    assert room.delete(first, second).body == b"null"
    assert all(event.is_cancelled for event in room.events())
    stranger = Room.set(room.kit)
    assert stranger.delete(first).json["errorcode"] == "nopermissions"
