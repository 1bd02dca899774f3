"""Meetings that Zoom told us of, in the calendars of the places they are in: which event each of them is.

The same meeting in the same place keeps its event, and with it number and uid, however it is moved or renamed. Several
dates of one meeting are an event each. Whoever writes holds the place first, so nobody makes the same event beside
them, and no two wait for each other's events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, count
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from saas import clock
from saas.db.base import table_of
from saas.db.rows import Part, Runner, same
from saas.db.scope import ScopedSession
from saas.db.statement import ScopedStatement
from tenants.calendar import writing
from tenants.calendar.models import CalendarEvent, EventState
from tenants.calendar.writing import EventValues, Origin, Told
from tenants.catalog.models import Activity, Content
from tenants.lti.wire.text import identifier
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.wire.meeting import Meeting
from tenants.zoom.wire.moodle_rest import EventQuery

#: Events of an answer; the earliest ones.
LISTED = 1000
#: What a number can be; larger ones are nobody's.
_NUMBERS = range(1, 2**31)
PLACE = Part(ZoomPlace)
_place, _event, _activity = table_of(ZoomPlace), table_of(CalendarEvent), table_of(Activity)
_whose = sa.bindparam("the_profile", type_=_place.c.profile_id.type)

#: The place of a profile that a context's id names, held until the commit; ``content``: of its activity, if it has one.
FIND_PLACE = ScopedStatement(
    "zoom.find_place_of_context",
    sa.select(*PLACE.columns, _activity.c.content.label("content"))
    .select_from(_place.outerjoin(_activity, same(_activity, id=_place.c.activity_id)))
    .where(same(_place, context_id=sa.bindparam("the_context"), profile_id=_whose))
    .with_for_update(key_share=True, of=_place),
)
#: Nothing is held yet.
FIND_CONTEXT = ScopedStatement(
    "zoom.find_place_of_event",
    sa.select(_place.c.context_id)
    .select_from(_event.join(_place, same(_place, id=_event.c.origin_id)))
    .where(same(_event, number=sa.bindparam("the_number")), _place.c.profile_id == _whose),
)


@dataclass(frozen=True, slots=True)
class Date:
    """One date of a meeting that a place's calendar shall have; ``seconds``: how long."""

    place: ZoomPlace
    meeting: Meeting
    starts_at: datetime
    seconds: int

    @property
    def values(self) -> EventValues:
        meeting = self.meeting
        return EventValues(meeting.title, meeting.text, meeting.url, self.starts_at, self.seconds)


@dataclass(frozen=True, slots=True)
class Written:
    """``event`` as it is now."""

    event: CalendarEvent
    told: Told


@dataclass(frozen=True, slots=True)
class Held:
    """``is_missing``: its activity is no Zoom meeting any more, and nothing opens it."""

    place: ZoomPlace
    is_missing: bool


def hold_places(runner: Runner, profile: ZoomProfile, contexts: Iterable[str]) -> Mapping[str, Held]:
    """By the context's id; what is no place of the profile is left out. In one order, so that none wait in a ring."""
    found = {}
    for context in sorted({each for each in contexts if identifier(each)}):
        row = runner.run(FIND_PLACE, the_context=context, the_profile=profile.id).first()
        place = PLACE.read(row) if row is not None else None
        if row is not None and place is not None:
            is_missing = place.kind is PlaceKind.ELEMENT and row.content is not Content.ZOOM
            found[context] = Held(place, is_missing)
    return found


def write(runner: Runner, dates: Sequence[Date]) -> list[Written]:
    """One for each of ``dates``, whose places are held; the same date twice is one event."""
    meetings: dict[tuple[UUID, str], dict[datetime, Date]] = {}
    for date in dates:
        meetings.setdefault((date.place.id, date.meeting.key), {})[date.starts_at] = date
    plans = {name: _Plan.of(runner, *name, meetings[name]) for name in sorted(meetings)}
    new = sum(len(plan.new) for plan in plans.values())
    number = writing.next_numbers(runner, new) if new else 0
    for plan in plans.values():
        plan.carry_out(runner, number)
        number += len(plan.new)
    return [plans[date.place.id, date.meeting.key].written[date.starts_at] for date in dates]


@dataclass
class _Plan:
    """For one meeting of one place: which date is which event, and which dates need a new one."""

    known: Sequence[CalendarEvent]
    dates: Mapping[datetime, Date]
    matched: dict[datetime, CalendarEvent]
    written: dict[datetime, Written]

    @classmethod
    def of(cls, runner: Runner, place_id: UUID, key: str, dates: Mapping[datetime, Date]) -> "_Plan":
        known = writing.events_of_key(runner, place_id, key)
        return cls(known, dates, match(known, sorted(dates), clock.now()), {})

    @property
    def new(self) -> list[datetime]:
        return [start for start in sorted(self.dates) if start not in self.matched]

    def carry_out(self, runner: Runner, number: int) -> None:
        """``number`` is the first of as many as there are new dates."""
        for start, event in self.matched.items():
            self.written[start] = Written(event, writing.change(runner, event, self.dates[start].values))
        taken = {event.repeat_key for event in self.known}
        for place, start in enumerate(self.new):
            date = self.dates[start]
            key = _free_key(taken, start)
            taken.add(key)
            origin = _origin_of(date.place)
            made = writing.make(runner, origin, date.meeting.key, key, date.values, number + place)
            self.written[start] = Written(made, Told.MADE) if made is not None else _overtaken(runner, date, key)


def match(known: Sequence[CalendarEvent], starts: Sequence[datetime], now: datetime) -> dict[datetime, CalendarEvent]:
    """Which event each date of one call is, if it is one of those ``known``; ``starts`` are sorted.

    The same time is the same event. What was moved: a date alone takes the only event that is still to come, several
    take, in their order, those of them that nothing was said of. Where nothing is active any more, what was cancelled
    comes back: Zoom may change a meeting by deleting it and making it again.
    """
    active = [event for event in known if not event.is_cancelled]
    at_once = {event.starts_at: event for event in (*known, *active)}
    found = {start: at_once[start] for start in starts if start in at_once}
    rest = [start for start in starts if start not in found]
    upcoming = [event for event in active if event.starts_at > now]
    movable = upcoming if len(starts) > 1 or len(upcoming) == 1 else []
    spare = movable if active else list(known[-len(starts) :])
    taken = {event.id for event in found.values()}
    left = sorted((event for event in spare if event.id not in taken), key=lambda event: event.starts_at)
    return found | dict(zip(rest, left, strict=False))


def _overtaken(runner: Runner, date: Date, repeat_key: str) -> Written:
    """Somebody who did not hold the place has made it at this moment."""
    known = writing.events_of_key(runner, date.place.id, date.meeting.key)
    event = next(each for each in known if each.repeat_key == repeat_key)
    return Written(event, writing.change(runner, event, date.values))


def _free_key(taken: Iterable[str], start: datetime) -> str:
    """The first date of a meeting has none: most have no other."""
    plain = f"{start.timestamp():.0f}"
    wanted = chain(("", plain), (f"{plain}.{number}" for number in count(2)))
    return next(key for key in wanted if key not in taken)


def _origin_of(place: ZoomPlace) -> Origin:
    """A group's meetings are in its calendar alone."""
    return Origin(place.id, place.course_id, activity_id=place.activity_id, group_id=place.group_id)


def context_of(runner: Runner, profile: ZoomProfile, number: int) -> str | None:
    """Of which place an event is; nothing is held. None for an event of another profile, and for none."""
    known = number in _NUMBERS
    row = runner.run(FIND_CONTEXT, the_number=number, the_profile=profile.id).first() if known else None
    return row.context_id if row is not None else None


def with_repeats(runner: Runner, event: CalendarEvent) -> list[CalendarEvent]:
    """Every date of the same meeting."""
    return writing.events_of_key(runner, event.origin_id, event.origin_key) if event.origin_id else [event]


@dataclass(frozen=True, slots=True)
class Listed:
    """``repeat_of``: the first number, where the meeting has several dates."""

    event: CalendarEvent
    place: ZoomPlace
    repeat_of: int | None


def listed(session: ScopedSession, profile: ZoomProfile, query: EventQuery) -> list[Listed]:
    """What is active of the profile's places; `LISTED` at most, by time."""
    other = aliased(CalendarEvent)
    is_same = sa.and_(other.origin_id == CalendarEvent.origin_id, other.origin_key == CalendarEvent.origin_key)
    first = (
        sa.select(sa.case((sa.func.count() > 1, sa.func.min(other.number))))
        .where(is_same, other.state == EventState.ACTIVE)
        .correlate(CalendarEvent)
        .scalar_subquery()
    )
    wanted = sa.select(CalendarEvent, ZoomPlace, first).join(ZoomPlace, ZoomPlace.id == CalendarEvent.origin_id)
    wanted = wanted.where(ZoomPlace.profile_id == profile.id, CalendarEvent.state == EventState.ACTIVE)
    narrowed = []
    if query.numbers:
        narrowed.append(CalendarEvent.number.in_([each for each in query.numbers if each in _NUMBERS]))
    if query.courses:
        narrowed.append(ZoomPlace.context_id.in_([each for each in query.courses if identifier(each)]))
    if narrowed:
        wanted = wanted.where(sa.or_(*narrowed))
    if query.since > 0 and (since := _moment(query.since)):
        wanted = wanted.where(CalendarEvent.starts_at >= since)
    if query.until is not None and (until := _moment(query.until)):
        wanted = wanted.where(CalendarEvent.starts_at <= until)
    wanted = wanted.order_by(CalendarEvent.starts_at, CalendarEvent.number).limit(LISTED)
    return [Listed(event, place, repeat_of) for event, place, repeat_of in session.execute(wanted)]


def contexts_of(session: ScopedSession, profile: ZoomProfile, asked: Sequence[str]) -> frozenset[str]:
    """Those that are the profile's."""
    known = [each for each in asked if identifier(each)]
    query = sa.select(ZoomPlace.context_id).where(ZoomPlace.profile_id == profile.id, ZoomPlace.context_id.in_(known))
    return frozenset(session.scalars(query)) if known else frozenset()


def eventtype_of(place: ZoomPlace) -> str:
    return "group" if place.kind is PlaceKind.GROUP else "course"


def _moment(seconds: int) -> datetime | None:
    """None for a time no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, clock.now().tzinfo)
    except (ValueError, OverflowError, OSError):
        return None
