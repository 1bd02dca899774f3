"""What happens when: events of courses and groups, and the feeds people read them with elsewhere."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named, uuid7
from saas.db.scope import TenantScoped, belongs_to


class EventState(StrEnum):
    ACTIVE = "active"
    #: Kept, so that feeds hear of it (RFC 5545 §3.8.1.11).
    CANCELLED = "cancelled"


class CalendarEvent(TenantScoped, Base):
    """In the calendar of a course (``activity_id``: of which part of it), or of a group of it, and then of that alone.

    ``number`` counts per academy, for interfaces that want one. ``uid`` and ``sequence`` are iCalendar's. ``origin_id``
    is what it came from (a Zoom place), ``origin_key`` what that calls it (a meeting), ``repeat_key`` which of several
    dates; an origin says each once. ``description`` is plain text. ``hidden_at``: by a coach; a changed event shows
    again. ``seen_at``: when the origin last spoke of it. ``opened_at``: when somebody first went
    there, at the time it has now.
    """

    __tablename__ = "calendar_event"
    __table_args__ = (
        belongs_to("course_id", "course"),
        belongs_to("activity_id", "activity"),
        belongs_to("group_id", "course_group"),
        sa.UniqueConstraint("tenant_id", "number"),
        sa.UniqueConstraint("tenant_id", "uid"),
        sa.UniqueConstraint("tenant_id", "origin_id", "origin_key", "repeat_key"),
        sa.Index("ix_calendar_event_course", "tenant_id", "course_id", "starts_at"),
        sa.Index("ix_calendar_event_group", "tenant_id", "group_id", "starts_at"),
        sa.Index("ix_calendar_event_activity", "tenant_id", "activity_id"),
    )

    number: Mapped[int]
    uid: Mapped[str] = mapped_column(default=lambda: str(uuid7()))
    sequence: Mapped[int] = mapped_column(default=0)
    state: Mapped[EventState] = mapped_column(named(EventState), default=EventState.ACTIVE)
    course_id: Mapped[UUID]
    activity_id: Mapped[UUID | None]
    group_id: Mapped[UUID | None]
    title: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    url: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime]
    duration_seconds: Mapped[int] = mapped_column(default=0)
    origin_id: Mapped[UUID | None]
    origin_key: Mapped[str] = mapped_column(default="")
    repeat_key: Mapped[str] = mapped_column(default="")
    hidden_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)
    seen_at: Mapped[datetime] = mapped_column(default=clock.now)

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(seconds=self.duration_seconds)

    @property
    def is_cancelled(self) -> bool:
        return self.state is EventState.CANCELLED

    def is_doubtful(self, now: datetime) -> bool:
        """The mark "may be outdated": over, never opened, and no word of it since before it was to begin."""
        silent = self.origin_id is not None and self.opened_at is None and self.seen_at < self.starts_at
        return silent and not self.is_cancelled and self.ends_at < now


class CalendarCount(TenantScoped, Base):
    """The highest `CalendarEvent.number` given out; a number is never given twice."""

    __tablename__ = "calendar_count"
    __table_args__ = (sa.UniqueConstraint("tenant_id"),)

    last: Mapped[int] = mapped_column(default=0)


class CalendarFeed(TenantScoped, Base):
    """The address of a person's iCal feed. The token is kept as a hash, and sealed to be shown to its owner again."""

    __tablename__ = "calendar_feed"
    __table_args__ = (
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "person_id"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
    )

    person_id: Mapped[UUID]
    token_hash: Mapped[str]
    sealed_token: Mapped[str] = mapped_column(info={"sealed": "calendar.feed_token"})
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    read_at: Mapped[datetime | None]
