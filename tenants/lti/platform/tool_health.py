"""How it goes with a tool, or with one link: last opened, last score, and what went wrong, with the cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from saas.db.scope import ScopedSession
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import ServiceCall, Tool, ToolKeys, ToolLink

#: Errors and launches a page shows.
SHOWN = 5
_SCORES = (Service.SCORE.value, Service.OUTCOME.value)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A refusal of either kind. ``launch_id`` None: ``service`` says at which of our doors it was."""

    at: datetime
    code: str
    seen: str
    service: str = ""
    launch_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ToolHealth:
    """When things last happened; None where they never did."""

    last_good: datetime | None
    last_refused: datetime | None
    last_score: datetime | None

    @property
    def is_failing(self) -> bool:
        return self.last_refused is not None and (self.last_good is None or self.last_refused > self.last_good)


class ToolHealths:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def of(self, tools: Sequence[Tool]) -> Mapping[UUID, ToolHealth]:
        """In two statements, however many."""
        ids = [tool.id for tool in tools]
        launched = sa.select(Launch.tool_id, Launch.outcome, sa.func.max(Launch.started_at)).where(
            Launch.tool_id.in_(ids), Launch.direction == Direction.OUT
        )
        scored = sa.select(ServiceCall.tool_id, sa.func.max(ServiceCall.at)).where(
            ServiceCall.tool_id.in_(ids), ServiceCall.service.in_(_SCORES), ServiceCall.code == ""
        )
        opened = {
            (tool_id, outcome): at
            for tool_id, outcome, at in self.session.execute(launched.group_by(Launch.tool_id, Launch.outcome))
        }
        scores = dict(self.session.execute(scored.group_by(ServiceCall.tool_id)).all())
        return {
            each: ToolHealth(
                opened.get((each, Outcome.ACCEPTED)), opened.get((each, Outcome.REFUSED)), scores.get(each)
            )
            for each in ids
        }

    def of_link(self, link: ToolLink) -> ToolHealth:
        """Of one activity; with LTI 1.2 there is no tool to ask about."""
        is_opened, is_called = _conditions(link)
        opened = sa.select(Launch.outcome, sa.func.max(Launch.started_at)).where(is_opened)
        at = dict(self.session.execute(opened.group_by(Launch.outcome)).all())
        scored = sa.select(sa.func.max(ServiceCall.at)).where(
            is_called, ServiceCall.service.in_(_SCORES), ServiceCall.code == ""
        )
        return ToolHealth(at.get(Outcome.ACCEPTED), at.get(Outcome.REFUSED), self.session.scalar(scored))

    def keys(self, tool: Tool) -> ToolKeys | None:
        """The key set last fetched, with why it could not be if it could not."""
        return self.session.scalar(sa.select(ToolKeys).where(ToolKeys.tool_id == tool.id))

    def launches(self, tool: Tool) -> Sequence[Launch]:
        """Newest first."""
        query = sa.select(Launch).where(Launch.tool_id == tool.id, Launch.direction == Direction.OUT)
        return self.session.scalars(query.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(SHOWN)).all()

    def troubles(self, of: Tool | ToolLink) -> Sequence[Trouble]:
        """The newest refusals of both kinds, newest first."""
        is_opened, is_called = _conditions(of)
        refused = sa.select(Launch).where(is_opened, Launch.outcome == Outcome.REFUSED)
        launches = self.session.scalars(refused.order_by(Launch.started_at.desc(), Launch.id.desc()).limit(SHOWN))
        denied = sa.select(ServiceCall).where(is_called, ServiceCall.code != "")
        calls = self.session.scalars(denied.order_by(ServiceCall.at.desc(), ServiceCall.id.desc()).limit(SHOWN))
        found = [
            *(Trouble(each.started_at, each.code, _seen(each), launch_id=each.id) for each in launches),
            *(Trouble(each.at, each.code, each.seen, service=each.service) for each in calls),
        ]
        return sorted(found, key=lambda each: each.at, reverse=True)[:SHOWN]


def _conditions(of: Tool | ToolLink) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """What we opened, and what was asked of us."""
    if isinstance(of, Tool):
        opened, called = Launch.tool_id == of.id, ServiceCall.tool_id == of.id
    else:
        opened, called = Launch.tool_link_id == of.id, ServiceCall.tool_link_id == of.id
    return sa.and_(opened, Launch.direction == Direction.OUT), called


def _seen(launch: Launch) -> str:
    """What the failed check saw."""
    rows = [row for part in ("login", "launch") for row in launch.checks.get(part, ()) if row[1] is False]
    return str(rows[-1][2]) if rows else ""
