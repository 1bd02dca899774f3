"""Delivery of results: read in one transaction, talk with none open, write the outcome in a second one."""

from datetime import timedelta
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.jobs.registry import JobRun, Retry, job
from tenants.grades.models import DeliveryState, Progress, ScoreDelivery
from tenants.grades.services import Channels, Ledger, Statement, Verdict

#: LMSs need a moment to show what they took.
CONFIRM_AFTER = timedelta(seconds=3)


def statement_of(delivery: ScoreDelivery) -> Statement:
    return Statement(
        delivery.id,
        delivery.route_id,
        delivery.progress is Progress.COMPLETED,
        delivery.score,
        delivery.achieved_at,
        first_try=not delivery.tries,
    )


def _read(session: ScopedSession, delivery_id: str, *states: DeliveryState) -> tuple[str, Statement] | None:
    delivery = session.get(ScoreDelivery, UUID(delivery_id))
    if delivery is None or delivery.state not in states:
        return None
    return delivery.channel, statement_of(delivery)


def bury(run: JobRun, reason: str, delivery_id: str) -> None:
    """Three days of tries have ended; an admin has to look."""
    with run.transaction() as session:
        delivery = session.get(ScoreDelivery, UUID(delivery_id))
        if delivery is not None and delivery.state is DeliveryState.WAITING:
            delivery.state, delivery.next_try_at = DeliveryState.DEAD, None
            delivery.cause = delivery.cause or reason


@job("grades.deliver", buried=bury)
def deliver(run: JobRun, delivery_id: str) -> None:
    channels = run.runtime.part(Channels)
    with run.transaction(write=False) as session:
        found = _read(session, delivery_id, DeliveryState.WAITING, DeliveryState.DEAD)
    if found is None:
        return
    name, statement = found
    verdict, tries = channels[name].deliver(run, statement)
    wait = timedelta(seconds=verdict.retry_after) if verdict.retry_after is not None else run.backoff
    again = verdict.state is DeliveryState.WAITING
    with run.transaction() as session:
        delivery = session.get(ScoreDelivery, UUID(delivery_id), with_for_update=True)
        if delivery is not None and delivery.state in (DeliveryState.WAITING, DeliveryState.DEAD):
            Ledger(session, channels).keep(delivery, verdict, tries, clock.now() + wait if again else None)
            if verdict.may_confirm:
                later(session, "grades.confirm", delay=CONFIRM_AFTER, delivery_id=delivery.id)
    if again:
        raise Retry(verdict.cause, wait)


@job("grades.confirm")
def confirm(run: JobRun, delivery_id: str) -> None:
    """Reads the score back: the only proof that it stands in the other gradebook."""
    channels = run.runtime.part(Channels)
    with run.transaction(write=False) as session:
        found = _read(session, delivery_id, DeliveryState.SENT)
    if found is None or run.attempt > 3:
        return
    stands, tries = channels[found[0]].confirm(run, found[1])
    with run.transaction() as session:
        delivery = session.get(ScoreDelivery, UUID(delivery_id), with_for_update=True)
        if delivery is None or delivery.state is not DeliveryState.SENT:
            return
        kept = (
            Verdict(DeliveryState.SENT, cause="the LMS shows another score")
            if stands is False
            else Verdict(DeliveryState.SENT)
        )
        sent_at = delivery.sent_at
        Ledger(session, channels).keep(delivery, kept, tries, None)
        delivery.sent_at = sent_at
        if stands:
            delivery.state, delivery.confirmed_at = DeliveryState.CONFIRMED, clock.now()
    if stands is None:
        raise Retry("could not be read back yet")


@job("grades.tell_route")
def tell_route(run: JobRun, channel: str, route_id: str) -> None:
    with run.transaction() as session:
        Ledger(session, run.runtime.part(Channels)).tell_route(channel, UUID(route_id))
