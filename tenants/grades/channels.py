"""What the ledger asks of a protocol that tells results (AGS, Basic Outcomes), and what it hears back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from tenants.grades.models import DeliveryState

if TYPE_CHECKING:
    from saas.jobs.registry import JobRun


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be said over a route: the values of a `ScoreDelivery`, detached from any session."""

    delivery_id: UUID
    route_id: UUID
    completed: bool
    score: Decimal | None
    at: datetime
    first_try: bool
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Try:
    """One exchange with the LMS. ``outcome`` is a word of `tenants.lti.wire.answers.Kind` or of the channel."""

    step: str
    outcome: str
    cause: str = ""
    status: int | None = None
    milliseconds: int | None = None
    at: datetime = field(default_factory=clock.now)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a delivery went. ``state`` WAITING means: try again, after ``retry_after`` seconds if the LMS said so."""

    state: DeliveryState
    code: str = ""
    cause: str = ""
    retry_after: int | None = None
    may_confirm: bool = False


@dataclass(frozen=True, slots=True)
class RouteLabel:
    """For people: the LMS and, where known, the course and link there."""

    lms: str
    place: str


class Channel(Protocol):
    """One protocol; implementations are thread-safe. ``tells_progress``: it has words for what is not finished yet."""

    name: str
    tells_progress: bool

    def routes(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> Sequence[UUID]: ...

    def whose(self, session: ScopedSession, route_id: UUID) -> tuple[UUID, UUID] | None:
        """``(person_id, activity_id)`` of a route."""

    def labels(self, session: ScopedSession, route_ids: Sequence[UUID]) -> Mapping[UUID, RouteLabel]: ...

    def deliver(self, run: "JobRun", statement: Statement) -> tuple[Verdict, Sequence[Try]]: ...

    def confirm(self, run: "JobRun", statement: Statement) -> tuple[bool | None, Sequence[Try]]:
        """True: the LMS shows our score; False: another one; None: it cannot be asked."""
