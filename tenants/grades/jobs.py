"""Delivery of results: read in one transaction, talk with none open, write the outcome in a second one."""

import random
from datetime import datetime, timedelta
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.outbox import later
from saas.jobs.registry import JobRun, Retry, job
from tenants.grades.channels import Statement, Verdict
from tenants.grades.models import DeliveryState, Progress, ScoreDelivery
from tenants.grades.services import PENDING, Channels, Ledger, is_true

#: LMSs need a moment to show what they took.
CONFIRM_AFTER = timedelta(seconds=3)
CONFIRM_TRIES = 3


def statement_of(delivery: ScoreDelivery, run: JobRun) -> Statement:
    return Statement(
        delivery.id,
        delivery.route_id,
        delivery.progress is Progress.COMPLETED,
        delivery.score,
        delivery.achieved_at,
        first_try=run.attempt == 1 and not delivery.tries,
        withdrawn=delivery.withdrawn,
    )


def wait_for(run: JobRun, verdict: Verdict) -> timedelta:
    """The LMS's own wish, spread a little so that a whole class does not come back at once; never below our back-off,
    or an LMS that says "0 seconds" would be asked without end.
    """
    wish = verdict.retry_after or 0
    return max(timedelta(seconds=wish + random.uniform(0, wish / 10)), run.backoff)  # noqa: S311 -- spreading load, not a secret


def stumble(run: JobRun, reason: str, again_at: datetime | None, delivery_id: str) -> None:
    """The admin must see why nothing arrived, also when it is our own fault."""
    with run.transaction() as session:
        delivery = _lock(session, delivery_id)
        if delivery is not None:
            Ledger(session, run.runtime.part(Channels)).stumble(delivery, reason, again_at)


@job("grades.deliver", failed=stumble)
def deliver(run: JobRun, delivery_id: str) -> None:
    channels = run.runtime.part(Channels)
    with run.transaction(write=False) as session:
        delivery = session.get(ScoreDelivery, UUID(delivery_id))
        if delivery is None or delivery.state not in PENDING:
            return
        _wait_for_turn(delivery)
        name, statement = delivery.channel, statement_of(delivery, run)
    verdict, tries = channels[name].deliver(run, statement)
    again = verdict.state is DeliveryState.WAITING
    wait = wait_for(run, verdict)
    with run.transaction() as session:
        delivery = _lock(session, delivery_id)
        if delivery is None:
            return
        Ledger(session, channels).keep(delivery, verdict, tries, clock.now() + wait if again else None)
        if verdict.may_confirm and delivery.state is DeliveryState.SENT:
            later(session, "grades.confirm", delay=CONFIRM_AFTER, delivery_id=delivery.id)
    if again:
        raise Retry(verdict.cause, wait)


@job("grades.confirm")
def confirm(run: JobRun, delivery_id: str) -> None:
    """Reads the score back: the only proof that it stands in the other gradebook."""
    channels = run.runtime.part(Channels)
    with run.transaction(write=False) as session:
        delivery = session.get(ScoreDelivery, UUID(delivery_id))
        if delivery is None or not _can_be_confirmed(delivery) or run.attempt > CONFIRM_TRIES:
            return
        name, statement = delivery.channel, statement_of(delivery, run)
    stands, tries = channels[name].confirm(run, statement)
    with run.transaction() as session:
        delivery = _lock(session, delivery_id)
        if delivery is None or not _can_be_confirmed(delivery):
            return
        Ledger(session, channels).confirm(delivery, tries, stands=stands)
    if stands is None:
        raise Retry("could not be read back yet")


@job("grades.tell_route")
def tell_route(run: JobRun, channel: str, route_id: str, *, again: bool = False) -> None:
    with run.transaction() as session:
        Ledger(session, run.runtime.part(Channels)).tell_route(channel, UUID(route_id), again=again)


def _lock(session: ScopedSession, delivery_id: str) -> ScoreDelivery | None:
    return session.get(ScoreDelivery, UUID(delivery_id), with_for_update=True)


def _wait_for_turn(delivery: ScoreDelivery) -> None:
    """After "Send again" two promises stand for one delivery: the later one waits for what the other has arranged."""
    early = delivery.next_try_at - clock.now() if delivery.next_try_at else timedelta()
    if early > timedelta():
        raise Retry("it is not yet time for the next try", early)


def _can_be_confirmed(delivery: ScoreDelivery) -> bool:
    """A newer result makes another score appear there, which would prove nothing."""
    return delivery.state is DeliveryState.SENT and is_true(delivery, delivery.result)
