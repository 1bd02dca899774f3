"""Our signing keys, per academy: made ahead, rotated with overlap, never parsed from PEM more than once per process.

A key is ``next`` (published, so that platforms learn it), then ``active`` (signs), then ``retired`` (published until
no token or cached key set can need it), then gone. In an emergency all of them go at once.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from saas import clock
from saas.db.engine import Database
from saas.db.scope import ScopedSession
from saas.secrets import Secrets
from tenants.lti.models import KeyState, SigningKey
from tenants.lti.wire import keys as wire
from tenants.lti.wire.jws import SigningKey as LoadedKey

PURPOSE = "lti.signing_key"
ROTATE_AFTER = timedelta(days=60)
#: A key is published this long before it signs, and this long after it stopped.
PUBLISHED_AHEAD = timedelta(hours=24)
PUBLISHED_BEHIND = timedelta(days=7)


class Keys:
    """The rows; ``session`` is the academy's."""

    def __init__(self, session: ScopedSession, secrets: Secrets) -> None:
        self.session = session
        self.secrets = secrets

    def all(self) -> Sequence[SigningKey]:
        return self.session.scalars(sa.select(SigningKey).order_by(SigningKey.created_at)).all()

    def ensure(self) -> SigningKey:
        """The active key; a new academy gets it and its successor at once."""
        rows = {row.state: row for row in self.all()}
        active = rows.get(KeyState.ACTIVE) or self._make(KeyState.ACTIVE)
        if KeyState.NEXT not in rows:
            self._make(KeyState.NEXT)
        return active

    def rotate_when_due(self) -> bool:
        """One step of the schedule; True when another key signs from now on."""
        active, now = self.ensure(), clock.now()
        for row in self.all():
            if row.state is KeyState.RETIRED and row.retired_at and row.retired_at < now - PUBLISHED_BEHIND:
                self.session.delete(row)
        if active.activated_at and active.activated_at > now - ROTATE_AFTER:
            return False
        return self.rotate()

    def due_at(self) -> datetime:
        """When the next key begins to sign, by the daily look at the latest a day later."""
        active, following = self.ensure(), self.next()
        return max((active.activated_at or clock.now()) + ROTATE_AFTER, following.created_at + PUBLISHED_AHEAD)

    def next(self) -> SigningKey:
        self.ensure()
        return next(row for row in self.all() if row.state is KeyState.NEXT)

    def replace_all(self) -> SigningKey:
        """In an emergency: a new key signs at once, and no older one is published or kept. Returns the new one.

        The successor goes, too: whoever could read the one could read the other.
        """
        self.session.execute(sa.delete(SigningKey))
        return self.ensure()

    def rotate(self) -> bool:
        """The next key signs; False while it has not been published long enough to be known everywhere."""
        self.ensure()
        rows = {row.state: row for row in self.all()}
        active, following, now = rows[KeyState.ACTIVE], rows[KeyState.NEXT], clock.now()
        if following.created_at > now - PUBLISHED_AHEAD:
            return False
        active.state, active.retired_at = KeyState.RETIRED, now
        self.session.flush()  # there is one of each at any moment; the database holds us to it
        following.state, following.activated_at = KeyState.ACTIVE, now
        self._make(KeyState.NEXT)
        return True

    def _make(self, state: KeyState) -> SigningKey:
        key = wire.generate_key()
        row = SigningKey(
            kid=key.kid,
            state=state,
            public_jwk=wire.public_jwk(key.private.public_key(), key.kid),
            sealed_private=self.secrets.seal(self.session.tenant_id, PURPOSE, wire.to_pem(key)),
            activated_at=clock.now() if state is KeyState.ACTIVE else None,
        )
        self.session.add(row)
        self.session.flush()
        return row


class KeyRing:
    """Loaded private keys of this process. Opening one costs an unsealing and a parse; signing must not."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets
        self._loaded: dict[tuple[int, str], LoadedKey] = {}
        self._lock = threading.Lock()

    def active(self, tenant_id: int) -> LoadedKey:
        """Made when there is none, in a transaction of its own: never call it first where one is open for writing."""
        kid, sealed = self._read(tenant_id) or self._made(tenant_id)
        with self._lock:
            if (tenant_id, kid) not in self._loaded:
                self._loaded[tenant_id, kid] = wire.load_key(self._secrets.open(tenant_id, PURPOSE, sealed))
            return self._loaded[tenant_id, kid]

    def _read(self, tenant_id: int) -> tuple[str, str] | None:
        with self._database.transaction(tenant_id, write=False) as session:
            row = session.scalar(sa.select(SigningKey).where(SigningKey.state == KeyState.ACTIVE))
            return (row.kid, row.sealed_private) if row else None

    def _made(self, tenant_id: int) -> tuple[str, str]:
        with self._database.transaction(tenant_id) as session:
            row = Keys(session, self._secrets).ensure()
            return row.kid, row.sealed_private

    def published(self, tenant_id: int) -> list[dict[str, object]]:
        """Public keys only, the signing one first."""
        with self._database.transaction(tenant_id, write=False) as session:
            rows = sorted(Keys(session, self._secrets).all(), key=lambda row: row.state is not KeyState.ACTIVE)
            return [row.public_jwk for row in rows]

    def public_pem(self, tenant_id: int) -> str:
        return wire.public_pem(self.active(tenant_id))
