"""Running one leased row: claim it, run the job, settle it. Killed anywhere, the lease lapses and it runs again."""

import random
from datetime import datetime, timedelta
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn, cast
from uuid import UUID

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import CursorResult

from saas import clock
from saas.db.base import uuid7
from saas.jobs.models import JobState, Outbox
from saas.jobs.registry import GiveUp, Job, JobRun, Retry
from saas.secrets import SealError
from saas.settings import JobSettings

if TYPE_CHECKING:
    from saas.runtime import Runtime

log = structlog.get_logger()
#: Runs in a row that may end with the death of their process; then it is the job that kills it.
FATAL_RUNS = 8


def backoff(settings: JobSettings, attempt: int) -> timedelta:
    """Exponential with jitter: half fixed, half random, so that partners are not hit in step."""
    ceiling = min(settings.retry_cap_seconds, settings.retry_base_seconds * 2 ** min(attempt - 1, 30))
    return timedelta(seconds=ceiling / 2 + random.uniform(0, ceiling / 2))  # noqa: S311 -- spreading load, not a secret


class Execution:
    """``lease_id`` proves that this message is the one that may run the row; claiming it replaces it by another."""

    def __init__(self, runtime: "Runtime", tenant_id: int, outbox_id: UUID, lease_id: UUID) -> None:
        self.runtime = runtime
        self.settings = runtime.settings.jobs
        self.tenant_id = tenant_id
        self.outbox_id = outbox_id
        self.lease_id = lease_id

    def _mine(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (
            Outbox.tenant_id == self.tenant_id,
            Outbox.id == self.outbox_id,
            Outbox.lease_id == self.lease_id,
            Outbox.state == JobState.LEASED,
        )

    def perform(self) -> None:
        row = self._claim()
        if row is None:
            return
        academy = self.runtime.tenants.by_id(self.tenant_id)
        if academy is None:
            self._settle(JobState.DEAD, "there is no such academy")
            return
        if not academy.active:
            self._settle(JobState.DUE, "the academy is suspended", clock.now())
            return
        job = self.runtime.jobs.get(row.job) or Job(row.job, _unknown)
        run = JobRun(self.runtime, academy, row.id, row.attempts, row.give_up_at, backoff(self.settings, row.attempts))
        with structlog.contextvars.bound_contextvars(job=row.job, outbox=str(row.id), tenant=academy.slug):
            if _is_fatal(row):
                self._bury(job, run, row.args, f"the program stopped {row.unfinished - 1} times while doing it")
            else:
                self._run(job, run, row.args)

    def _claim(self) -> Outbox | None:
        """Counts the attempt and takes a lease of its own, so that a message the broker repeats finds none.

        None when a newer lease or another worker has the row.
        """
        own_lease = uuid7()
        with self.runtime.database.shell() as session:
            change = (
                sa.update(Outbox)
                .where(*self._mine())
                .values(
                    attempts=Outbox.attempts + 1,
                    unfinished=Outbox.unfinished + 1,
                    lease_id=own_lease,
                    leased_until=clock.now() + timedelta(seconds=self.settings.lease_seconds),
                )
            )
            if cast("CursorResult[Any]", session.execute(change)).rowcount != 1:
                return None
            self.lease_id = own_lease
            row = session.scalars(sa.select(Outbox).where(*self._mine())).one()
            session.expunge(row)
            return row

    def _run(self, job: Job, run: JobRun, args: dict[str, Any]) -> None:
        began = perf_counter()
        try:
            job.function(run, **args)
        except Retry as outcome:
            self._again(job, run, args, str(outcome), run.backoff if outcome.after is None else outcome.after)
        except GiveUp as outcome:
            self._bury(job, run, args, str(outcome))
        except Exception as error:
            log.exception("job failed")
            self._stumble(job, run, args, _in_words(error))
        else:
            self._settle(JobState.DONE)
            self.runtime.metrics.jobs.labels(job.name, "done").inc()
        self.runtime.metrics.job_seconds.labels(job.name).observe(perf_counter() - began)

    def _stumble(self, job: Job, run: JobRun, args: dict[str, Any], reason: str) -> None:
        """The job could not say itself what went wrong, so its ``failed`` is told."""
        again_at = clock.now() + run.backoff
        if job.failed is not None and again_at <= run.give_up_at:
            job.failed(run, reason, again_at, **args)
        self._again(job, run, args, reason, again_at - clock.now())

    def _again(self, job: Job, run: JobRun, args: dict[str, Any], reason: str, after: timedelta) -> None:
        due_at = clock.now() + after
        if due_at > run.give_up_at:
            self._bury(job, run, args, reason)
            return
        self.runtime.metrics.jobs.labels(job.name, "retry").inc()
        self._settle(JobState.DUE, reason, due_at)

    def _bury(self, job: Job, run: JobRun, args: dict[str, Any], reason: str) -> None:
        if job.failed is not None:
            job.failed(run, reason, None, **args)
        self.runtime.metrics.jobs.labels(job.name, "dead").inc()
        self._settle(JobState.DEAD, reason)

    def _settle(self, state: JobState, error: str = "", due_at: datetime | None = None) -> None:
        values: dict[str, Any] = {
            "state": state,
            "error": error[:2000],
            "lease_id": None,
            "leased_until": None,
            "unfinished": 0,
        }
        values |= {"due_at": due_at} if due_at else {"settled_at": clock.now()}
        with self.runtime.database.shell() as session:
            session.execute(sa.update(Outbox).where(*self._mine()).values(**values))


def _is_fatal(row: Outbox) -> bool:
    """Whether running it has ended its process too often, or at all when its time is over."""
    died = row.unfinished - 1
    return died >= FATAL_RUNS or (died > 0 and clock.now() > row.give_up_at)


def _unknown(_run: JobRun, **_ids: object) -> NoReturn:
    """While versions overlap, a newer process promises what an older worker does not know yet."""
    raise Retry("this version of the program does not know the job")


def _in_words(error: Exception) -> str:
    """For people; never the error's own text, which may quote data."""
    if isinstance(error, SealError):
        return str(error)
    return f"a fault in the program ({type(error).__name__}); its log has the details"
