"""The self-test in the background, and what is forgotten of it and of shared launches."""

from datetime import datetime, timedelta
from uuid import UUID

from saas import clock
from saas.jobs.registry import JobRun, job
from saas.problems import Refused
from tenants.lti.launches.sharing import Shares
from tenants.lti.selftest.runner import Runner
from tenants.lti.selftest.services import SelfTests

#: As long as the launch log.
KEPT = timedelta(days=60)


def broke_off(run: JobRun, _reason: str, again_at: datetime | None, test_id: str) -> None:
    if again_at is None:
        Runner(run.runtime, run.academy).break_off(UUID(test_id))


@job("lti.self_test", failed=broke_off)
def self_test(run: JobRun, test_id: str) -> None:
    try:
        Runner(run.runtime, run.academy).run(UUID(test_id))
    except Refused:
        """The platform was deleted meanwhile, and the test with it."""


@job("lti.forget_inspection", every=timedelta(hours=1))
def forget_inspection(run: JobRun) -> None:
    now = clock.now()
    with run.transaction() as session:
        SelfTests(session).forget(now - KEPT)
        Shares(session).forget(now)
