"""Check Zoom connection in the background, and what is forgotten of it."""

from datetime import datetime, timedelta
from uuid import UUID

from saas import clock
from saas.jobs.registry import JobRun, job
from tenants.zoom.ltipro.check import Checks, ConnectionCheck

#: As long as the launch log.
KEPT = timedelta(days=60)


def broke_off(run: JobRun, _reason: str, again_at: datetime | None, check_id: str) -> None:
    if again_at is None:
        ConnectionCheck(run.runtime, run.academy).break_off(UUID(check_id))


@job("zoom.check_connection", failed=broke_off)
def check_connection(run: JobRun, check_id: str) -> None:
    ConnectionCheck(run.runtime, run.academy).run(UUID(check_id))


@job("zoom.forget_checks", every=timedelta(hours=1))
def forget_checks(run: JobRun) -> None:
    with run.transaction() as session:
        Checks(session, run.runtime, run.academy).forget(clock.now() - KEPT)
