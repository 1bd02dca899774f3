"""One timeline of a profile, from login to calendar event: its launches, and what Zoom asked of us."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.accounts.models import Person
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.launches.services import LaunchLog
from tenants.lti.launches.services import Wanted as WantedLaunches
from tenants.lti.platform.log import Service
from tenants.lti.platform.log import Wanted as WantedCalls
from tenants.lti.platform.models import ServiceCall
from tenants.zoom.ltipro.health import seen_of
from tenants.zoom.ltipro.models import ZoomProfile

PAGE = 50
_CONTEXT = "https://purl.imsglobal.org/spec/lti/claim/context"


class Kind(StrEnum):
    """What an entry is of: a launch, or the service that was asked for."""

    LAUNCH = "launch"
    TOKEN = Service.TOKEN.value
    ROSTER = Service.ROSTER.value
    CALENDAR = Service.CALENDAR.value
    KEYS = Service.KEYS.value


class State(StrEnum):
    """``waiting``: Zoom has not come back (yet)."""

    DONE = "done"
    REFUSED = "refused"
    WAITING = "waiting"


_STATES: Mapping[Outcome, State] = {
    Outcome.ACCEPTED: State.DONE,
    Outcome.REFUSED: State.REFUSED,
    Outcome.WAITING: State.WAITING,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """``seen`` is redacted. ``launch_id`` leads to the inspector; ``answered_at``: when Zoom came back for it."""

    at: datetime
    id: UUID
    kind: str
    state: State
    person: str = ""
    seen: str = ""
    code: str = ""
    launch_id: UUID | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the trace is narrowed to; what is None or empty narrows nothing. ``person`` is a part of a name.

    ``before``: (time, id) of the last entry of the page before.
    """

    kind: Kind | None = None
    refused: bool | None = None
    person: str = ""
    before: tuple[datetime, UUID] | None = None


class Trace:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def find(self, profile: ZoomProfile, wanted: Wanted, limit: int = PAGE) -> list[Entry]:
        """Newest first, in three statements however many."""
        found: list[Entry] = []
        if wanted.kind in (None, Kind.LAUNCH):
            found += map(_of_launch, self._launches(profile.tool_id, wanted, limit))
        if wanted.kind is not Kind.LAUNCH:
            found += self._calls(profile.tool_id, wanted, limit)
        return sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True)[:limit]

    def _launches(self, tool_id: UUID, wanted: Wanted, limit: int) -> Sequence[Launch]:
        outcome = {None: None, True: Outcome.REFUSED, False: Outcome.ACCEPTED}[wanted.refused]
        narrowed = WantedLaunches(
            tool_id=tool_id, direction=Direction.OUT, outcome=outcome, person=wanted.person, before=wanted.before
        )
        return LaunchLog(self.session).find(narrowed, limit)

    def _calls(self, tool_id: UUID, wanted: Wanted, limit: int) -> Iterable[Entry]:
        service = Service(wanted.kind.value) if wanted.kind is not None else None
        narrowed = WantedCalls(service=service, refused=wanted.refused, before=wanted.before)
        query = sa.select(ServiceCall).where(_is_shown(tool_id), *narrowed.conditions())
        if wanted.person:
            query = query.where(ServiceCall.person_id.in_(_people_called(wanted.person)))
        rows = self.session.scalars(query.order_by(ServiceCall.at.desc(), ServiceCall.id.desc()).limit(limit)).all()
        ids = {row.person_id for row in rows if row.person_id is not None}
        people = self.session.scalars(sa.select(Person).where(Person.id.in_(ids))).all() if ids else ()
        names = {person.id: person.name for person in people}
        return (_of_call(row, names.get(row.person_id, "") if row.person_id else "") for row in rows)


def _is_shown(tool_id: UUID) -> sa.ColumnElement[bool]:
    """Nothing ties a reader of our key set, or a call with an unknown token, to a profile: they may be any one's."""
    nobodys = sa.and_(ServiceCall.tool_id.is_(None), ServiceCall.service == Service.CALENDAR.value)
    return sa.or_(ServiceCall.tool_id == tool_id, ServiceCall.service == Service.KEYS.value, nobodys)


def _people_called(part: str) -> sa.Select[Any]:
    name = Person.given_name + " " + Person.family_name
    return sa.select(Person.id).where(name.icontains(part, autoescape=True))


def _of_launch(launch: Launch) -> Entry:
    context = launch.claims.get(_CONTEXT)
    title = str(context.get("title", "")) if isinstance(context, dict) else ""
    return Entry(
        at=launch.started_at,
        id=launch.id,
        kind=Kind.LAUNCH.value,
        state=_STATES[launch.outcome],
        person=launch.person_name,
        seen=seen_of(launch) if launch.code else title,
        code=launch.code,
        launch_id=launch.id,
        answered_at=launch.finished_at,
    )


def _of_call(row: ServiceCall, person: str) -> Entry:
    state = State.REFUSED if row.code else State.DONE
    return Entry(row.at, row.id, row.service, state, person, row.seen, row.code)
