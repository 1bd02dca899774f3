"""House-keeping of sign-ins."""

from datetime import timedelta

import sqlalchemy as sa

from saas import clock
from saas.jobs.registry import JobRun, job
from saas.sessions import WebSession
from tenants.accounts.services import SignIn


@job("accounts.purge", every=timedelta(hours=6))
def purge(run: JobRun) -> None:
    """Expired sessions and links are of no use to anybody."""
    with run.transaction() as session:
        session.execute(sa.delete(WebSession).where(WebSession.expires_at < clock.now()))
        SignIn(session).purge()
