"""How others write into calendars: numbers, and events found, made, changed and cancelled in scoped statements.

For a session as for the connection of a hot path (`saas.db.rows`). Whoever writes first finds the event, which holds it
until the commit; what is found is of no session.
"""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from saas import clock
from saas.db.base import table_of, uuid7
from saas.db.rows import Part, Runner, new_values, parameters_of, same
from saas.db.statement import TENANT, ScopedStatement
from tenants.calendar.models import CalendarCount, CalendarEvent, EventState

_event, _count = table_of(CalendarEvent), table_of(CalendarCount)
EVENT = Part(CalendarEvent)
#: What an origin says of an event, and what follows from it.
_SAID = ("title", "description", "url", "starts_at", "duration_seconds")
_MOVED = (*_SAID, "state", "opened_at", "changed_at", "seen_at")
_ALL = tuple(column.name for column in _event.c if column.name != "tenant_id")
_the_event = sa.bindparam("the_event", type_=sa.Uuid())
_the_origin = sa.bindparam("the_origin", type_=sa.Uuid())
_at = sa.bindparam("at", type_=_event.c.seen_at.type)
_how_many = sa.bindparam("how_many", type_=sa.Integer)
#: Whoever goes to an origin now goes to what began so long ago, or begins so soon.
BEGAN, BEGINS = timedelta(hours=12), timedelta(hours=1)
EVER = datetime(2000, 1, 1, tzinfo=UTC)

#: Both databases know this conflict clause; who comes second waits for the first one's commit.
TAKE_NUMBERS = ScopedStatement(
    "calendar.take_numbers",
    insert(_count)
    .values(tenant_id=TENANT, id=sa.bindparam("new_id", type_=sa.Uuid()), last=_how_many)
    .on_conflict_do_update(index_elements=[_count.c.tenant_id], set_={"last": _count.c.last + _how_many})
    .returning(_count.c.last),
)
#: The dates of a meeting from ``since`` on, and the one without a key, wherever it is: its key is the first one tried.
FIND_OF_KEY = ScopedStatement(
    "calendar.find_of_key",
    sa.select(*EVENT.columns)
    .where(
        same(_event, origin_id=_the_origin, origin_key=sa.bindparam("the_key")),
        sa.or_(_event.c.starts_at >= sa.bindparam("since", type_=_event.c.starts_at.type), _event.c.repeat_key == ""),
    )
    .order_by(_event.c.number)
    .with_for_update(),
)
FIND_NUMBERED = ScopedStatement(
    "calendar.find_numbered",
    sa.select(*EVENT.columns).where(same(_event, number=sa.bindparam("the_number"))).with_for_update(),
)
#: No row comes back where somebody else has made the same date meanwhile.
MAKE_EVENT = ScopedStatement(
    "calendar.make_event",
    insert(_event)
    .values({"tenant_id": TENANT, **new_values(_event, _ALL)})
    .on_conflict_do_nothing(
        index_elements=[_event.c.tenant_id, _event.c.origin_id, _event.c.origin_key, _event.c.repeat_key]
    )
    .returning(_event.c.id),
)
#: What is new of it is shown, even where the event was hidden, and is not known to be wrong.
CHANGE_EVENT = ScopedStatement(
    "calendar.change_event",
    sa.update(_event)
    .where(same(_event, id=_the_event))
    .values({"sequence": _event.c.sequence + 1, "hidden_at": sa.null(), **new_values(_event, _MOVED)}),
)
SEE_EVENT = ScopedStatement(
    "calendar.see_event", sa.update(_event).where(same(_event, id=_the_event)).values(seen_at=_at)
)
CANCEL_EVENT = ScopedStatement(
    "calendar.cancel_event",
    sa.update(_event)
    .where(same(_event, id=_the_event, state=EventState.ACTIVE))
    .values(sequence=_event.c.sequence + 1, state=EventState.CANCELLED, changed_at=_at, seen_at=_at)
    .returning(_event.c.id),
)
OPEN_EVENTS = ScopedStatement(
    "calendar.open_events",
    sa.update(_event)
    .where(
        same(_event, origin_id=_the_origin),
        _event.c.starts_at >= sa.bindparam("since", type_=_event.c.starts_at.type),
        _event.c.starts_at <= sa.bindparam("until", type_=_event.c.starts_at.type),
        _event.c.opened_at.is_(None),
    )
    .values(opened_at=_at),
)


class Told(StrEnum):
    """What an origin's word has done."""

    MADE = "made"
    CHANGED = "changed"
    #: It said nothing new.
    SEEN = "seen"


@dataclass(frozen=True, slots=True)
class EventValues:
    """What an origin says: plain text, an address or "", aware time, seconds."""

    title: str
    description: str
    url: str
    starts_at: datetime
    duration_seconds: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose events they are (``id``: a Zoom place) and in which calendar they stand."""

    id: UUID
    course_id: UUID
    activity_id: UUID | None = None
    group_id: UUID | None = None


def next_numbers(runner: Runner, count: int) -> int:
    """The first of ``count`` numbers that are the caller's from here on; those not used are lost."""
    last: int = runner.run(TAKE_NUMBERS, new_id=uuid7(), how_many=count).first().last
    return last - count + 1


def events_of_key(runner: Runner, origin_id: UUID, origin_key: str, since: datetime = EVER) -> list[CalendarEvent]:
    """Every date of one meeting, cancelled ones too, by number; held until the commit. Of what began before ``since``
    at most one.
    """
    found = runner.run(FIND_OF_KEY, the_origin=origin_id, the_key=origin_key, since=since)
    return [event for row in found if (event := EVENT.read(row)) is not None]


def event_numbered(runner: Runner, number: int) -> CalendarEvent | None:
    """Of any origin; held until the commit."""
    row = runner.run(FIND_NUMBERED, the_number=number).first()
    return None if row is None else EVENT.read(row)


def make(
    runner: Runner, origin: Origin, origin_key: str, repeat_key: str, values: EventValues, number: int
) -> CalendarEvent | None:
    """None where another transaction has made this date meanwhile: then it is found, to be changed."""
    now = clock.now()
    event = CalendarEvent(
        id=uuid7(),
        number=number,
        uid=str(uuid7()),
        sequence=0,
        state=EventState.ACTIVE,
        course_id=origin.course_id,
        activity_id=origin.activity_id,
        group_id=origin.group_id,
        origin_id=origin.id,
        origin_key=origin_key,
        repeat_key=repeat_key,
        hidden_at=None,
        opened_at=None,
        created_at=now,
        changed_at=now,
        seen_at=now,
        **asdict(values),
    )
    made = runner.run(MAKE_EVENT, **parameters_of(event, _ALL, "new")).first()
    return None if made is None else event


def change(runner: Runner, event: CalendarEvent, values: EventValues) -> Told:
    """``event`` as it was found; it is afterwards as it is kept. A cancelled one becomes active, a hidden one shows.

    The same once more is only noted: what a coach has hidden stays so, and no feed hears of it. At another time nobody
    has been there yet.
    """
    event.seen_at = clock.now()
    said = asdict(values)
    if event.state is EventState.ACTIVE and all(getattr(event, name) == value for name, value in said.items()):
        runner.run(SEE_EVENT, the_event=event.id, at=event.seen_at)
        return Told.SEEN
    if event.starts_at != values.starts_at:
        event.opened_at = None
    for name, value in said.items():
        setattr(event, name, value)
    event.state, event.changed_at = EventState.ACTIVE, event.seen_at
    event.sequence, event.hidden_at = event.sequence + 1, None
    runner.run(CHANGE_EVENT, the_event=event.id, **parameters_of(event, _MOVED, "new"))
    return Told.CHANGED


def cancel(runner: Runner, event: CalendarEvent) -> bool:
    """Kept, so that feeds hear of it; False where it was cancelled before."""
    now = clock.now()
    if runner.run(CANCEL_EVENT, the_event=event.id, at=now).first() is None:
        return False
    event.state, event.changed_at, event.seen_at = EventState.CANCELLED, now, now
    event.sequence += 1
    return True


def note_opening(runner: Runner, origin_id: UUID) -> None:
    """Somebody goes there, so what is on now is no doubtful event (`CalendarEvent.is_doubtful`)."""
    now = clock.now()
    runner.run(OPEN_EVENTS, the_origin=origin_id, since=now - BEGAN, until=now + BEGINS, at=now)
