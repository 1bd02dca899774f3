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
from tenants.lti.platform.models import ServiceCall, Tool, ToolKind
from tenants.lti.platform.tool_health import Trouble
from tenants.zoom.ltipro.models import ZoomCheck, ZoomProfile, ZoomUse

RowT = TypeVar("RowT", Launch, ServiceCall)
#: Times by (tool, what happened, whether it was refused).
Times = Mapping[tuple[UUID | None, str, bool], datetime]
LAUNCH = "launch"
#: Ends of a launch that say something of the person, the browser or the place, and nothing of the connection.
HARMLESS = frozenset(
    {
        "TOOL_HINT",
        "TOOL_LAUNCH_USED",
        "TOOL_SIGNED_OUT",
        "TOOL_OTHER_PERSON",
        "TOOL_CLOSED",
        "ZOOM_CLOSED",
        "ZOOM_GUEST",
        "ZOOM_EMAIL",
        "ZOOM_PLACE_OFF",
        "ZOOM_KIND_OFF",
    }
)
#: Refusals of calls that name a profile, but before anything proved that it was Zoom: whoever knows a client ID may.
UNPROVEN = frozenset(
    {"CALL_CLIENT", "CALL_TOOL_OFF", "CALL_ASSERTION_FORMAT", "CALL_TOOL_KEYS", "CALL_ASSERTION_SIGNATURE"}
)
#: What operator or admin has switched off, and may switch on again: then it was never broken.
SWITCHED_OFF = frozenset({"ZOOM_OFF", "ZOOM_PROFILE_OFF", "ZOOM_CALL_NO_CALENDAR", "ZOOM_CALL_INACTIVE"})
#: Calls whose token is nobody's.
UNKNOWN = ("ZOOM_CALL_TOKEN", "ZOOM_CALL_LOCKED")
_IS_GOOD = sa.and_(Launch.direction == Direction.OUT, Launch.outcome == Outcome.ACCEPTED)
#: A row has a person where the hint we gave them came back; only such a hint brings another profile's launch to light.
_IS_BAD = sa.and_(
    Launch.direction == Direction.OUT,
    Launch.outcome == Outcome.REFUSED,
    Launch.code.not_in(HARMLESS | SWITCHED_OFF),
    sa.or_(Launch.person_id.is_not(None), Launch.code == "ZOOM_AUTH_CLIENT"),
)
_WAS_DONE = ServiceCall.code == ""
_WAS_REFUSED = sa.and_(ServiceCall.code != "", ServiceCall.code.not_in(UNPROVEN | SWITCHED_OFF))


@dataclass(frozen=True, slots=True)
class Health:
    """When things last happened, None where they never did (or longer ago than the log goes back).

    ``last_launch``, ``last_token`` and ``last_calendar`` were answered well; ``last_refused`` is of launches. Refusals
    are those that say something of the connection, and come from Zoom for certain.
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

    def failing(self) -> Sequence[ZoomProfile]:
        """Active profiles that are failing, by name, while Zoom is switched on; in one statement."""
        ours = sa.select(Tool.id).where(Tool.kind == ToolKind.ZOOM, Tool.is_active)
        launched = sa.select(Launch.tool_id).where(Launch.tool_id.in_(ours)).group_by(Launch.tool_id)
        called = sa.select(ServiceCall.tool_id).where(ServiceCall.tool_id.in_(ours))
        called = called.group_by(ServiceCall.tool_id, ServiceCall.service)
        query = sa.select(ZoomProfile).where(
            sa.select(ZoomUse.id).where(ZoomUse.is_on).exists(),
            sa.or_(
                ZoomProfile.tool_id.in_(launched.having(_still_open(Launch.started_at, _IS_BAD, _IS_GOOD))),
                ZoomProfile.tool_id.in_(called.having(_still_open(ServiceCall.at, _WAS_REFUSED, _WAS_DONE))),
            ),
        )
        return self.session.scalars(query.order_by(ZoomProfile.name_key)).all()

    def unknown_calls(self, profile: ZoomProfile, health: Health) -> int:
        """Calendar calls with a token nobody has, since the profile's last that went well: they may be meant for it."""
        since = health.last_calendar or profile.created_at
        query = sa.select(sa.func.count(ServiceCall.id)).where(
            ServiceCall.tool_id.is_(None),
            ServiceCall.service == Service.CALENDAR.value,
            ServiceCall.code.in_(UNKNOWN),
            ServiceCall.at > since,
        )
        return self.session.scalar(query) or 0

    def _launches(self, tools: Sequence[UUID]) -> Times:
        query = sa.select(Launch.tool_id, Launch.outcome, sa.func.max(Launch.started_at)).where(
            Launch.tool_id.in_(tools), sa.or_(_IS_GOOD, _IS_BAD)
        )
        found = self.session.execute(query.group_by(Launch.tool_id, Launch.outcome))
        return {(tool, LAUNCH, outcome is Outcome.REFUSED): at for tool, outcome, at in found}

    def _calls(self, tools: Sequence[UUID]) -> Times:
        refused = ServiceCall.code != ""
        query = sa.select(ServiceCall.tool_id, ServiceCall.service, refused, sa.func.max(ServiceCall.at)).where(
            ServiceCall.tool_id.in_(tools), sa.or_(_WAS_DONE, _WAS_REFUSED)
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
        refusals = self._at(Launch, Launch.started_at, launched, _IS_BAD)
        calls = self._at(ServiceCall, ServiceCall.at, called, _WAS_REFUSED)
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


def _still_open(at: Any, bad: sa.ColumnElement[bool], good: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """`_is_open`, of a group of rows."""
    refused, done = (sa.func.max(sa.case((condition, at))) for condition in (bad, good))
    return sa.and_(refused.is_not(None), sa.or_(done.is_(None), done < refused))


def _is_open(times: Times, tool: UUID | None, what: str, at: datetime) -> bool:
    """Whether what was refused then has not gone well since."""
    good = times.get((tool, what, False))
    return good is None or good < at


def failed_check_of(launch: Launch) -> tuple[str, str]:
    """Name of the check that failed, and what it saw; empty where none did."""
    rows = [row for part in ("login", "launch") for row in launch.checks.get(part, ()) if row[1] is False]
    return (str(rows[-1][0]), str(rows[-1][2])) if rows else ("", "")


def seen_of(launch: Launch) -> str:
    """What the check that failed saw."""
    return failed_check_of(launch)[1]


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
