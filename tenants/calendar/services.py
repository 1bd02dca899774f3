"""Who sees which events, and whose calendars there are. One rule for pages, panels and feeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.access import STAFF
from tenants.accounts.models import Person
from tenants.calendar.models import CalendarEvent
from tenants.catalog.models import Activity, Course, CourseGroup, GroupMember, Status
from tenants.learning.models import Enrolment

#: As long as any event lasts.
LONGEST = timedelta(hours=24)
#: Of events that have begun, as many are looked at to find those that are still on.
RUNNING = 20
Calendars = sa.ColumnElement[bool]
Query = sa.Select[*tuple[Any, ...]]


class Somebody(Protocol):
    """A person, or who is signed in."""

    @property
    def id(self) -> Any: ...
    @property
    def role(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as one person sees it. ``may_join``: they may know its link and what was written about it, in which Zoom
    puts the passcode. ``may_hide``: staff, and coaches of its group.
    """

    event: CalendarEvent
    course: str
    activity: str
    group: str
    may_join: bool
    may_hide: bool


@dataclass(frozen=True, slots=True)
class Span:
    """From ``since`` on, before ``until``, the first ``limit`` after ``offset``; what is None narrows nothing."""

    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    offset: int = 0


class Calendar:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, viewer: Somebody) -> None:
        self.session = session
        self.viewer = viewer

    def event(self, event_id: UUID) -> Entry:
        """`Refused` WEB_NOT_FOUND, also for one that the viewer may not see."""
        found = self.find(CalendarEvent.id == event_id, Span())
        if not found:
            raise Refused("WEB_NOT_FOUND")
        return found[0]

    def find(self, calendars: Calendars, span: Span, *conditions: sa.ColumnElement[bool]) -> list[Entry]:
        """What the viewer may see of these calendars, by time; one statement, and those of `taking_part` once."""
        query = self._visible().where(calendars, *conditions)
        if span.since is not None:
            query = query.where(CalendarEvent.starts_at >= span.since)
        if span.until is not None:
            query = query.where(CalendarEvent.starts_at < span.until)
        query = query.order_by(CalendarEvent.starts_at, CalendarEvent.number)
        return self._entries(query.limit(span.limit).offset(span.offset or None))

    def coming(self, calendars: Calendars, limit: int) -> list[Entry]:
        """What is on and what comes next, without what is hidden."""
        now, shown = clock.now(), CalendarEvent.hidden_at.is_(None)
        began = self._visible().where(calendars, shown, CalendarEvent.starts_at <= now)
        began = began.where(CalendarEvent.starts_at > now - LONGEST).order_by(CalendarEvent.starts_at.desc())
        running = [each for each in self._entries(began.limit(RUNNING)) if each.event.ends_at > now]
        later = sa.and_(shown, CalendarEvent.starts_at > now)
        return (running[::-1] + self.find(calendars, Span(limit=limit), later))[:limit]

    def around(
        self, calendars: Calendars, now: datetime, limit: int, *conditions: sa.ColumnElement[bool]
    ) -> list[Entry]:
        """By time: what comes next, as much as ``limit`` says, and where that is less the latest of what has begun."""
        has_begun = CalendarEvent.starts_at < now
        to_come = sa.case((has_begun, sa.null()), else_=CalendarEvent.starts_at)
        query = self._visible().where(calendars, *conditions)
        query = query.order_by(has_begun, to_come, CalendarEvent.starts_at.desc(), CalendarEvent.number).limit(limit)
        return sorted(self._entries(query), key=lambda each: (each.event.starts_at, each.event.number))

    @cached_property
    def own(self) -> Calendars:
        """The calendars the viewer takes part in; for staff who take part nowhere, those of all published courses."""
        part = self.taking_part
        courses: Any = part.courses
        if self._is_staff and not courses:
            courses = sa.select(Course.id).where(Course.status == Status.PUBLISHED)
        of_all, of_groups = CalendarEvent.group_id.is_(None), CalendarEvent.group_id.in_(part.groups)
        return sa.and_(CalendarEvent.course_id.in_(courses), sa.or_(of_all, of_groups))

    @cached_property
    def taking_part(self) -> "TakingPart":
        return taking_part(self.session, self.viewer)

    @property
    def _is_staff(self) -> bool:
        return self.viewer.role in STAFF

    def _visible(self) -> Query:
        """Drafts and hidden events are for staff; a group's events for its members, hidden ones for its coaches."""
        mine = GroupMember.person_id == self.viewer.id
        query: Query = (
            sa.select(CalendarEvent, Course.title, Activity.title, CourseGroup.title, GroupMember.is_coach)
            .join(Course, Course.id == CalendarEvent.course_id)
            .outerjoin(Activity, Activity.id == CalendarEvent.activity_id)
            .outerjoin(CourseGroup, CourseGroup.id == CalendarEvent.group_id)
            .outerjoin(GroupMember, sa.and_(GroupMember.group_id == CalendarEvent.group_id, mine))
        )
        if self._is_staff:
            return query
        return query.where(
            Course.status == Status.PUBLISHED,
            sa.or_(CalendarEvent.activity_id.is_(None), Activity.status == Status.PUBLISHED),
            sa.or_(CalendarEvent.hidden_at.is_(None), GroupMember.is_coach),
            sa.or_(CalendarEvent.group_id.is_(None), GroupMember.id.is_not(None)),
        )

    def _entries(self, query: Query) -> list[Entry]:
        return [
            Entry(
                event,
                course,
                activity or "",
                group or "",
                self._may_join(event),
                self._is_staff or bool(is_coach),
            )
            for event, course, activity, group, is_coach in self.session.execute(query)
        ]

    def _may_join(self, event: CalendarEvent) -> bool:
        """A course is seen by more people than take part in it, and Zoom lets no guest in."""
        if self._is_staff:
            return True
        part = self.taking_part
        return event.course_id in part.courses and not part.as_guest


@dataclass(frozen=True, slots=True)
class TakingPart:
    """Somebody takes part in a course in which they learn, or are in a group.

    ``as_guest``: another learning system made the account, and nobody has signed in here with a password of its own.
    """

    courses: frozenset[UUID]
    groups: frozenset[UUID]
    as_guest: bool = False


def taking_part(session: ScopedSession, person: Somebody) -> TakingPart:
    is_guest = sa.type_coerce(Person.is_guest, sa.Boolean).label("is_guest")
    learning = sa.select(Activity.course_id, is_guest).join(Enrolment, Enrolment.activity_id == Activity.id)
    learning = learning.join(Person, Person.id == Enrolment.person_id).where(Person.id == person.id)
    courses: Sequence[Any] = session.execute(learning.distinct()).all()
    inside = sa.select(CourseGroup.id, CourseGroup.course_id, is_guest)
    inside = inside.join(GroupMember, GroupMember.group_id == CourseGroup.id)
    inside = inside.join(Person, Person.id == GroupMember.person_id).where(Person.id == person.id)
    groups: Sequence[Any] = session.execute(inside).all()
    return TakingPart(
        frozenset(row.course_id for row in (*courses, *groups)),
        frozenset(row.id for row in groups),
        as_guest=any(row.is_guest for row in (*courses, *groups)),
    )


def in_course(course_id: UUID) -> Calendars:
    return sa.and_(CalendarEvent.course_id == course_id, CalendarEvent.group_id.is_(None))


def in_group(group_id: UUID) -> Calendars:
    return CalendarEvent.group_id == group_id


def hide(event: CalendarEvent) -> None:
    """From everybody but staff and coaches, until it is shown again or its origin says something new of it."""
    if event.hidden_at is None:
        event.hidden_at = clock.now()


def unhide(event: CalendarEvent) -> None:
    event.hidden_at = None
