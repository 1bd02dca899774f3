"""Platforms that hold a pasted public key of ours: who they are, and what they must be told of a rotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.secrets import Secrets
from tenants.lti.keys import Keys
from tenants.lti.models import KeyState, PastedKey, SigningKey
from tenants.lti.tool.models import Platform
from tenants.lti.wire.keys import pem_of

#: How long before a rotation the admin is told.
WARNED_AHEAD = timedelta(days=14)


class Urgency(StrEnum):
    """``soon``: the key they hold stops signing before long. ``now``: it signs nothing any more."""

    NONE = "none"
    SOON = "soon"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class Holding:
    """A platform with a pasted key. ``kid`` and ``public_key`` are what its admin must paste when ``at`` has come."""

    platform: Platform
    urgency: Urgency
    at: datetime
    kid: str
    public_key: str


class PastedKeys:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, secrets: Secrets) -> None:
        self.session = session
        self.keys = Keys(session, secrets)

    def of(self, platform_id: UUID) -> PastedKey | None:
        return self.session.scalar(sa.select(PastedKey).where(PastedKey.platform_id == platform_id))

    def note(self, platform_id: UUID) -> SigningKey:
        """The platform holds the key that signs now, which it was shown. Returns that key."""
        active = self.keys.ensure()
        row = self.of(platform_id)
        if row is None:
            row = PastedKey(platform_id=platform_id)
            self.session.add(row)
        row.kid, row.noted_at = active.kid, clock.now()
        self.session.flush()
        return active

    def drop(self, platform_id: UUID) -> None:
        """It reads our JWKS URL from now on."""
        self.session.execute(sa.delete(PastedKey).where(PastedKey.platform_id == platform_id))

    def holding(self, platform_id: UUID) -> Holding | None:
        return next((each for each in self.all() if each.platform.id == platform_id), None)

    def all(self) -> Sequence[Holding]:
        """By name; nothing is made here where there is no such platform."""
        joined = sa.select(PastedKey, Platform).join(Platform, Platform.id == PastedKey.platform_id)
        rows = self.session.execute(joined.order_by(Platform.name, Platform.id)).all()
        return [self._holding(row, platform) for row, platform in rows]

    def urgent(self) -> Sequence[Holding]:
        return [each for each in self.all() if each.urgency is not Urgency.NONE]

    def _holding(self, row: PastedKey, platform: Platform) -> Holding:
        keys = {key.state: key for key in self.keys.all() if key.state is not KeyState.RETIRED}
        active, following, due = keys[KeyState.ACTIVE], keys[KeyState.NEXT], self.keys.due_at()
        if row.kid != active.kid:
            return Holding(
                platform, Urgency.NOW, active.activated_at or row.noted_at, active.kid, pem_of(active.public_jwk)
            )
        urgency = Urgency.SOON if due <= clock.now() + WARNED_AHEAD else Urgency.NONE
        return Holding(platform, urgency, due, following.kid, pem_of(following.public_jwk))
