"""Recurring jobs: each turn once, for every active tenant, whoever ticks and however often."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from saas.jobs import recurring
from saas.jobs.models import JobState, Outbox
from saas.jobs.registry import Jobs, Retry
from saas.tenancy.lifecycle import Lifecycle
from tests.jobs.yard import Yard, clock_moved

HOURLY = timedelta(hours=1)


@pytest.fixture
def hourly(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> str:
    """The only recurring job there is."""
    monkeypatch.setattr(yard.runtime, "jobs", Jobs())
    return yard.job(lambda _run: None, every=HOURLY)


def tenants(yard: Yard, job: str) -> list[int]:
    return sorted(row.tenant_id for row in yard.rows() if row.job == job and row.state is not JobState.DONE)


def settle(yard: Yard) -> None:
    yard.make_due()
    while yard.work():
        pass


def test_each_active_tenant_gets_its_turn_within_a_tenth_of_the_interval(yard: Yard, hourly: str) -> None:
    suspended = yard.house.academy(lti=False)
    with yard.shell() as session:
        Lifecycle(session, yard.runtime.settings.web).suspend(suspended.academy.slug)
    written = recurring.tick(yard.runtime)
    served = tenants(yard, hourly)
    assert len(served) == written
    assert yard.kit.academy.id in served
    assert suspended.academy.id not in served
    rows = yard.rows()
    assert all(timedelta() <= row.due_at - row.created_at <= HOURLY / 10 + timedelta(seconds=1) for row in rows)


def test_the_next_turn_comes_after_the_interval(yard: Yard, hourly: str) -> None:
    first = recurring.tick(yard.runtime)
    assert recurring.tick(yard.runtime) == 0
    settle(yard)
    with clock_moved(HOURLY - timedelta(minutes=1)):
        assert recurring.tick(yard.runtime) == 0
    with clock_moved(HOURLY + timedelta(minutes=1)):
        assert recurring.tick(yard.runtime) == first


@pytest.mark.parametrize("seen_before", [False, True], ids=["first turn", "later turn"])
def test_of_several_workers_one_claims_a_turn(yard: Yard, hourly: str, *, seen_before: bool) -> None:
    if seen_before:
        recurring.tick(yard.runtime)
        settle(yard)
    begin = Barrier(4)

    def tick() -> int:
        begin.wait()
        return recurring.tick(yard.runtime)

    with clock_moved(HOURLY * 2), ThreadPoolExecutor(4) as pool:
        written = [each.result() for each in [pool.submit(tick) for _ in range(4)]]
    assert sorted(written)[:3] == [0, 0, 0]
    served = tenants(yard, hourly)
    assert len(served) == len(set(served)) == max(written)


def test_a_turn_that_still_waits_is_not_promised_twice(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that fails for days would otherwise pile up rows, and later dead letters, without end."""

    def failing(_run: Any) -> None:
        raise Retry("not now")

    monkeypatch.setattr(yard.runtime, "jobs", Jobs())
    job = yard.job(failing, every=HOURLY)
    written = recurring.tick(yard.runtime)
    yard.make_due()
    yard.work()
    for hour in range(1, 4):
        with clock_moved(HOURLY * hour + timedelta(minutes=1)):
            assert recurring.tick(yard.runtime) == 0
    assert len(tenants(yard, job)) == written


def test_a_clock_that_went_back_does_not_stop_the_turns(yard: Yard, hourly: str) -> None:
    with clock_moved(timedelta(days=30)):
        recurring.tick(yard.runtime)
    settle(yard)
    with yard.shell() as session:
        session.execute(sa.delete(Outbox))
    assert recurring.tick(yard.runtime) > 0
    assert tenants(yard, hourly)
