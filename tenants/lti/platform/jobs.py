"""House-keeping of outside tools: what is over is forgotten."""

from datetime import timedelta

from saas import clock
from saas.jobs.registry import JobRun, job
from tenants.lti.platform.once import PURGE_CALLS, PURGE_ONCE, PURGE_TOKENS

#: As long as launches.
KEPT = timedelta(days=60)


@job("lti.purge_calls", every=timedelta(hours=1))
def purge_calls(run: JobRun) -> None:
    """What tools asked of us, their tokens that have ended, and what may come again by now."""
    now = clock.now()
    with run.transaction() as session:
        session.run(PURGE_CALLS, kept_since=now - KEPT)
        session.run(PURGE_TOKENS, now=now)
        session.run(PURGE_ONCE, now=now)
