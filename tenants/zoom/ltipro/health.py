"""How it goes with a Zoom profile: when each part of the conversation last worked, and what went wrong last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import ServiceCall
from tenants.lti.platform.tool_health import Trouble
from tenants.zoom.ltipro.models import ZoomCheck, ZoomProfile, ZoomUse

RowT = TypeVar("RowT", Launch, ServiceCall)
#: Times by (tool, what happened, whether it was refused).
Times = Mapping[tuple[UUID | None, str, bool], datetime]
LAUNCH = "launch"


@dataclass(frozen=True, slots=True)
class Health:
    """When things last happened, None where they never did (or longer ago than the log goes back).

    ``last_launch``, ``last_token`` and ``last_calendar`` were answered well; ``last_refused`` is of launches.
    ``last_keys`` is of the academy: nothing ties a reader of our key set to a profile. ``last_error`` is the newest
    refusal that nothing good of its kind came after, else the newest; ``is_failing``: it is one of the former.
    """

    last_launch: datetime | None = None
    last_refused: datetime | None = None
    last_keys: datetime | None = None
    last_token: datetime | None = None
    last_calendar: datetime | None = None
    last_check: datetime | None = None
    last_error: Trouble | None = None
    is_failing: bool = False

    @property
    def is_used(self) -> bool:
        return self.last_launch is not None or self.last_calendar is not None


class Healths:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def of(self, profiles: Sequence[ZoomProfile]) -> Mapping[UUID, Health]:
        """By the profile's id, in six statements however many."""
        if not profiles:
            return {}
        tools = [profile.tool_id for profile in profiles]
        times = {**self._launches(tools), **self._calls(tools)}
        errors = self._errors(times)
        keys, checks = self.session.scalar(sa.select(ZoomUse.keys_fetched_at)), self._checks(profiles)
        return {
            profile.id: _health(times, profile.tool_id, keys, checks.get(profile.id), errors.get(profile.tool_id))
            for profile in profiles
        }

    def _launches(self, tools: Sequence[UUID]) -> Times:
        query = sa.select(Launch.tool_id, Launch.outcome, sa.func.max(Launch.started_at)).where(
            Launch.tool_id.in_(tools), Launch.direction == Direction.OUT, Launch.outcome != Outcome.WAITING
        )
        found = self.session.execute(query.group_by(Launch.tool_id, Launch.outcome))
        return {(tool, LAUNCH, outcome is Outcome.REFUSED): at for tool, outcome, at in found}

    def _calls(self, tools: Sequence[UUID]) -> Times:
        refused = ServiceCall.code != ""
        query = sa.select(ServiceCall.tool_id, ServiceCall.service, refused, sa.func.max(ServiceCall.at)).where(
            ServiceCall.tool_id.in_(tools)
        )
        found = self.session.execute(query.group_by(ServiceCall.tool_id, ServiceCall.service, refused))
        return {(tool, service, bool(was_refused)): at for tool, service, was_refused, at in found}

    def _checks(self, profiles: Sequence[ZoomProfile]) -> Mapping[UUID | None, datetime]:
        query = sa.select(ZoomCheck.profile_id, sa.func.max(ZoomCheck.started_at)).where(
            ZoomCheck.profile_id.in_([profile.id for profile in profiles])
        )
        return dict(self.session.execute(query.group_by(ZoomCheck.profile_id)).all())

    def _errors(self, times: Times) -> Mapping[UUID | None, Trouble]:
        """Of each tool the newest refusal nothing good came after; else the newest there is."""
        newest: dict[UUID | None, tuple[bool, datetime, str]] = {}
        for (tool, what, refused), at in times.items():
            if refused:
                candidate = (_is_open(times, tool, what, at), at, what)
                newest[tool] = max(newest.get(tool, candidate), candidate)
        launched = {tool: at for tool, (_open, at, what) in newest.items() if what == LAUNCH}
        called = {tool: at for tool, (_open, at, what) in newest.items() if what != LAUNCH}
        refusals = self._at(Launch, Launch.started_at, launched, Launch.outcome == Outcome.REFUSED)
        calls = self._at(ServiceCall, ServiceCall.at, called, ServiceCall.code != "")
        found = {row.tool_id: Trouble(row.started_at, row.code, seen_of(row), launch_id=row.id) for row in refusals}
        return found | {row.tool_id: Trouble(row.at, row.code, row.seen, service=row.service) for row in calls}

    def _at(
        self, model: type[RowT], column: Any, times: Mapping[UUID | None, datetime], refused: sa.ColumnElement[bool]
    ) -> list[RowT]:
        """The rows of these tools at these moments."""
        if not times:
            return []
        query = sa.select(model).where(refused, model.tool_id.in_(times), column.in_(times.values()))
        rows: Sequence[RowT] = self.session.scalars(query).all()
        return [row for row in rows if getattr(row, column.key) == times[row.tool_id]]


def _is_open(times: Times, tool: UUID | None, what: str, at: datetime) -> bool:
    """Whether what was refused then has not gone well since."""
    good = times.get((tool, what, False))
    return good is None or good < at


def seen_of(launch: Launch) -> str:
    """What the check that failed saw."""
    rows = [row for part in ("login", "launch") for row in launch.checks.get(part, ()) if row[1] is False]
    return str(rows[-1][2]) if rows else ""


def _health(times: Times, tool: UUID, keys: datetime | None, checked: datetime | None, error: Trouble | None) -> Health:
    def last(what: str, *, refused: bool = False) -> datetime | None:
        return times.get((tool, what, refused))

    return Health(
        last_launch=last(LAUNCH),
        last_refused=last(LAUNCH, refused=True),
        last_keys=keys,
        last_token=last(Service.TOKEN.value),
        last_calendar=last(Service.CALENDAR.value),
        last_check=checked,
        last_error=error,
        is_failing=error is not None and _is_open(times, tool, error.service or LAUNCH, error.at),
    )
