"""The ledger's rules: a result never falls, every LMS that launched the person hears of it, the newest word wins."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from tenants.accounts.models import Person
from tenants.accounts.services import PersonErased
from tenants.audit.services import note
from tenants.catalog.models import Activity
from tenants.grades.channels import Channel, RouteLabel, Try, Verdict
from tenants.grades.models import DeliveryState, DeliveryTry, Progress, Result, ScoreDelivery
from tenants.learning.services import ProgressMade

#: Not said yet, but still true: a job may say it. What a newer result replaces is no longer pending.
PENDING = (DeliveryState.WAITING, DeliveryState.DEAD)
#: Nobody could be told; another try makes sense once the other side has changed.
UNTOLD = (DeliveryState.DEAD, DeliveryState.CANCELLED)


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
        elif not improves(result, made):
            return
        put_down(result, made)
        self.session.flush()
        for channel in self.channels.all():
            if not _can_say(channel, result):
                continue
            for route_id in channel.routes(self.session, made.person_id, made.activity_id):
                self.tell(result, channel.name, route_id)

    def tell(self, result: Result, channel: str, route_id: UUID, *, withdrawn: bool = False) -> ScoreDelivery:
        """Promises to say the result over a route; what was still to be said there is superseded."""
        self._supersede(channel, route_id)
        now = clock.now()
        delivery = ScoreDelivery(
            result_id=result.id,
            channel=channel,
            route_id=route_id,
            progress=result.progress,
            score=result.score,
            withdrawn=withdrawn,
            achieved_at=result.achieved_at,
            next_try_at=now,
        )
        self.session.add(delivery)
        self.session.flush()
        later(self.session, "grades.deliver", delivery_id=delivery.id)
        return delivery

    def _supersede(self, channel: str, route_id: UUID) -> None:
        pending = sa.select(ScoreDelivery).where(
            ScoreDelivery.channel == channel, ScoreDelivery.route_id == route_id, ScoreDelivery.state.in_(PENDING)
        )
        for older in self.session.scalars(pending.with_for_update()):
            older.state, older.next_try_at = DeliveryState.SUPERSEDED, None
            older.code, older.cause = "", "a newer result is on its way"

    def tell_route(self, channel: str, route_id: UUID, *, again: bool = False) -> None:
        """A new route, or one whose addresses changed, hears what is true unless it was told already; or ``again``,
        where the person behind it is another one now.
        """
        whose = self.channels[channel].whose(self.session, route_id)
        states = sa.select(ScoreDelivery.state).where(
            ScoreDelivery.channel == channel, ScoreDelivery.route_id == route_id
        )
        said = set(self.session.scalars(states))
        if whose is None or (said and not said & set(UNTOLD) and not again):
            return
        result = self.session.scalar(
            sa.select(Result).where(Result.person_id == whose[0], Result.activity_id == whose[1])
        )
        if result is not None and _can_say(self.channels[channel], result):
            self.tell(result, channel, route_id)

    def withdraw(self, delivery: ScoreDelivery) -> ScoreDelivery:
        """The LMS shall keep no result of this person; here it stays. Only a better result is told there again."""
        result = self.session.get_one(Result, delivery.result_id, with_for_update=True)
        return self.tell(result, delivery.channel, delivery.route_id, withdrawn=True)

    def send_again(self, delivery: ScoreDelivery) -> ScoreDelivery:
        """From the admin's button; also what was sent may be said once more. Returns the delivery that does it.

        Only what is true now is ever said: in place of an outdated statement stands a new one.
        """
        result, now = self.session.get_one(Result, delivery.result_id, with_for_update=True), clock.now()
        if not is_true(delivery, result):
            return self.tell(result, delivery.channel, delivery.route_id)
        if delivery.state is DeliveryState.WAITING and delivery.next_try_at and delivery.next_try_at <= now:
            return delivery
        self._supersede(delivery.channel, delivery.route_id)
        delivery.state, delivery.next_try_at = DeliveryState.WAITING, now
        delivery.code = delivery.cause = ""
        later(self.session, "grades.deliver", delivery_id=delivery.id)
        return delivery

    def keep(
        self, delivery: ScoreDelivery, verdict: Verdict, tries: Sequence[Try], next_try_at: datetime | None
    ) -> None:
        """The outcome of one run of the job. What a newer result has replaced meanwhile stays replaced."""
        self._note_tries(delivery, tries)
        if delivery.state not in PENDING:
            return
        delivery.state, delivery.code, delivery.cause = verdict.state, verdict.code, verdict.cause
        delivery.next_try_at = next_try_at
        if verdict.state is DeliveryState.SENT:
            delivery.sent_at = clock.now()

    def confirm(self, delivery: ScoreDelivery, tries: Sequence[Try], *, stands: bool | None) -> None:
        """What reading the score back has shown; None: nothing."""
        self._note_tries(delivery, tries)
        if stands:
            delivery.state, delivery.confirmed_at, delivery.cause = DeliveryState.CONFIRMED, clock.now(), ""
        elif stands is False:
            delivery.cause = "It was accepted, but the LMS shows another score."

    def stumble(self, delivery: ScoreDelivery, reason: str, again_at: datetime | None) -> None:
        """A run ended without an outcome of its own; ``again_at`` None: it was the last."""
        if delivery.state is not DeliveryState.WAITING:
            return
        if reason != delivery.cause:
            delivery.code, delivery.cause = "SCORE_FAULT", reason
            self._note_tries(delivery, [Try("program", "fault", reason)])
        delivery.next_try_at = again_at
        if again_at is None:
            delivery.state = DeliveryState.DEAD

    def _note_tries(self, delivery: ScoreDelivery, tries: Sequence[Try]) -> None:
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

    def release(self, erased: PersonErased) -> None:
        """An erased person's results go with them; what was still to be said is noted as cancelled, without a name."""
        waiting = sa.select(sa.func.count(ScoreDelivery.id)).join(Result, Result.id == ScoreDelivery.result_id)
        count = self.session.scalar(
            waiting.where(Result.person_id == erased.person_id, ScoreDelivery.state.in_(PENDING))
        )
        if count:
            note(self.session, "grades", "score.cancelled", "the person was erased before delivery", deliveries=count)


def is_pending(session: ScopedSession, delivery_id: UUID) -> bool:
    """Whether a statement may still be said, as committed at this moment."""
    query = sa.select(ScoreDelivery.state).where(ScoreDelivery.id == delivery_id)
    return session.scalar(query) in PENDING


def is_true(delivery: ScoreDelivery, result: Result) -> bool:
    """Whether a delivery says what is true now; by its values, so that no clock can confuse the order.

    A withdrawal is true until something newer is said.
    """
    return delivery.withdrawn or (delivery.progress, delivery.score) == (result.progress, result.score)


def _can_say(channel: Channel, result: Result) -> bool:
    """Who has no words for progress has none for a completion without a score, either."""
    return channel.tells_progress or (result.progress is Progress.COMPLETED and result.score is not None)


def improves(result: Result, made: ProgressMade) -> bool:
    """Completion beats progress, a score beats none and a lower one; nothing else changes what is true."""
    if not made.completed:
        return False
    if result.progress is not Progress.COMPLETED:
        return True
    return made.score is not None and (result.score is None or made.score > result.score)


def put_down(result: Result, made: ProgressMade) -> None:
    """What `improves` it."""
    if made.completed:
        result.progress, result.score = Progress.COMPLETED, made.score
    result.achieved_at = made.at


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

    def of_people(self, activity_id: UUID, person_ids: Sequence[UUID]) -> dict[UUID, list[Told]]:
        """For a page of a gradebook: by person the newest of each route. What was superseded never is the newest."""
        query = self._query().where(Result.activity_id == activity_id, Result.person_id.in_(person_ids))
        query = query.where(ScoreDelivery.state != DeliveryState.SUPERSEDED)
        found: dict[UUID, dict[UUID, Told]] = {}
        for told in self._told(query.order_by(ScoreDelivery.created_at.desc(), ScoreDelivery.id.desc())):
            found.setdefault(told.person.id, {}).setdefault(told.delivery.route_id, told)
        return {person_id: list(routes.values()) for person_id, routes in found.items()}

    def counts(self) -> dict[DeliveryState, int]:
        query = sa.select(ScoreDelivery.state, sa.func.count(ScoreDelivery.id)).group_by(ScoreDelivery.state)
        return dict(self.session.execute(query).all())

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
