"""Running one leased row: claim it, run the job, settle it. Killed anywhere, the lease lapses and it runs again."""

import random
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import CursorResult

from saas import clock
from saas.jobs.models import JobState, Outbox
from saas.jobs.registry import GiveUp, Job, JobRun, Retry
from saas.settings import JobSettings

if TYPE_CHECKING:
    from saas.runtime import Runtime

log = structlog.get_logger()


def backoff(settings: JobSettings, attempt: int) -> timedelta:
    """Exponential with jitter: half fixed, half random, so that partners are not hit in step."""
    ceiling = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** min(attempt - 1, 30))
    return timedelta(seconds=ceiling / 2 + random.uniform(0, ceiling / 2))  # noqa: S311 -- spreading load, not a secret


class Execution:
    """``lease_id`` proves that this message is the one that may run the row."""

    def __init__(self, runtime: "Runtime", tenant_id: int, outbox_id: UUID, lease_id: UUID) -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.tenant_id = tenant_id
        self.outbox_id = outbox_id
        self.lease_id = lease_id
        self.mine = (
            Outbox.tenant_id == tenant_id,
            Outbox.id == outbox_id,
            Outbox.lease_id == lease_id,
            Outbox.state == JobState.LEASED,
        )

    def perform(self) -> None:
        row = self._claim()
        if row is None:
            return
        job, academy = self.runtime.jobs.get(row.job), self.runtime.tenants.by_id(self.tenant_id)
        if job is None or academy is None:
            self._settle(
                JobState.DEAD, "this version of the program does not know the job" if job is None else "no such academy"
            )
            return
        run = JobRun(self.runtime, academy, row.id, row.attempts, row.give_up_at, backoff(self.settings, row.attempts))
        with structlog.contextvars.bound_contextvars(job=row.job, outbox=str(row.id), tenant=academy.slug):
            self._run(job, run, row.args)

    def _claim(self) -> Outbox | None:
        """Counts the attempt and renews the lease; None when a newer lease or another worker has the row."""
        with self.runtime.database.shell() as session:
            change = (
                sa.update(Outbox)
                .where(*self.mine)
                .values(
                    attempts=Outbox.attempts + 1,
                    leased_until=clock.now() + timedelta(seconds=self.settings.lease_seconds),
                )
            )
            if cast("CursorResult[Any]", session.execute(change)).rowcount != 1:
                return None
            row = session.scalars(sa.select(Outbox).where(*self.mine)).one()
            session.expunge(row)
            return row

    def _run(self, job: Job, run: JobRun, args: dict[str, Any]) -> None:
        began = perf_counter()
        try:
            job.function(run, **args)
        except Retry as outcome:
            self._again(job, run, args, str(outcome), outcome.after or run.backoff)
        except GiveUp as outcome:
            self._bury(job, run, args, str(outcome))
        except Exception as error:
            log.exception("job failed")
            self._again(job, run, args, f"{type(error).__name__} in {job.name}", run.backoff)
        else:
            self._settle(JobState.DONE)
            self.runtime.metrics.jobs.labels(job.name, "done").inc()
        self.runtime.metrics.job_seconds.labels(job.name).observe(perf_counter() - began)

    def _again(self, job: Job, run: JobRun, args: dict[str, Any], reason: str, after: timedelta) -> None:
        due_at = clock.now() + after
        if due_at > run.give_up_at:
            self._bury(job, run, args, reason)
            return
        self.runtime.metrics.jobs.labels(job.name, "retry").inc()
        self._settle(JobState.DUE, reason, due_at)

    def _bury(self, job: Job, run: JobRun, args: dict[str, Any], reason: str) -> None:
        if job.buried is not None:
            job.buried(run, reason, **args)
        self.runtime.metrics.jobs.labels(job.name, "dead").inc()
        self._settle(JobState.DEAD, reason)

    def _settle(self, state: JobState, error: str = "", due_at: datetime | None = None) -> None:
        values: dict[str, Any] = {"state": state, "error": error[:2000], "lease_id": None, "leased_until": None}
        values |= {"due_at": due_at} if due_at else {"settled_at": clock.now()}
        with self.runtime.database.shell() as session:
            session.execute(sa.update(Outbox).where(*self.mine).values(**values))
