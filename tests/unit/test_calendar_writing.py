"""Events as others write them: numbers, and what each word of an origin does; by session and on the hot path."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from saas import clock
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent, EventState
from tenants.calendar.writing import EventValues, Origin, Told
from tests.cost import counted
from tests.house import House, Kit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SAID = EventValues("Kick-off", "Passcode: 1", "https://zoom.us/j/1", NOON, 3600)
WAYS = ("session", "hot")


@contextmanager
def runner(kit: Kit, way: str) -> Iterator[Any]:
    database = kit.runtime.database
    with database.hot(kit.academy.id) if way == "hot" else database.transaction(kit.academy.id) as opened:
        yield opened


def origin_in(kit: Kit) -> Origin:
    activity = kit.activity(questions=False)
    return Origin(uuid4(), activity.course_id, activity.id)


def make(kit: Kit, origin: Origin, way: str = "hot", key: str = "86412345678", repeat: str = "") -> CalendarEvent:
    with runner(kit, way) as opened:
        made = writing.make(opened, origin, key, repeat, SAID, writing.next_numbers(opened, 1))
    assert made is not None
    return made


def kept(kit: Kit, event_id: UUID) -> CalendarEvent:
    with kit.session() as session:
        row = session.get_one(CalendarEvent, event_id)
        session.expunge(row)
        return row


def mend(kit: Kit, event_id: UUID, **columns: Any) -> None:
    with kit.session() as session:
        for name, value in columns.items():
            setattr(session.get_one(CalendarEvent, event_id), name, value)


@pytest.mark.parametrize("way", WAYS)
def test_numbers_begin_at_one_and_are_given_once(house: House, way: str) -> None:
    kit, other = house.academy(), house.academy()
    with runner(kit, way) as opened:
        assert [writing.next_numbers(opened, count) for count in (1, 3, 1)] == [1, 2, 5]
    with runner(other, way) as opened:
        assert writing.next_numbers(opened, 2) == 1, "each academy counts for itself"


def test_numbers_taken_at_once_are_all_different(house: House) -> None:
    kit = house.academy()

    def take(_turn: int) -> int:
        with kit.runtime.database.hot(kit.academy.id) as connection:
            return writing.next_numbers(connection, 2)

    with ThreadPoolExecutor(8) as pool:
        firsts = sorted(pool.map(take, range(40)))
    assert firsts == list(range(1, 81, 2))


@pytest.mark.parametrize("way", WAYS)
def test_a_new_event_is_kept_with_all_that_was_said(house: House, way: str) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin, way)
    row = kept(kit, made.id)
    assert (row.title, row.description, row.url, row.starts_at, row.duration_seconds) == (
        SAID.title, SAID.description, SAID.url, SAID.starts_at, 3600,
    )  # fmt: skip
    assert (row.origin_id, row.course_id, row.activity_id, row.group_id) == (
        origin.id, origin.course_id, origin.activity_id, None,
    )  # fmt: skip
    assert (row.number, row.sequence, row.state, row.hidden_at) == (1, 0, EventState.ACTIVE, None)
    assert row.uid == made.uid
    assert row.created_at == row.changed_at == row.seen_at == made.seen_at


@pytest.mark.parametrize("way", WAYS)
def test_a_date_is_made_once(house: House, way: str) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    make(kit, origin, way)
    with runner(kit, way) as opened:
        again = writing.make(opened, origin, "86412345678", "", SAID, writing.next_numbers(opened, 1))
        second = writing.make(opened, origin, "86412345678", "2", SAID, writing.next_numbers(opened, 1))
    assert again is None
    assert second is not None
    assert [each.repeat_key for each in found(kit, origin, way)] == ["", "2"]


def found(kit: Kit, origin: Origin, way: str = "hot", key: str = "86412345678") -> list[CalendarEvent]:
    with runner(kit, way) as opened:
        return writing.events_of_key(opened, origin.id, key)


def test_who_makes_the_same_date_at_the_same_time_is_told(house: House) -> None:
    kit = house.academy()
    origin = origin_in(kit)

    def tell(_turn: int) -> bool:
        with kit.runtime.database.hot(kit.academy.id) as connection:
            number = writing.next_numbers(connection, 1)
            return writing.make(connection, origin, "7", "", SAID, number) is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(tell, range(12))) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "change",
    [
        {"title": "Moved"},
        {"starts_at": NOON + timedelta(hours=2)},
        {"duration_seconds": 5400},
        {"url": "https://zoom.us/j/1?pwd=2"},
        {"description": "Passcode: 2"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_changes_raises_the_sequence_and_shows_again(house: House, way: str, change: dict[str, Any]) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin, way)
    mend(kit, made.id, hidden_at=NOON, changed_at=NOON, seen_at=NOON)
    with runner(kit, way) as opened:
        [event] = writing.events_of_key(opened, origin.id, "86412345678")
        assert writing.change(opened, event, replace(SAID, **change)) is Told.CHANGED
    row = kept(kit, made.id)
    assert (row.uid, row.number, row.sequence, row.hidden_at) == (made.uid, made.number, 1, None)
    assert row.changed_at == row.seen_at > NOON
    assert {name: getattr(row, name) for name in change} == change
    assert (event.sequence, event.changed_at, event.hidden_at) == (1, row.changed_at, None), "as it is kept"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("change", "stays"),
    [({"starts_at": NOON + timedelta(days=1)}, False), ({"title": "Other"}, True)],
    ids=["time", "title"],
)
def test_at_another_time_nobody_has_been_there_yet(
    house: House, way: str, change: dict[str, Any], *, stays: bool
) -> None:
    """Else a meeting that was opened once is never said to be outdated, however often it moves."""
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin, way)
    mend(kit, made.id, opened_at=NOON, seen_at=NOON)
    with runner(kit, way) as opened:
        [event] = writing.events_of_key(opened, origin.id, "86412345678")
        writing.change(opened, event, replace(SAID, **change))
    row = kept(kit, made.id)
    assert (row.opened_at == NOON, event.opened_at == row.opened_at) == (stays, True)
    mend(kit, made.id, seen_at=NOON - timedelta(days=1))
    assert kept(kit, made.id).is_doubtful(NOON + timedelta(days=2)) is not stays


@pytest.mark.parametrize("way", WAYS)
def test_the_same_once_more_is_only_noted(house: House, way: str) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin, way)
    mend(kit, made.id, hidden_at=NOON, changed_at=NOON, seen_at=NOON)
    with runner(kit, way) as opened:
        [event] = writing.events_of_key(opened, origin.id, "86412345678")
        assert writing.change(opened, event, SAID) is Told.SEEN
    row = kept(kit, made.id)
    assert (row.sequence, row.changed_at, row.hidden_at) == (0, NOON, NOON), "no feed hears of it, and it stays hidden"
    assert row.seen_at > NOON


@pytest.mark.parametrize("way", WAYS)
def test_a_cancelled_event_stays_and_comes_back(house: House, way: str) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin, way)
    with runner(kit, way) as opened:
        event = writing.event_numbered(opened, made.number)
        assert event is not None
        assert writing.cancel(opened, event)
        assert not writing.cancel(opened, event), "once"
    assert (kept(kit, made.id).state, kept(kit, made.id).sequence) == (EventState.CANCELLED, 1)
    assert (event.state, event.sequence) == (EventState.CANCELLED, 1)
    with runner(kit, way) as opened:
        [event] = writing.events_of_key(opened, origin.id, "86412345678")
        assert writing.change(opened, event, SAID) is Told.CHANGED
    row = kept(kit, made.id)
    assert (row.state, row.sequence, row.uid) == (EventState.ACTIVE, 2, made.uid)


@pytest.mark.parametrize("way", WAYS)
def test_nobody_finds_an_event_of_another_academy(house: House, way: str) -> None:
    kit, other = house.academy(), house.academy()
    origin = origin_in(kit)
    made = make(kit, origin)
    with runner(other, way) as opened:
        assert writing.event_numbered(opened, made.number) is None
        assert writing.events_of_key(opened, origin.id, made.origin_key) == []
        assert not writing.cancel(opened, made)
        writing.change(opened, made, replace(SAID, title="Theirs"))
        writing.note_opening(opened, origin.id)
    row = kept(kit, made.id)
    assert (row.title, row.sequence, row.state, row.opened_at) == (SAID.title, 0, EventState.ACTIVE, None)


@pytest.mark.parametrize("way", WAYS)
def test_dates_of_a_meeting_come_from_a_time_on_and_the_first_key_in_any_case(house: House, way: str) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    with runner(kit, way) as opened:
        for number, (day, repeat) in enumerate(((1, ""), (2, "b"), (3, "c"), (4, "d")), 1):
            writing.make(opened, origin, "9", repeat, replace(SAID, starts_at=NOON + timedelta(days=day)), number)
        since = NOON + timedelta(days=3)
        assert [each.repeat_key for each in writing.events_of_key(opened, origin.id, "9", since)] == ["", "c", "d"]
        assert [each.number for each in writing.events_of_key(opened, origin.id, "9")] == [1, 2, 3, 4]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("hours", "is_opened"), [(-13, False), (-2, True), (0.5, True), (2, False)])
def test_who_goes_there_opens_what_is_on(house: House, way: str, hours: float, *, is_opened: bool) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    made = make(kit, origin)
    mend(kit, made.id, starts_at=clock.now() + timedelta(hours=hours))
    with runner(kit, way) as opened:
        writing.note_opening(opened, origin.id)
    assert (kept(kit, made.id).opened_at is not None) is is_opened


def test_what_each_word_costs(house: House) -> None:
    kit = house.academy()
    origin = origin_in(kit)
    make(kit, origin)
    tenant = 1 if house.backend == "postgresql" else 0
    for said, statements in ((SAID, 2), (replace(SAID, title="Moved"), 2)):
        with counted(kit.runtime.database) as cost, kit.runtime.database.hot(kit.academy.id) as connection:
            [event] = writing.events_of_key(connection, origin.id, "86412345678")
            writing.change(connection, event, said)
        assert len(cost.statements) <= statements + tenant, cost.statements
    with counted(kit.runtime.database) as cost:
        make(kit, origin, key="other")
    assert len(cost.statements) <= 2 + tenant, cost.statements
