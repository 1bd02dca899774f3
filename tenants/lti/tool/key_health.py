"""Whether the platforms' keys can still be read: launches go on with the last good set for a day (`keysets`), and our
admin should hear of it before that day is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from tenants.lti.tool.keysets import STALE_IF_ERROR
from tenants.lti.tool.models import PlatformKeys


@dataclass(frozen=True, slots=True)
class KeyTrouble:
    """Why the last look failed; ``good_until`` None: no set was ever read, so nobody comes in."""

    reason: str
    good_until: datetime | None

    @property
    def is_bridged(self) -> bool:
        return self.good_until is not None and self.good_until > clock.now()


def key_troubles(session: ScopedSession, platform_ids: Sequence[UUID]) -> Mapping[UUID, KeyTrouble]:
    """Of the platforms whose key set could not be read the last time it was asked for."""
    failed = sa.select(PlatformKeys).where(PlatformKeys.platform_id.in_(platform_ids), PlatformKeys.error != "")
    return {
        each.platform_id: KeyTrouble(each.error, each.fetched_at + STALE_IF_ERROR if each.fetched_at else None)
        for each in session.scalars(failed)
    }
