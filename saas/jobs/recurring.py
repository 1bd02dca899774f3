"""Recurring jobs: the clock moves `Recurring.next_at` on, and whoever moved it writes an outbox row per tenant.

A tenant whose last turn still waits or is tried again gets no second one.
"""

import random
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from saas import clock
from saas.db.base import uuid7
from saas.jobs.models import JobState, Outbox, Recurring, in_state
from saas.jobs.outbox import GIVE_UP
from saas.jobs.registry import Job
from saas.tenancy.models import Tenant, TenantStatus

if TYPE_CHECKING:
    from saas.runtime import Runtime


def tick(runtime: "Runtime") -> int:
    """Promises what is due now; returns the number of rows written.

    A turn that lies further ahead than its interval was set by a clock that has gone back since: it is due.
    """
    with runtime.database.shell(write=False) as session:
        known = {row.name: row.next_at for row in session.scalars(sa.select(Recurring))}
    written = 0
    for job in runtime.jobs:
        if job.every is not None and (job.name not in known or _is_due(known[job.name], job.every)):
            try:
                with runtime.database.shell() as session:
                    written += _promise(session, job, job.every)
            except sa.exc.IntegrityError:
                continue  # another worker met this job for the first time in the same moment; its turn counts
    return written


def _is_due(next_at: datetime, every: timedelta) -> bool:
    now = clock.now()
    return not now < next_at <= now + every


def _promise(session: Session, job: Job, every: timedelta) -> int:
    if not _claimed(session, job.name, every):
        return 0
    now = clock.now()
    spread = every.total_seconds() / 10
    unsettled = sa.or_(in_state(JobState.DUE), in_state(JobState.LEASED))
    pending = sa.select(Outbox.tenant_id).where(Outbox.job == job.name, unsettled)
    active = sa.select(Tenant.id).where(Tenant.status == TenantStatus.ACTIVE, Tenant.id.not_in(pending))
    tenants = session.scalars(active).all()
    for tenant_id in tenants:
        due_at = now + timedelta(seconds=random.uniform(0, spread))  # noqa: S311 -- spreading load, not a secret
        session.add(
            Outbox(id=uuid7(), tenant_id=tenant_id, job=job.name, args={}, due_at=due_at, give_up_at=due_at + GIVE_UP)
        )
    return len(tenants)


def _claimed(session: Session, name: str, every: timedelta) -> bool:
    """True for exactly one caller per turn; a job seen for the first time has its first turn now."""
    now = clock.now()
    if session.get(Recurring, name) is None:
        session.add(Recurring(name=name, next_at=now + every))
        session.flush()
        return True
    turn = sa.or_(Recurring.next_at <= now, Recurring.next_at > now + every)
    moved = sa.update(Recurring).where(Recurring.name == name, turn).values(next_at=now + every)
    return cast("CursorResult[Any]", session.execute(moved)).rowcount == 1
