"""From the outbox to the broker: leases due rows, fairly between tenants, and takes lapsed leases back.

Any number of relays may run. On PostgreSQL they pass each other with ``SKIP LOCKED``; on SQLite the write lock orders
them. Fairness: a tenant holds at most ``in_flight_per_tenant`` of the ``in_flight`` leases, and rows are taken in
turns, one per tenant before the second of any.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from saas import clock
from saas.db.base import uuid7
from saas.jobs.execution import backoff
from saas.jobs.models import JobState, Outbox

if TYPE_CHECKING:
    from saas.runtime import Runtime

#: Hands ``(tenant_id, outbox_id, lease_id)`` to a broker.
Send = Callable[[int, UUID, UUID], None]
DONE_KEPT = timedelta(days=1)


class Relay:
    def __init__(self, runtime: "Runtime", send: Send) -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.send = send

    def cycle(self) -> int:
        """One round; returns how many rows went out."""
        with self.runtime.database.shell(write=False) as session:
            if not self._anything_due(session):
                return 0
        with self.runtime.database.shell() as session:
            self._take_back(session)
            leased = self._lease(session)
        for position, (tenant_id, outbox_id, lease_id) in enumerate(leased):
            try:
                self.send(tenant_id, outbox_id, lease_id)
            except Exception:
                self._return(leased[position:])
                raise
        return len(leased)

    def _anything_due(self, session: Session) -> bool:
        now = clock.now()
        due = sa.and_(Outbox.state == JobState.DUE, Outbox.due_at <= now)
        lapsed = sa.and_(Outbox.state == JobState.LEASED, Outbox.leased_until < now)
        return session.scalar(sa.select(sa.literal(1)).where(due | lapsed).select_from(Outbox).limit(1)) is not None

    def _take_back(self, session: Session) -> None:
        """Rows whose worker died: due again after a back-off, so that a job that kills its worker cannot spin."""
        now = clock.now()
        lapsed = sa.select(Outbox).where(Outbox.state == JobState.LEASED, Outbox.leased_until < now)
        for row in session.scalars(lapsed.with_for_update(skip_locked=True)):
            row.lease_id = row.leased_until = None
            row.error = "the worker stopped while running it" if row.attempts else ""
            if row.attempts and now > row.give_up_at:
                row.state, row.settled_at = JobState.DEAD, now
            else:
                row.state = JobState.DUE
                row.due_at = now + (backoff(self.settings, row.attempts) if row.attempts > 1 else timedelta())
        session.flush()

    def _lease(self, session: Session) -> list[tuple[int, UUID, UUID]]:
        held = self._held(session)
        room = self.settings.in_flight - sum(held.values())
        if room <= 0:
            return []
        ids = self._next_in_turn(session, room, held)
        rows = session.scalars(
            sa.select(Outbox).where(Outbox.id.in_(ids), Outbox.state == JobState.DUE).with_for_update(skip_locked=True)
        ).all()
        until = clock.now() + timedelta(seconds=self.settings.lease_seconds)
        leased = []
        for row in sorted(rows, key=lambda row: ids.index(row.id)):
            row.state, row.lease_id, row.leased_until = JobState.LEASED, uuid7(), until
            leased.append((row.tenant_id, row.id, row.lease_id))
        return leased

    def _held(self, session: Session) -> dict[int, int]:
        counted = sa.select(Outbox.tenant_id, sa.func.count()).where(Outbox.state == JobState.LEASED)
        return dict(session.execute(counted.group_by(Outbox.tenant_id)).tuples().all())

    def _next_in_turn(self, session: Session, room: int, held: dict[int, int]) -> list[UUID]:
        """Ids of due rows, every tenant's first before any tenant's second; saturated tenants wait."""
        share = self.settings.in_flight_per_tenant
        full = [tenant_id for tenant_id, count in held.items() if count >= share]
        turn = sa.func.row_number().over(partition_by=Outbox.tenant_id, order_by=Outbox.due_at)
        due = (
            sa.select(Outbox.id, Outbox.tenant_id, Outbox.due_at, turn.label("turn"))
            .where(Outbox.state == JobState.DUE, Outbox.due_at <= clock.now(), Outbox.tenant_id.not_in(full))
            .subquery()
        )
        query = (
            sa.select(due.c.id, due.c.tenant_id)
            .where(due.c.turn <= share)
            .order_by(due.c.turn, due.c.due_at)
            .limit(room)
        )
        taken: dict[int, int] = dict(held)
        ids = []
        for outbox_id, tenant_id in session.execute(query):
            taken[tenant_id] = taken.get(tenant_id, 0) + 1
            if taken[tenant_id] <= share:
                ids.append(outbox_id)
        return ids

    def _return(self, leased: Sequence[tuple[int, UUID, UUID]]) -> None:
        """The broker did not take them: due again at once, without counting an attempt."""
        with self.runtime.database.shell() as session:
            session.execute(
                sa.update(Outbox)
                .where(Outbox.lease_id.in_([lease_id for _, _, lease_id in leased]), Outbox.state == JobState.LEASED)
                .values(state=JobState.DUE, lease_id=None, leased_until=None)
            )

    def clean(self) -> None:
        """Forgets what was done more than a day ago, and counts the rest for the metrics."""
        with self.runtime.database.shell() as session:
            session.execute(
                sa.delete(Outbox).where(Outbox.state == JobState.DONE, Outbox.settled_at < clock.now() - DONE_KEPT)
            )
            counts: dict[Any, int] = dict(
                session.execute(sa.select(Outbox.state, sa.func.count()).group_by(Outbox.state)).tuples().all()
            )
        for state in JobState:
            self.runtime.metrics.outbox.labels(state).set(counts.get(state, 0))
