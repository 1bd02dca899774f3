"""Promising work in the same transaction as the change that needs it, and looking after what was promised."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from saas import clock
from saas.db.base import uuid7
from saas.db.engine import Database
from saas.db.scope import ScopedSession
from saas.jobs.models import JobState, Outbox, in_state
from saas.observe import Metrics

#: How long a row is tried before it becomes a dead letter.
GIVE_UP = timedelta(hours=72)
_PROMISED = "outbox_promised"


class WorkPromised:
    """Announced after a commit that wrote to the outbox, so that a relay in this process need not wait."""


def later(session: ScopedSession, job: str, *, delay: timedelta = timedelta(), **ids: UUID | int | str) -> UUID:
    """Promises to run ``job`` with these ids once this transaction is committed. Returns the outbox id."""
    now = clock.now()
    row = Outbox(
        id=uuid7(),
        tenant_id=session.tenant_id,
        job=job,
        args=_plain(ids),
        due_at=now + delay,
        give_up_at=now + delay + GIVE_UP,
    )
    session.add(row)
    session.info[_PROMISED] = True
    return row.id


def _plain(ids: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, UUID) else value for name, value in ids.items()}


@event.listens_for(ScopedSession, "after_commit")
def _tell(session: ScopedSession) -> None:
    if session.info.pop(_PROMISED, False):
        session.announce(WorkPromised())


@event.listens_for(ScopedSession, "after_rollback")
def _forget(session: ScopedSession) -> None:
    session.info.pop(_PROMISED, None)


class Desk:
    """What an operator or an academy's admin sees and does with one tenant's jobs. ``session`` is the shell's."""

    def __init__(self, session: Session, tenant_id: int) -> None:
        self.session = session
        self.tenant_id = tenant_id

    def rows(self, states: Sequence[JobState] = tuple(JobState), limit: int = 200) -> Sequence[Outbox]:
        query = sa.select(Outbox).where(Outbox.tenant_id == self.tenant_id, Outbox.state.in_(states))
        return self.session.scalars(query.order_by(Outbox.created_at.desc()).limit(limit)).all()

    def retry(self, ids: Sequence[UUID] = ()) -> list[UUID]:
        """Sends dead letters again, as if new: all of them or the named ones. Returns those that were dead."""
        now = clock.now()
        dead = sa.select(Outbox).where(Outbox.tenant_id == self.tenant_id, in_state(JobState.DEAD))
        rows = self.session.scalars(dead.where(Outbox.id.in_(ids)) if ids else dead).all()
        for row in rows:
            row.state, row.due_at, row.give_up_at, row.settled_at = JobState.DUE, now, now + GIVE_UP, None
            row.attempts = row.unfinished = 0
        return [row.id for row in rows]


def measure(database: Database, metrics: Metrics) -> None:
    """The backlog as the database has it now, whichever process asks."""
    now = clock.now()
    with database.shell(write=False) as session:
        for state in (JobState.DUE, JobState.LEASED, JobState.DEAD):
            count = session.scalar(sa.select(sa.func.count(Outbox.id)).where(in_state(state)))
            metrics.outbox.labels(state.value).set(count or 0)
        overdue = session.scalar(sa.select(sa.func.min(Outbox.due_at)).where(in_state(JobState.DUE)))
    metrics.outbox_lag.set(max(0.0, (now - overdue).total_seconds()) if overdue else 0.0)
