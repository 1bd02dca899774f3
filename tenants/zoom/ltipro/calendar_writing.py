"""Meetings that Zoom told us of, in the calendars of the places they are in: which event each of them is.

The same meeting in the same place keeps its event, and with it number and uid, however it is moved or renamed. Several
dates of one meeting are an event each. What a call says of a series is decision 0019. Whoever writes holds the place
first, so nobody makes the same event beside them, and no two wait for each other's events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
#: A series may be told in several calls; what one of them wrote, the next ones in this time leave where it is.
TOGETHER = timedelta(minutes=2)
#: Dates longer ago than this before what a call names are not looked at.
PAST = timedelta(days=60)
#: What a number can be; larger ones are nobody's.
_NUMBERS = range(1, 2**31)
PLACE = Part(ZoomPlace)
_place, _event, _activity = table_of(ZoomPlace), table_of(CalendarEvent), table_of(Activity)
_whose = sa.bindparam("the_profile", type_=_place.c.profile_id.type)

#: The place of a profile that a context's id names, held until the commit; ``content``: of its activity, if it has one.
#: ``with_former``: also of the one that had it before.
FIND_PLACE = ScopedStatement(
    "zoom.find_place_of_context",
    sa.select(*PLACE.columns, _activity.c.content.label("content"))
    .select_from(_place.outerjoin(_activity, same(_activity, id=_place.c.activity_id)))
    .where(
        same(_place, context_id=sa.bindparam("the_context")),
        sa.or_(
            _place.c.profile_id == _whose,
            sa.and_(sa.bindparam("with_former", type_=sa.Boolean()), _place.c.former_profile_id == _whose),
        ),
    )
    .with_for_update(key_share=True, of=_place),
)
#: Nothing is held yet.
FIND_CONTEXT = ScopedStatement(
    "zoom.find_place_of_event",
    sa.select(_place.c.context_id)
    .select_from(_event.join(_place, same(_place, id=_event.c.origin_id)))
    .where(
        same(_event, number=sa.bindparam("the_number")),
        sa.or_(
            _place.c.profile_id == _whose,
            sa.and_(_place.c.former_profile_id == _whose, _event.c.created_at < _place.c.given_at),
        ),
    ),
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


def hold_places(
    runner: Runner, profile: ZoomProfile, contexts: Iterable[str], *, with_former: bool = False
) -> Mapping[str, Held]:
    """By the context's id; what is no place of the profile is left out, unless it was one before, ``with_former``. In
    one order, so that none wait in a ring.
    """
    found = {}
    for context in sorted({each for each in contexts if identifier(each)}):
        row = runner.run(FIND_PLACE, the_context=context, the_profile=profile.id, with_former=with_former).first()
        place = PLACE.read(row) if row is not None else None
        if row is not None and place is not None:
            is_missing = place.kind is PlaceKind.ELEMENT and row.content is not Content.ZOOM
            found[context] = Held(place, is_missing)
    return found


def write(runner: Runner, dates: Sequence[Date]) -> tuple[list[Written], int]:
    """One for each of ``dates``, whose places are held, the same date twice is one event; and how many dates were
    cancelled because their meeting has others now.
    """
    meetings: dict[tuple[UUID, str], dict[datetime, Date]] = {}
    for date in dates:
        meetings.setdefault((date.place.id, date.meeting.key), {})[date.starts_at] = date
    plans = {name: _Plan.of(runner, *name, meetings[name]) for name in sorted(meetings)}
    new = sum(len(plan.new) for plan in plans.values())
    number = writing.next_numbers(runner, new) if new else 0
    dropped = 0
    for plan in plans.values():
        dropped += plan.carry_out(runner, number)
        number += len(plan.new)
    return [plans[date.place.id, date.meeting.key].written[date.starts_at] for date in dates], dropped


@dataclass
class _Plan:
    """For one meeting of one place: which date is which event, and which dates need a new one."""

    known: Sequence[CalendarEvent]
    dates: Mapping[datetime, Date]
    matched: "Matched"
    written: dict[datetime, Written]

    @classmethod
    def of(cls, runner: Runner, place_id: UUID, key: str, dates: Mapping[datetime, Date]) -> "_Plan":
        now = clock.now()
        known = writing.events_of_key(runner, place_id, key, since=min(now, *dates) - PAST)
        return cls(known, dates, match(known, {start: dates[start].seconds for start in sorted(dates)}, now), {})

    @property
    def new(self) -> list[datetime]:
        told = {*self.matched.same, *self.matched.over}
        return [start for start in sorted(self.dates) if start not in told]

    def carry_out(self, runner: Runner, number: int) -> int:
        """``number`` is the first of as many as there are new dates. How many events were cancelled."""
        for start, event in self.matched.same.items():
            self.written[start] = Written(event, writing.change(runner, event, self.dates[start].values))
        self.written.update({start: Written(event, Told.SEEN) for start, event in self.matched.over.items()})
        for place, start in enumerate(self.new):
            self.written[start] = self._made(runner, self.dates[start], number + place)
        return sum(writing.cancel(runner, event) for event in self.matched.dropped)

    def _made(self, runner: Runner, date: Date, number: int) -> Written:
        key = _free_key({event.repeat_key for event in self.known}, date.starts_at)
        made = writing.make(runner, _origin_of(date.place), date.meeting.key, key, date.values, number)
        if made is None:
            return self._overtaken(runner, date, number)
        self.known = [*self.known, made]
        return Written(made, Told.MADE)

    def _overtaken(self, runner: Runner, date: Date, number: int) -> Written:
        """The key is taken: by somebody who did not hold the place, or by a date too long ago to be looked at."""
        self.known = writing.events_of_key(runner, date.place.id, date.meeting.key)
        event = next((each for each in self.known if each.starts_at == date.starts_at), None)
        if event is None:
            return self._made(runner, date, number)
        return Written(event, writing.change(runner, event, date.values))


@dataclass(frozen=True, slots=True)
class Matched:
    """Which event each date of a call is. ``same`` is to be as told; ``over`` took place and stays as it was;
    ``dropped`` are dates that the meeting does not have any more.
    """

    same: dict[datetime, CalendarEvent]
    over: dict[datetime, CalendarEvent]
    dropped: list[CalendarEvent]


def match(known: Sequence[CalendarEvent], starts: Mapping[datetime, int], now: datetime) -> Matched:
    """``starts``: the dates of one call in their order, and how long each is, in seconds.

    The same time is the same event. What was moved: a date alone takes the only event that is still to come, several
    take those to come that nothing was said of, and what is left of these is dropped. Where none is to come, what was
    cancelled comes back: Zoom may change a meeting by deleting it and making it again. Dates that are over move
    nothing: of several they are what took place.
    """
    active = [event for event in known if not event.is_cancelled]
    at_once = {event.starts_at: event for event in (*known, *active)}
    same = {start: at_once[start] for start in starts if start in at_once}
    taken = {event.id for event in same.values()}
    free = sorted((event for event in known if event.id not in taken), key=lambda event: event.starts_at)
    rest = [start for start in starts if start not in same]
    ahead = [start for start in rest if start + timedelta(seconds=starts[start]) > now]
    is_series, upcoming = len(starts) > 1, [event for event in active if event.starts_at > now]
    to_come = [event for event in free if not event.is_cancelled and event.starts_at > now]
    spare = to_come if is_series or len(upcoming) == 1 else []
    if not upcoming:
        spare = [event for event in free if event.is_cancelled and (not active or event.starts_at > now)]
        spare = spare[-len(ahead) :] if ahead else []
    begun = [event for event in free if not event.is_cancelled and event.starts_at <= now] if is_series else []
    pairs = _aligned(ahead, spare) + _aligned([start for start in rest if start not in ahead], begun)
    if is_series and len(rest) == len(begun) + len(to_come):
        pairs = list(zip(rest, begun + to_come, strict=True))
    moved = {start: event for start, event in pairs if start in ahead and (event.is_cancelled or event.starts_at > now)}
    moved = {start: event for start, event in moved.items() if not _is_beside(event, start, now)}
    over = {start: event for start, event in pairs if start not in ahead and event.starts_at <= now}
    kept = {event.id for event in moved.values()}
    unnamed = [event for event in to_come if event.id not in kept and event.seen_at <= now - TOGETHER]
    return Matched(same | moved, over, unnamed if is_series else [])


def _aligned(starts: Sequence[datetime], events: Sequence[CalendarEvent]) -> list[tuple[datetime, CalendarEvent]]:
    """Both in their order, from the first or from the last on, whichever is nearer; what is more of one is left."""
    size = min(len(starts), len(events))
    if not size:
        return []
    ways = ([*zip(starts[:size], events[:size], strict=True)], [*zip(starts[-size:], events[-size:], strict=True)])
    return min(ways, key=lambda way: sum(abs(start - event.starts_at).total_seconds() for start, event in way))


def _is_beside(event: CalendarEvent, start: datetime, now: datetime) -> bool:
    """Told a moment ago, and whole days away: another date of the same series. The clocks may change in between."""
    days, hours = divmod(abs(start - event.starts_at) + timedelta(hours=1), timedelta(days=1))
    is_whole = days > 0 and hours in (timedelta(0), timedelta(hours=1), timedelta(hours=2))
    return is_whole and not event.is_cancelled and event.seen_at > now - TOGETHER


def _free_key(taken: Iterable[str], start: datetime) -> str:
    """The first date of a meeting has none: most have no other."""
    plain = f"{start.timestamp():.0f}"
    wanted = chain(("", plain), (f"{plain}.{number}" for number in count(2)))
    return next(key for key in wanted if key not in taken)


def _origin_of(place: ZoomPlace) -> Origin:
    """A group's meetings are in its calendar alone."""
    return Origin(place.id, place.course_id, activity_id=place.activity_id, group_id=place.group_id)


def context_of(runner: Runner, profile: ZoomProfile, number: int) -> str | None:
    """Of which place an event is that the profile may cancel; nothing is held. None for another's, and for none."""
    known = number in _NUMBERS
    row = runner.run(FIND_CONTEXT, the_number=number, the_profile=profile.id).first() if known else None
    return row.context_id if row is not None else None


def with_repeats(runner: Runner, event: CalendarEvent) -> list[CalendarEvent]:
    """Every date of the same meeting; none that was over long ago. They may be of several profiles (`may_cancel`)."""
    if event.origin_id is None:
        return [event]
    return writing.events_of_key(runner, event.origin_id, event.origin_key, since=clock.now() - PAST)


def may_cancel(profile: ZoomProfile, place: ZoomPlace, event: CalendarEvent) -> bool:
    """Who had the place when the event was made: it is in that profile's Zoom account."""
    return place.profile_id == profile.id or (place.given_at is not None and event.created_at < place.given_at)


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
