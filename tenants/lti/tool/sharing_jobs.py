"""Jobs of sharing: rosters read and enrolled, keys of a new platform looked for, what is over forgotten."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.jobs.registry import JobRun, job
from saas.problems import Refused
from tenants.lti.keys import KeyRing
from tenants.lti.tool.introductions import Introductions
from tenants.lti.tool.keysets import KeySets, KeySource
from tenants.lti.tool.models import Platform
from tenants.lti.tool.person_cases import PersonCases
from tenants.lti.tool.roster_reader import RosterReader
from tenants.lti.tool.rosters import Enrolling, Rosters
from tenants.lti.tool.sharing_models import Invitation, PullState, RosterPull, Selection
from tenants.lti.tool.tokens import Tokens

#: Names and addresses of a roster are needed for its preview, and no longer.
ROSTER_KEPT = timedelta(days=7)
INVITATION_KEPT = timedelta(days=30)
SELECTION_KEPT = timedelta(days=1)


@job("lti.read_roster")
def read_roster(run: JobRun, pull_id: str) -> None:
    tokens = Tokens(run.runtime.secrets, run.runtime.outbound, run.runtime.part(KeyRing))
    RosterReader(run.runtime, run.academy, tokens).read(UUID(pull_id))


@job("lti.enrol_roster")
def enrol_roster(run: JobRun, pull_id: str) -> None:
    """A batch and a transaction at a time; stopped midway, it goes on with those not enrolled yet."""
    while True:
        with run.transaction() as session:
            pull = session.get(RosterPull, UUID(pull_id))
            if pull is None or pull.state is not PullState.ENROLLING:
                return
            if not Enrolling(session, pull).some():
                Rosters(session).pull(pull.id).state = PullState.DONE
                return


@job("lti.look_for_keys")
def look_for_keys(run: JobRun, platform_id: str) -> None:
    """So that a wrong address of keys shows at once on the set-up page, not at the first launch."""
    with run.transaction(write=False) as session:
        platform = session.get(Platform, UUID(platform_id))
        if platform is None:
            return
        source = KeySource(run.academy.id, platform.id, platform.version, platform.jwks_url, platform.pasted_key)
    try:
        run.runtime.part(KeySets).get(source)
    except Refused:
        """Kept with the platform's keys, where the page reads it."""


@job("lti.forget_sharing", every=timedelta(hours=1))
def forget_sharing(run: JobRun) -> None:
    now = clock.now()
    with run.transaction() as session:
        session.execute(sa.delete(Selection).where(Selection.expires_at < now - SELECTION_KEPT))
        session.execute(sa.delete(Invitation).where(Invitation.expires_at < now - INVITATION_KEPT))
        Introductions(session).forget()
        PersonCases(session).forget()
        session.execute(sa.delete(RosterPull).where(RosterPull.started_at < now - ROSTER_KEPT))
