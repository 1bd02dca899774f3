"""What only our admin may decide about another LMS: a platform that registered itself, a deployment nobody listed.

A launch under an unlisted deployment stays refused; what is new is the question, and its answer is one click.
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.events import Events
from saas.problems import Refused
from tenants.lti.entered import new_version
from tenants.lti.tool.models import Deployment, Platform
from tenants.lti.tool.platforms import borrows
from tenants.lti.wire.text import identifier_fault

#: A login proves nothing, so strangers could ask forever; a platform can sign what it likes, but must leave us a page.
MOST_UNPROVEN = 5
MOST_PROVEN = 100


def ask_of_launch(connection: HotConnection, events: Events, platform_id: UUID, deployment_id: str) -> None:
    """A signed token named it."""
    with ScopedSession(connection.core, connection.tenant_id, events) as session:
        _ask(session, platform_id, deployment_id, proven=True)


def ask_of_login(connection: HotConnection, events: Events, platform_id: UUID, deployment_id: str) -> None:
    """A login named it, which anybody can send: only a few of these are kept."""
    with ScopedSession(connection.core, connection.tenant_id, events) as session:
        _ask(session, platform_id, deployment_id, proven=False)


def _ask(session: ScopedSession, platform_id: UUID, deployment_id: str, *, proven: bool) -> None:
    """Once for each deployment; asked by a login first, it is proven by the launch."""
    if identifier_fault(deployment_id):
        return
    theirs = sa.select(Deployment).where(Deployment.platform_id == platform_id)
    known = session.scalar(theirs.where(Deployment.deployment_id == deployment_id))
    if known is not None:
        known.is_proven = known.is_proven or proven
    elif _open(session, platform_id, proven=proven) < (MOST_PROVEN if proven else MOST_UNPROVEN):
        session.add(Deployment(platform_id=platform_id, deployment_id=deployment_id, is_proven=proven))
    session.flush()


def _open(session: ScopedSession, platform_id: UUID, *, proven: bool) -> int:
    asked = sa.select(sa.func.count(Deployment.id)).where(
        Deployment.platform_id == platform_id, Deployment.is_proven.is_(proven), Deployment.accepted_at.is_(None)
    )
    return session.scalar(asked) or 0


class Questions:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def platforms(self) -> Sequence[Platform]:
        """Those waiting for approval, oldest first."""
        waiting = sa.select(Platform).where(Platform.approved_at.is_(None))
        return self.session.scalars(waiting.order_by(Platform.created_at, Platform.id)).all()

    def deployments(self, platform_id: UUID | None = None) -> Sequence[tuple[Deployment, Platform]]:
        """Open questions with their platforms."""
        query = (
            sa.select(Deployment, Platform)
            .join(Platform, Platform.id == Deployment.platform_id)
            .where(Deployment.accepted_at.is_(None), Deployment.declined_at.is_(None))
            .order_by(Deployment.created_at, Deployment.id)
        )
        if platform_id is not None:
            query = query.where(Deployment.platform_id == platform_id)
        return [(row[0], row[1]) for row in self.session.execute(query)]

    def count(self) -> int:
        """How many answers are waited for."""
        waiting = sa.select(sa.func.count(Platform.id)).where(Platform.approved_at.is_(None))
        asked = sa.select(sa.func.count(Deployment.id)).where(
            Deployment.accepted_at.is_(None), Deployment.declined_at.is_(None)
        )
        return (self.session.scalar(waiting) or 0) + (self.session.scalar(asked) or 0)

    def deployment(self, deployment_id: UUID) -> Deployment:
        """`Refused` WEB_NOT_FOUND where there is none."""
        found = self.session.get(Deployment, deployment_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def approve(self, platform: Platform, *, version: str = "") -> None:
        """From now on it may open activities. ``version``: the one our admin looked at; until now the other side may
        change its values. Raises `Refused`.
        """
        self.session.refresh(platform, with_for_update=True)
        if version and version != str(platform.version):
            raise Refused("WEB_CONFLICT")
        if platform.approved_at is None and borrows(self.session, platform.issuer, platform.jwks_url, but=platform):
            raise Refused("LTI13_REG_ISSUER", seen=platform.issuer)
        platform.approved_at = platform.approved_at or clock.now()
        platform.is_active = True
        new_version(platform)

    def accept(self, deployment: Deployment) -> Platform:
        platform = self.session.get_one(Platform, deployment.platform_id)
        if deployment.accepted_at is None:
            deployment.accepted_at, deployment.declined_at = clock.now(), None
            new_version(platform)
            self.session.flush()
            self.session.expire(platform, ["deployments"])
        return platform

    def decline(self, deployment: Deployment) -> Platform:
        """It is not asked again; whoever lists it in the platform's form has changed their mind."""
        if deployment.accepted_at is None:
            deployment.declined_at = clock.now()
        return self.session.get_one(Platform, deployment.platform_id)
