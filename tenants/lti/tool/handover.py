"""Where a frame keeps no cookies a launch goes on in a window of its own: a one-use token hands its session over.

The session of the launch waits under the hash of the token, which is none a cookie can match, and gets a token of its
own when the other window comes for it.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from saas.db.hot import HotConnection
from saas.db.statement import TENANT, ScopedStatement
from saas.sessions import NewSession, WebSession
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.launch import Arrived

LIFETIME = timedelta(minutes=10)

_session = table_of(WebSession)
_until = sa.bindparam("until", type_=_session.c.expires_at.type)
_fresh = {"token_hash": sa.bindparam("fresh_hash"), "expires_at": _until}
_waits = sa.and_(
    _session.c.tenant_id == TENANT,
    _session.c.token_hash == sa.bindparam("waiting_hash"),
    _session.c.expires_at > sa.bindparam("now", type_=_session.c.expires_at.type),
)

#: The session of a launch begins to wait.
OFFER = ScopedStatement(
    "lti.offer_session",
    sa.update(_session)
    .where(_session.c.tenant_id == TENANT, _session.c.id == sa.bindparam("session_id"))
    .values(_fresh),
)
#: What the session that waits remembers of its launch.
PEEK = ScopedStatement("lti.peek_session", sa.select(_session.c.about).where(_waits))
#: Of two windows that come at the same moment one gets the row.
TAKE = ScopedStatement(
    "lti.take_session", sa.update(_session).where(_waits).values(_fresh).returning(_session.c.id, _session.c.about)
)


@dataclass(frozen=True, slots=True)
class Handover:
    """``connection`` is of the academy whose sessions these are."""

    connection: HotConnection

    def offer(self, session: NewSession) -> str:
        """The token to come with, within `LIFETIME`; the session's own opens nothing any more."""
        fresh = NewSession.draw().token
        self.connection.run(OFFER, session_id=session.id, fresh_hash=_waiting(fresh), until=clock.now() + LIFETIME)
        return fresh

    def peek(self, token: str) -> dict[str, Any] | None:
        """What the session is about; None when nothing waits under that token."""
        row = self.connection.run(PEEK, waiting_hash=_waiting(token), now=clock.now()).one_or_none()
        return row.about if row else None

    def take(self, token: str) -> Arrived | None:
        """The launch, with its session for a cookie; None for a token used, too old or never given."""
        fresh, now = NewSession.draw(), clock.now()
        row = self.connection.run(
            TAKE, waiting_hash=_waiting(token), now=now, fresh_hash=fresh.token_hash, until=now + SESSION_LIFETIME
        ).one_or_none()
        if row is None:
            return None
        return Arrived(UUID(row.about["activity"]), NewSession(fresh.token, row.id, fresh.token_hash))


def _waiting(token: str) -> str:
    return hashlib.sha256(f"handover {token}".encode()).hexdigest()
