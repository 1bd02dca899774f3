"""From the outbox to the broker: leases due rows, fairly between tenants, and takes lapsed leases back.

Any number of relays may run. On PostgreSQL they pass each other with ``SKIP LOCKED``; on SQLite the write lock orders
them. Fairness: a tenant holds at most ``in_flight_per_tenant`` of the ``in_flight`` leases, and whoever holds fewest
comes next, whatever the length of anybody's queue. Rows of suspended tenants wait.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from saas import clock
from saas.db.base import uuid7
from saas.jobs.execution import backoff
from saas.jobs.models import JobState, Outbox, in_state
from saas.tenancy.models import Tenant, TenantStatus

if TYPE_CHECKING:
    from saas.runtime import Runtime

#: Hands ``(tenant_id, outbox_id, lease_id)`` to a broker.
Send = Callable[[int, UUID, UUID], None]
DONE_KEPT = timedelta(days=1)
DEAD_KEPT = timedelta(days=90)


class Relay:
    def __init__(self, runtime: "Runtime", send: Send) -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.lease = timedelta(seconds=self.settings.lease_seconds)
        self.send = send

    def cycle(self) -> int:
        """One round; returns how many rows went out."""
        with self.runtime.database.shell(write=False) as session:
            if not self._anything_to_do(session):
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

    def _anything_to_do(self, session: Session) -> bool:
        anything = sa.select(Outbox.id).limit(1)
        return any(session.scalar(anything.where(each)) is not None for each in (self._due(), self._lapsed()))

    def _due(self) -> sa.ColumnElement[bool]:
        active = sa.select(Tenant.id).where(Tenant.status == TenantStatus.ACTIVE)
        return sa.and_(
            in_state(JobState.DUE), Outbox.due_at <= clock.now(), Outbox.tenant_id.in_(active.scalar_subquery())
        )

    def _lapsed(self) -> sa.ColumnElement[bool]:
        """Also a lease further ahead than any can be: the clock it was given by has gone back since."""
        now = clock.now()
        over = sa.or_(Outbox.leased_until < now, Outbox.leased_until > now + 2 * self.lease)
        return sa.and_(in_state(JobState.LEASED), over)

    def _take_back(self, session: Session) -> None:
        """Rows whose worker died: due again after a back-off, so that a job that kills its worker cannot spin."""
        now = clock.now()
        for row in session.scalars(sa.select(Outbox).where(self._lapsed()).with_for_update(skip_locked=True)):
            row.state, row.lease_id, row.leased_until = JobState.DUE, None, None
            row.due_at = now
            if row.unfinished:
                row.error = "the worker stopped while running it"
            if row.unfinished > 1:
                row.due_at = now + backoff(self.settings, row.unfinished)
        session.flush()

    def _lease(self, session: Session) -> list[tuple[int, UUID, UUID]]:
        chosen = self._next_in_turn(session)
        if not chosen:
            return []
        mine = sa.tuple_(Outbox.tenant_id, Outbox.id).in_(chosen)
        rows = session.scalars(
            sa.select(Outbox).where(mine, in_state(JobState.DUE)).with_for_update(skip_locked=True)
        ).all()
        until = clock.now() + self.lease
        leased = []
        for row in sorted(rows, key=lambda row: chosen.index((row.tenant_id, row.id))):
            row.state, row.lease_id, row.leased_until = JobState.LEASED, uuid7(), until
            leased.append((row.tenant_id, row.id, row.lease_id))
        return leased

    def _next_in_turn(self, session: Session) -> list[tuple[int, UUID]]:
        """Keys of due rows. Each stands behind what its tenant holds already; a tenant at its share waits.

        Every step is a look into an index, so that the length of a queue does not matter.
        """
        held = Counter(session.scalars(sa.select(Outbox.tenant_id).where(in_state(JobState.LEASED))))
        room, share = self.settings.in_flight - held.total(), self.settings.in_flight_per_tenant
        if room <= 0:
            return []
        turns: list[tuple[int, datetime, int, UUID]] = []
        for tenant_id in session.scalars(self._with_work(held)):
            number = held[tenant_id]
            due = sa.select(Outbox.due_at, Outbox.id).where(Outbox.tenant_id == tenant_id, self._due())
            rows = session.execute(due.order_by(Outbox.due_at).limit(min(room, share - number)))
            turns += [(number + place, due_at, tenant_id, row_id) for place, (due_at, row_id) in enumerate(rows)]
        return [(tenant_id, row_id) for _place, _due_at, tenant_id, row_id in sorted(turns)[:room]]

    def _with_work(self, held: Counter[int]) -> sa.Select[int]:
        """Active tenants with a due row and room in their share: first who holds none, then who has waited longest."""
        first = (
            sa.select(sa.func.min(Outbox.due_at))
            .where(Outbox.tenant_id == Tenant.id, in_state(JobState.DUE))
            .correlate(Tenant)
            .scalar_subquery()
        )
        full = [tenant_id for tenant_id, number in held.items() if number >= self.settings.in_flight_per_tenant]
        active = sa.select(Tenant.id).where(Tenant.status == TenantStatus.ACTIVE, Tenant.id.not_in(full))
        in_turn = active.where(first <= clock.now()).order_by(Tenant.id.in_(list(held)), first)
        return in_turn.limit(self.settings.in_flight)

    def _return(self, leased: Sequence[tuple[int, UUID, UUID]]) -> None:
        """The broker did not take them: due again at once, without counting an attempt."""
        with self.runtime.database.shell() as session:
            session.execute(
                sa.update(Outbox)
                .where(Outbox.lease_id.in_([lease_id for _, _, lease_id in leased]), in_state(JobState.LEASED))
                .values(state=JobState.DUE, lease_id=None, leased_until=None)
            )

    def renew(self, lease_ids: Sequence[UUID]) -> None:
        """For runs that take longer than a lease, as long as their process lives."""
        if lease_ids:
            with self.runtime.database.shell() as session:
                session.execute(
                    sa.update(Outbox)
                    .where(Outbox.lease_id.in_(lease_ids), in_state(JobState.LEASED))
                    .values(leased_until=clock.now() + self.lease)
                )

    def clean(self) -> None:
        """Forgets what is long settled. A dead letter has been on show for a quarter of a year by then."""
        with self.runtime.database.shell() as session:
            for state, kept in ((JobState.DONE, DONE_KEPT), (JobState.DEAD, DEAD_KEPT)):
                session.execute(sa.delete(Outbox).where(in_state(state), Outbox.settled_at < clock.now() - kept))
