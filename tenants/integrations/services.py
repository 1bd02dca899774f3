"""What an admin should know before anything else: what needs them, how it goes, and what a new academy lacks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Outbound
from saas.tenancy.requests import FeatureAnswered
from tenants.audit.services import note
from tenants.catalog.models import Activity, Course, Status
from tenants.grades.models import DeliveryState
from tenants.grades.services import Channels, Deliveries
from tenants.lti.launches.models import Direction, Launch, Outcome
from tenants.lti.launches.services import LaunchLog
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tool_health import ToolHealths
from tenants.lti.platform.tools import Tools
from tenants.lti.tool.models import Platform
from tenants.lti.tool.person_cases import PersonCases
from tenants.lti.tool.platforms import Platforms
from tenants.lti.tool.questions import Questions
from tenants.zoom.ltipro.health import Healths
from tenants.zoom.ltipro.models import ZoomProfile

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Pulse:
    """``failing``: active platforms and tools whose newest launch was refused. Results of all time; launches of a week.

    ``pending_tools`` registered themselves and wait for approval. ``cases``: how many open ones there are about people;
    ``questions``: how many about other systems. ``failing_zoom``: active Zoom profiles that are failing.
    """

    platforms: Sequence[Platform]
    tools: Sequence[Tool]
    failing: Sequence[Platform]
    failing_tools: Sequence[Tool]
    failing_zoom: Sequence[ZoomProfile]
    results: dict[DeliveryState, int]
    launches: dict[Outcome, int]
    cases: int
    questions: int

    @property
    def pending_tools(self) -> Sequence[Tool]:
        return [each for each in self.tools if each.approved_at is None]

    @property
    def dead(self) -> int:
        return self.results.get(DeliveryState.DEAD, 0)

    @property
    def waiting(self) -> int:
        return self.results.get(DeliveryState.WAITING, 0)


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What an academy has done on its way to the first launch from another system."""

    has_course: bool
    is_shared: bool
    is_connected: bool
    was_launched: bool

    @property
    def all_done(self) -> bool:
        return self.has_course and self.is_shared and self.is_connected and self.was_launched


def pulse(session: ScopedSession, outbound: Outbound, channels: Channels) -> Pulse:
    platforms, log = Platforms(session, outbound).all(), LaunchLog(session)
    tools = Tools(session, outbound).all()
    health, of_tools = log.health([each.id for each in platforms]), ToolHealths(session).of(tools)
    return Pulse(
        platforms=platforms,
        tools=tools,
        failing=[each for each in platforms if each.is_active and health[each.id].is_failing],
        failing_tools=[each for each in tools if each.is_active and of_tools[each.id].is_failing],
        failing_zoom=Healths(session).failing(),
        results=Deliveries(session, channels).counts(),
        launches=log.counts(since=clock.now() - WEEK),
        cases=PersonCases(session).count(decided=False),
        questions=Questions(session).count(),
    )


def first_steps(session: ScopedSession) -> FirstSteps:
    def any_of(*conditions: sa.ColumnExpressionArgument[bool]) -> bool:
        return session.scalar(sa.select(sa.literal(1)).where(*conditions).limit(1)) is not None

    return FirstSteps(
        has_course=any_of(Course.status == Status.PUBLISHED),
        is_shared=any_of(Activity.lti_available, Activity.status == Status.PUBLISHED),
        is_connected=any_of(Platform.is_active),
        was_launched=any_of(Launch.outcome == Outcome.ACCEPTED, Launch.direction == Direction.IN),
    )


def note_answer(session: ScopedSession, answered: FeatureAnswered) -> None:
    """In the audit log of both sides: what the operator did with a feature of an academy, and why."""
    action = f"{answered.feature}.{answered.answer}"
    note(session, answered.by, action, answered.slug, reason=answered.reason)
