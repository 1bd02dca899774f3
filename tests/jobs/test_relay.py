"""From the outbox to the broker: who comes next, how many at once, and what happens when any part of it fails."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
import sqlalchemy as sa

from saas.jobs.models import JobState, Outbox
from saas.jobs.relay import DEAD_KEPT, DONE_KEPT, Relay
from tests.house import House, Kit, databases_of
from tests.jobs.yard import Lease, Yard, clock_moved

SHARE, IN_FLIGHT = 32, 64


def idle(_run: Any) -> None:
    """A job that does nothing."""


def finish(yard: Yard, leases: list[Lease]) -> None:
    """These are done, as far as the relay can see."""
    with yard.shell() as session:
        done = sa.update(Outbox).where(Outbox.lease_id.in_([lease[2] for lease in leases]))
        session.execute(done.values(state=JobState.DONE, lease_id=None))


def test_rows_go_out_once_and_in_order(yard: Yard) -> None:
    promised = [yard.promise("test.none") for _ in range(5)]
    assert [outbox_id for _tenant, outbox_id, _lease in yard.lease()] == promised
    assert yard.lease() == []
    assert yard.states() == ["leased"] * 5


def test_a_tenant_holds_at_most_its_share_and_all_together_at_most_what_may_be_in_flight(yard: Yard) -> None:
    kits = [yard.kit, yard.house.academy(lti=False), yard.house.academy(lti=False)]
    yard.fill("test.none", 100, kits[0])
    assert len(yard.lease()) == SHARE
    assert yard.lease() == []
    for kit in kits[1:]:
        yard.fill("test.none", 100, kit)
    leases = yard.lease()
    assert Counter(tenant for tenant, _id, _lease in leases) == {
        kits[1].academy.id: (IN_FLIGHT - SHARE) / 2,
        kits[2].academy.id: (IN_FLIGHT - SHARE) / 2,
    }
    assert yard.lease() == []


def test_a_backlog_of_five_thousand_rows_starves_nobody(yard: Yard) -> None:
    """Two tenants with long queues fill all that may be in flight; the third's only row is in the next round."""
    hogs = [yard.kit, yard.house.academy(lti=False)]
    small = yard.house.academy(lti=False)
    for hog in hogs:
        yard.fill("test.none", 5000, hog)
    leases = yard.lease()
    assert len(leases) == IN_FLIGHT
    mine = yard.promise("test.none", small)
    finish(yard, leases[:1])
    assert [outbox_id for _tenant, outbox_id, _lease in yard.lease()] == [mine]


def test_parallel_relays_send_each_row_once(yard: Yard) -> None:
    kits = [yard.kit, *(yard.house.academy(lti=False) for _ in range(3))]
    for kit in kits:
        yard.fill("test.none", 150, kit)
    sent: list[Lease] = []
    begin = Barrier(3)

    def relay() -> None:
        mine: list[Lease] = []
        relay = Relay(yard.runtime, lambda *lease: mine.append(lease))
        begin.wait()
        while Counter(yard_states()).get("due"):
            relay.cycle()
            sent.extend(mine)
            finish(yard, mine)
            mine.clear()

    def yard_states() -> list[str]:
        with yard.runtime.database.shell(write=False) as session:
            return [state.value for state in session.scalars(sa.select(Outbox.state))]

    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(relay) for _ in range(3)]:
            done.result()
    assert len(sent) == 600
    assert {count for _id, count in Counter(outbox_id for _tenant, outbox_id, _lease in sent).items()} == {1}


@pytest.mark.postgresql
def test_a_relay_passes_rows_another_has_locked(tmp_path: Any) -> None:
    """On PostgreSQL nobody waits for a relay that is in the middle of its round."""
    house = House.build("postgresql", tmp_path)
    try:
        yard = Yard(house)
        locked, free = yard.promise("test.none"), yard.promise("test.none")
        with house.runtime.database.shell() as session:
            session.scalars(sa.select(Outbox).where(Outbox.id == locked).with_for_update()).one()
            assert [outbox_id for _tenant, outbox_id, _lease in yard.lease()] == [free]
        assert [outbox_id for _tenant, outbox_id, _lease in yard.lease()] == [locked]
    finally:
        house.close()
        databases_of("postgresql").drop(house.database_url)


def test_a_lapsed_lease_is_given_out_anew(yard: Yard) -> None:
    """The worker died, or Redis lost the message: nothing was begun, so nothing is counted against the job."""
    promised = yard.promise("test.none")
    [first] = yard.lease()
    with clock_moved(timedelta(seconds=yard.runtime.settings.jobs.lease_seconds + 1)):
        [second] = yard.lease()
    assert first[:2] == second[:2]
    assert first[2] != second[2]
    row = yard.row(promised)
    assert (row.attempts, row.error) == (0, "")


def test_a_renewed_lease_does_not_lapse(yard: Yard) -> None:
    yard.promise("test.none")
    [lease] = yard.lease()
    relay, sent = yard.relay()
    yard.lapse()
    relay.renew([lease[2]])
    relay.renew([])
    assert relay.cycle() == 0
    assert sent == []


def test_rows_the_broker_does_not_take_are_due_again_at_once(yard: Yard) -> None:
    promised = [yard.promise("test.none") for _ in range(3)]
    taken: list[Lease] = []

    def send(*lease: Any) -> None:
        if taken:
            raise ConnectionError("Redis is away")
        taken.append(lease)

    with pytest.raises(ConnectionError):
        Relay(yard.runtime, send).cycle()
    assert yard.states() == ["leased", "due", "due"]
    assert [row.attempts for row in yard.rows()] == [0, 0, 0]
    assert [outbox_id for _tenant, outbox_id, _lease in yard.lease()] == promised[1:]


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_loses_no_row(yard: Yard, hours: int) -> None:
    """An hour forward, all leases lapse; an hour back, a lease from the future is seen for what it is."""
    waiting, running = yard.promise("test.none"), yard.promise("test.none")
    with yard.shell() as session:
        session.execute(sa.update(Outbox).where(Outbox.id == waiting).values(due_at=Outbox.created_at))
    assert len(yard.lease()) == 2
    with clock_moved(timedelta(hours=hours)):
        assert {outbox_id for _tenant, outbox_id, _lease in yard.lease()} == {waiting, running}


def test_what_is_long_settled_is_forgotten(yard: Yard) -> None:
    done, dead, fresh = yard.promise("test.none"), yard.promise("test.none"), yard.promise("test.none")
    yard.work()
    for outbox_id, state in ((done, JobState.DONE), (dead, JobState.DEAD)):
        yard.change(outbox_id, state=state, settled_at=yard.row(done).created_at, lease_id=None)
    relay, _sent = yard.relay()
    relay.clean()
    assert len(yard.rows()) == 3
    with clock_moved(DONE_KEPT + timedelta(minutes=1)):
        relay.clean()
    assert {row.id for row in yard.rows()} == {dead, fresh}
    with clock_moved(DEAD_KEPT + timedelta(minutes=1)):
        relay.clean()
    assert {row.id for row in yard.rows()} == {fresh}


def test_a_round_reads_by_index(yard: Yard) -> None:
    """With a hundred thousand settled rows beside it, a round must not walk through them.

    The planner must have looked at the rows as they are: PostgreSQL's own look may have come while all were due.
    """
    kit: Kit = yard.kit
    yard.fill("test.none", 2000, kit)
    with yard.shell() as session:
        session.execute(sa.update(Outbox).values(state=JobState.DONE, settled_at=Outbox.due_at))
    yard.promise("test.none")
    statements: list[tuple[str, Any]] = []
    engine = yard.runtime.database.engine

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT") and "outbox" in statement:
            statements.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        assert len(yard.lease()) == 1
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)
    assert len(statements) == 6
    explain = "EXPLAIN QUERY PLAN " if yard.house.backend == "sqlite" else "EXPLAIN "
    with yard.runtime.database.owner_engine().begin() as owner:
        owner.exec_driver_sql("ANALYZE outbox")
    with engine.connect() as connection:
        for statement, parameters in statements:
            plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
            assert "SCAN outbox'" not in plan.replace("SCAN outbox USING", ""), (statement, plan)
            assert "Seq Scan on outbox" not in plan, (statement, plan)
