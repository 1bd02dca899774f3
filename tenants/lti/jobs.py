"""House-keeping of LTI: keys rotate, the launch log forgets."""

from datetime import timedelta

from saas import clock
from saas.jobs.registry import JobRun, job
from tenants.audit.services import note
from tenants.lti.keys import Keys
from tenants.lti.tool.statements import PURGE
from tenants.lti.tool.statements11 import PURGE_NONCES

#: The log is kept this long; logins whose browser never came back go after a day.
KEPT = timedelta(days=60)
UNANSWERED = timedelta(hours=24)


@job("lti.rotate_keys", every=timedelta(hours=24))
def rotate_keys(run: JobRun) -> None:
    if run.academy.is_operator:
        return
    with run.transaction() as session:
        keys = Keys(session, run.runtime.secrets)
        if keys.rotate_when_due():
            note(session, "lti.rotate_keys", "lti.keys.rotated", keys.ensure().kid)


@job("lti.purge_launches", every=timedelta(hours=1))
def purge_launches(run: JobRun) -> None:
    now = clock.now()
    with run.transaction() as session:
        session.run(PURGE, kept_since=now - KEPT, answered_since=now - UNANSWERED)
        session.run(PURGE_NONCES, now=now)
