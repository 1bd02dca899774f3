"""Links to one launch for people without an account here."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.sessions import hash_token
from tenants.lti.launches.models import Launch, LaunchShare

LIFETIME = timedelta(days=7)


class Shares:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession) -> None:
        self.session = session

    def make(self, launch: Launch, made_by: str) -> tuple[LaunchShare, str]:
        """The row and the token, which is shown once and kept as a hash only."""
        token = secrets.token_urlsafe(32)
        expires_at = clock.now() + LIFETIME
        row = LaunchShare(launch_id=launch.id, token_hash=hash_token(token), made_by=made_by, expires_at=expires_at)
        self.session.add(row)
        self.session.flush()
        return row, token

    def of(self, launch: Launch) -> Sequence[LaunchShare]:
        """Those that still open it, newest first."""
        query = sa.select(LaunchShare).where(LaunchShare.launch_id == launch.id, LaunchShare.expires_at > clock.now())
        return self.session.scalars(query.order_by(LaunchShare.created_at.desc(), LaunchShare.id)).all()

    def get(self, share_id: UUID) -> LaunchShare:
        found = self.session.get(LaunchShare, share_id)
        if found is None:
            raise Refused("WEB_NOT_FOUND")
        return found

    def open(self, token: str) -> tuple[LaunchShare, Launch]:
        """`Refused` LTI_SHARE_OVER, whatever the reason."""
        query = sa.select(LaunchShare).where(LaunchShare.token_hash == hash_token(token))
        found = self.session.scalar(query.where(LaunchShare.expires_at > clock.now()))
        if found is None:
            raise Refused("LTI_SHARE_OVER")
        return found, self.session.get_one(Launch, found.launch_id)

    def revoke(self, share: LaunchShare) -> None:
        self.session.delete(share)

    def forget(self, now: datetime) -> None:
        self.session.execute(sa.delete(LaunchShare).where(LaunchShare.expires_at < now))
