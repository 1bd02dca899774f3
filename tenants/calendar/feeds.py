"""The address of a person's iCal feed: made on the page Calendar, given up there, found by its token alone."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from saas.db.rows import same
from saas.db.scope import ScopedSession
from saas.db.statement import ScopedStatement
from saas.problems import Refused
from saas.secrets import SealError, Secrets
from saas.sessions import hash_token
from tenants.access import Role
from tenants.accounts.models import Person, PersonStatus
from tenants.calendar.models import CalendarEvent, CalendarFeed, EventState
from tenants.calendar.services import Calendar, Entry

PURPOSE = "calendar.feed_token"
#: So much of the past is in a feed, and so long it tells of what was cancelled.
PAST = timedelta(days=30)
LIMIT = 500
#: When it was last read is noted no more often.
NOTED = timedelta(hours=1)
_feed = table_of(CalendarFeed)

NOTE_READING = ScopedStatement(
    "calendar.note_reading",
    sa.update(_feed)
    .where(same(_feed, id=sa.bindparam("the_feed")))
    .values(read_at=sa.bindparam("at", type_=_feed.c.read_at.type)),
)


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose feed is asked for. ``is_due``: this reading is to be noted."""

    feed_id: UUID
    id: UUID
    role: Role
    is_due: bool


class Feeds:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, sealing: Secrets) -> None:
        self.session = session
        self.sealing = sealing

    def of(self, person_id: UUID) -> CalendarFeed | None:
        return self.session.scalar(sa.select(CalendarFeed).where(CalendarFeed.person_id == person_id))

    def token(self, feed: CalendarFeed) -> str:
        """To be shown to its owner; empty where the key it was sealed with is gone."""
        try:
            return self.sealing.open(self.session.tenant_id, PURPOSE, feed.sealed_token).decode()
        except SealError:
            return ""

    def make(self, person_id: UUID) -> str:
        """A new token: 256 random bits; the one before opens nothing from here on."""
        self._hold(person_id)
        token, feed = secrets.token_urlsafe(32), self.of(person_id)
        if feed is None:
            feed = CalendarFeed(person_id=person_id)
            self.session.add(feed)
        feed.token_hash = hash_token(token)
        feed.sealed_token = self.sealing.seal(self.session.tenant_id, PURPOSE, token.encode())
        feed.created_at, feed.read_at = clock.now(), None
        self.session.flush()
        return token

    def end(self, person_id: UUID) -> None:
        feed = self.of(person_id)
        if feed is not None:
            self.session.delete(feed)
            self.session.flush()

    def _hold(self, person_id: UUID) -> None:
        """Until the commit: of two buttons pressed at once, the second finds the feed of the first."""
        self.session.execute(sa.select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))


def reader_of(session: ScopedSession, token: str) -> Reader:
    """`Refused` CALENDAR_FEED, alike for every token that opens nothing: unknown, given up, of somebody suspended."""
    query = sa.select(CalendarFeed.id, CalendarFeed.read_at, Person.id.label("person_id"), Person.role)
    query = query.join(Person, Person.id == CalendarFeed.person_id)
    active = Person.status == PersonStatus.ACTIVE
    row = session.execute(query.where(CalendarFeed.token_hash == hash_token(token), active)).one_or_none()
    if row is None:
        raise Refused("CALENDAR_FEED")
    is_due = row.read_at is None or row.read_at < clock.now() - NOTED
    return Reader(row.id, row.person_id, row.role, is_due)


def told_to(session: ScopedSession, reader: Reader) -> list[Entry]:
    """By time: what is in their calendar since a month ago, and for a month what was cancelled. Where that is too much,
    what comes next goes before what is over.
    """
    calendar, now = Calendar(session, reader), clock.now()
    since = now - PAST
    stands = sa.or_(CalendarEvent.state == EventState.ACTIVE, CalendarEvent.changed_at >= since)
    shown = sa.and_(CalendarEvent.hidden_at.is_(None), stands, CalendarEvent.starts_at >= since)
    return calendar.around(calendar.own, now, LIMIT, shown)
