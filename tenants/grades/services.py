"""The ledger's rules: a result never falls, every LMS that launched the person hears of it, the newest word wins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from tenants.accounts.models import Person
from tenants.accounts.services import PersonErased
from tenants.audit.services import note
from tenants.catalog.models import Activity
from tenants.grades.models import DeliveryState, DeliveryTry, Progress, Result, ScoreDelivery
from tenants.learning.services import ProgressMade

if TYPE_CHECKING:
    from saas.jobs.registry import JobRun

#: Open deliveries: something will still happen to them.
OPEN = (DeliveryState.WAITING,)


@dataclass(frozen=True, slots=True)
class Statement:
    """What is to be said over a route: the values of a `ScoreDelivery`, detached from any session."""

    delivery_id: UUID
    route_id: UUID
    completed: bool
    score: Decimal | None
    at: datetime
    first_try: bool


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
    """One protocol for telling results (AGS; later Basic Outcomes). Implementations are thread-safe."""

    name: str

    def routes(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> Sequence[UUID]: ...

    def whose(self, session: ScopedSession, route_id: UUID) -> tuple[UUID, UUID] | None:
        """``(person_id, activity_id)`` of a route."""

    def labels(self, session: ScopedSession, route_ids: Sequence[UUID]) -> Mapping[UUID, RouteLabel]: ...

    def deliver(self, run: "JobRun", statement: Statement) -> tuple[Verdict, Sequence[Try]]: ...

    def confirm(self, run: "JobRun", statement: Statement) -> tuple[bool | None, Sequence[Try]]:
        """True: the LMS shows our score; False: another one; None: it cannot be asked."""


class Channels:
    """Every channel by name; a part of the runtime."""

    def __init__(self) -> None:
        self._by_name: dict[str, Channel] = {}

    def add(self, channel: Channel) -> None:
        self._by_name[channel.name] = channel

    def __getitem__(self, name: str) -> Channel:
        return self._by_name[name]

    def all(self) -> Sequence[Channel]:
        return tuple(self._by_name.values())


class Ledger:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, channels: Channels) -> None:
        self.session = session
        self.channels = channels

    def record(self, made: ProgressMade) -> None:
        """Takes in what was reached; tells every route when that changes what is true."""
        result = self.session.scalar(
            sa.select(Result)
            .where(Result.person_id == made.person_id, Result.activity_id == made.activity_id)
            .with_for_update()
        )
        if result is None:
            result = Result(
                person_id=made.person_id,
                activity_id=made.activity_id,
                progress=Progress.IN_PROGRESS,
                achieved_at=made.at,
            )
            self.session.add(result)
        elif not _improves(result, made):
            return
        if made.completed:
            result.progress, result.score = Progress.COMPLETED, made.score
        result.achieved_at = made.at
        self.session.flush()
        for channel in self.channels.all():
            for route_id in channel.routes(self.session, made.person_id, made.activity_id):
                self.tell(result, channel.name, route_id)

    def tell(self, result: Result, channel: str, route_id: UUID) -> ScoreDelivery:
        """Promises to say the result over a route; what waited there to be said is superseded."""
        waiting = sa.select(ScoreDelivery).where(
            ScoreDelivery.channel == channel, ScoreDelivery.route_id == route_id, ScoreDelivery.state.in_(OPEN)
        )
        for older in self.session.scalars(waiting):
            older.state, older.cause, older.next_try_at = DeliveryState.SUPERSEDED, "a newer result is on its way", None
        now = clock.now()
        delivery = ScoreDelivery(
            result_id=result.id,
            channel=channel,
            route_id=route_id,
            progress=result.progress,
            score=result.score,
            achieved_at=result.achieved_at,
            next_try_at=now,
        )
        self.session.add(delivery)
        self.session.flush()
        later(self.session, "grades.deliver", delivery_id=delivery.id)
        return delivery

    def tell_route(self, channel: str, route_id: UUID) -> None:
        """A new route hears what is true already."""
        whose = self.channels[channel].whose(self.session, route_id)
        told = sa.select(ScoreDelivery.id).where(ScoreDelivery.channel == channel, ScoreDelivery.route_id == route_id)
        if whose is None or self.session.scalar(told.limit(1)) is not None:
            return
        result = self.session.scalar(
            sa.select(Result).where(Result.person_id == whose[0], Result.activity_id == whose[1])
        )
        if result is not None:
            self.tell(result, channel, route_id)

    def send_again(self, delivery: ScoreDelivery) -> None:
        """From the admin's button: also what was sent may be said once more."""
        delivery.state, delivery.next_try_at = DeliveryState.WAITING, clock.now()
        delivery.code = delivery.cause = ""
        later(self.session, "grades.deliver", delivery_id=delivery.id)

    def keep(
        self, delivery: ScoreDelivery, verdict: Verdict, tries: Sequence[Try], next_try_at: datetime | None
    ) -> None:
        """The outcome of one run of the job."""
        for each in tries:
            self.session.add(
                DeliveryTry(
                    delivery_id=delivery.id,
                    at=each.at,
                    step=each.step,
                    outcome=each.outcome,
                    status=each.status,
                    cause=each.cause,
                    milliseconds=each.milliseconds,
                )
            )
        delivery.state, delivery.code, delivery.cause = verdict.state, verdict.code, verdict.cause
        delivery.next_try_at = next_try_at
        if verdict.state is DeliveryState.SENT:
            delivery.sent_at = clock.now()

    def release(self, erased: PersonErased) -> None:
        """An erased person's results go with them; what was still to be said is noted as cancelled, without a name."""
        waiting = sa.select(sa.func.count(ScoreDelivery.id)).join(Result, Result.id == ScoreDelivery.result_id)
        count = self.session.scalar(waiting.where(Result.person_id == erased.person_id, ScoreDelivery.state.in_(OPEN)))
        if count:
            note(self.session, "grades", "score.cancelled", "the person was erased before delivery", deliveries=count)


def _improves(result: Result, made: ProgressMade) -> bool:
    """Completion beats progress, a higher score beats a lower one; nothing else changes what is true."""
    if not made.completed:
        return False
    return result.progress is not Progress.COMPLETED or (made.score or 0) > (result.score or 0)


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery with the names people know it by."""

    delivery: ScoreDelivery
    person: Person
    activity: Activity
    label: RouteLabel


class Deliveries:
    """Reading the ledger; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, channels: Channels) -> None:
        self.session = session
        self.channels = channels

    def recent(self, state: DeliveryState | None = None, limit: int = 200) -> Sequence[Told]:
        query = self._query().order_by(ScoreDelivery.created_at.desc(), ScoreDelivery.id.desc()).limit(limit)
        return self._told(query.where(ScoreDelivery.state == state) if state else query)

    def one(self, delivery: ScoreDelivery) -> Told:
        return self._told(self._query().where(ScoreDelivery.id == delivery.id))[0]

    def of_learner(self, person_id: UUID, activity_id: UUID) -> Sequence[Told]:
        """The newest of each route."""
        query = self._query().where(Result.person_id == person_id, Result.activity_id == activity_id)
        newest: dict[UUID, Told] = {}
        for told in self._told(query.order_by(ScoreDelivery.created_at.desc(), ScoreDelivery.id.desc())):
            newest.setdefault(told.delivery.route_id, told)
        return list(newest.values())

    def counts(self) -> dict[DeliveryState, int]:
        query = sa.select(ScoreDelivery.state, sa.func.count(ScoreDelivery.id)).group_by(ScoreDelivery.state)
        return dict(self.session.execute(query).tuples().all())

    def _query(self) -> sa.Select[ScoreDelivery, Person, Activity]:
        return (
            sa.select(ScoreDelivery, Person, Activity)
            .join(Result, Result.id == ScoreDelivery.result_id)
            .join(Person, Person.id == Result.person_id)
            .join(Activity, Activity.id == Result.activity_id)
        )

    def _told(self, query: sa.Select[ScoreDelivery, Person, Activity]) -> list[Told]:
        rows = self.session.execute(query).all()
        labels: dict[UUID, RouteLabel] = {}
        for channel in self.channels.all():
            labels.update(
                channel.labels(self.session, [row[0].route_id for row in rows if row[0].channel == channel.name])
            )
        gone = RouteLabel("–", "")
        return [
            Told(delivery, person, activity, labels.get(delivery.route_id, gone)) for delivery, person, activity in rows
        ]
