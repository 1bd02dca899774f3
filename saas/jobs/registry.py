"""Jobs by name. A job is a function ``(run: JobRun, **ids)`` that a feature's scan registers; it takes ids only."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

import venusian

from saas.db.scope import ScopedSession
from saas.tenancy.resolve import Academy

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from saas.runtime import Runtime


@dataclass
class JobRun:
    """One run of one outbox row. ``id`` is the idempotency key of every effect outside."""

    runtime: "Runtime"
    academy: Academy
    id: UUID
    attempt: int
    give_up_at: datetime
    backoff: timedelta = field(default=timedelta())

    def transaction(self, *, write: bool = True) -> "AbstractContextManager[ScopedSession]":
        """A session of this job's tenant. Never hold one open while talking to the outside."""
        return self.runtime.database.transaction(self.academy.id, write=write)


class Retry(Exception):
    """Not now. ``after`` overrides the usual back-off (a partner's ``Retry-After``)."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.after = after


class GiveUp(Exception):
    """Never: running it again cannot help. The row becomes a dead letter at once."""


JobFunction = Callable[..., None]
JobFunctionT = TypeVar("JobFunctionT", bound=JobFunction)


@dataclass(frozen=True, slots=True)
class Job:
    """``every`` makes it recurring, once per active tenant.

    ``failed(run, reason, again_at, **ids)`` learns of every failure the job could not note itself: an unexpected
    exception, a process that died, the end of all tries. ``again_at`` is when it runs again, None when it never will.
    """

    name: str
    function: JobFunction
    every: timedelta | None = None
    failed: JobFunction | None = None


class Jobs:
    def __init__(self) -> None:
        self._by_name: dict[str, Job] = {}

    def add(self, job: Job) -> None:
        if job.name in self._by_name:
            raise ValueError(f"job {job.name} is registered twice")
        self._by_name[job.name] = job

    def get(self, name: str) -> Job | None:
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._by_name.values())


def job(
    name: str, *, every: timedelta | None = None, failed: JobFunction | None = None
) -> Callable[[JobFunctionT], JobFunctionT]:
    """Registers the function as job ``name`` (``feature.verb``) when its feature is scanned."""

    def decorate(function: JobFunctionT) -> JobFunctionT:
        def register(scanner: Any, _name: str, _function: object) -> None:
            scanner.config.registry.runtime.jobs.add(Job(name, function, every, failed))

        venusian.attach(function, register, category="lyceum")
        return function

    return decorate
