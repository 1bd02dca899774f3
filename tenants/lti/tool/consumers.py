"""Keys of LTI 1.2: made, shown on demand, rotated with an overlap, switched off."""

import secrets as random
import string
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.secrets import Secrets
from tenants.catalog.models import Activity
from tenants.lti.tool.models11 import ConsumerKey

PURPOSE = "lti.consumer_secret"
#: The previous secret stays good this long, so that the other admin has time to paste the new one.
OVERLAP = timedelta(days=7)
#: Letters and digits only: nothing an LMS would escape, trim or take for markup.
ALPHABET = string.ascii_letters + string.digits
KEY_LENGTH, SECRET_LENGTH = 20, 40


class Sealed(Protocol):
    """A `ConsumerKey`, or its row."""

    @property
    def sealed_secret(self) -> Any: ...
    @property
    def sealed_previous(self) -> Any: ...
    @property
    def previous_until(self) -> Any: ...
    @property
    def current_used(self) -> Any: ...


def secrets_of(secrets: Secrets, tenant_id: int, row: Sealed, now: datetime) -> tuple[str, ...]:
    """The current secret, then the previous one while both are good."""
    sealed = [row.sealed_secret, *([row.sealed_previous] if _overlaps(row, now) else [])]
    return tuple(secrets.open(tenant_id, PURPOSE, each).decode() for each in sealed)


def signing_secret(secrets: Secrets, tenant_id: int, row: Sealed, now: datetime) -> str:
    """What the other LMS will verify our requests with: the previous one until it has launched with the current."""
    known = secrets_of(secrets, tenant_id, row, now)
    return known[0] if row.current_used else known[-1]


def _overlaps(row: Sealed, now: datetime) -> bool:
    return bool(row.sealed_previous and row.previous_until and row.previous_until > now)


def _draw(length: int) -> str:
    return "".join(random.choice(ALPHABET) for _ in range(length))


class Consumers:
    """``session`` is the academy's."""

    def __init__(self, session: ScopedSession, secrets: Secrets) -> None:
        self.session = session
        self.secrets = secrets

    def all(self) -> Sequence[ConsumerKey]:
        query = sa.select(ConsumerKey).options(selectinload(ConsumerKey.activity))
        return self.session.scalars(query.order_by(ConsumerKey.created_at, ConsumerKey.id)).all()

    def of_activity(self, activity_id: UUID) -> Sequence[ConsumerKey]:
        """Oldest first: the first is the one the switch made."""
        query = sa.select(ConsumerKey).where(ConsumerKey.activity_id == activity_id)
        return self.session.scalars(query.order_by(ConsumerKey.created_at, ConsumerKey.id)).all()

    def get(self, consumer_id: UUID) -> ConsumerKey:
        consumer = self.session.get(ConsumerKey, consumer_id)
        if consumer is None:
            raise Refused("WEB_NOT_FOUND")
        return consumer

    def ensure(self, activity: Activity) -> ConsumerKey | None:
        """The key an activity has from the moment it is shared; None when it has one already."""
        return None if self.of_activity(activity.id) else self.create(activity)

    def create(self, activity: Activity, name: str = "") -> ConsumerKey:
        """``name`` is the consumer's, where a key is for one of them only. `Refused` MEETING_NOT_SHARED."""
        if activity.is_meeting:
            raise Refused("MEETING_NOT_SHARED", seen=activity.title)
        consumer = ConsumerKey(
            activity_id=activity.id, name=name, key=_draw(KEY_LENGTH), sealed_secret=self._new_secret()
        )
        self.session.add(consumer)
        self.session.flush()
        return consumer

    def reveal(self, consumer: ConsumerKey) -> str:
        return self.secrets.open(self.session.tenant_id, PURPOSE, consumer.sealed_secret).decode()

    def rotate(self, consumer: ConsumerKey, *, at_once: bool = False) -> None:
        """A new secret; what the other LMS signs with stays good for `OVERLAP`, unless ``at_once``.

        Rotated twice before the other LMS took the new one over, it still signs with the oldest: that one stays.
        """
        now = clock.now()
        if at_once:
            consumer.sealed_previous = consumer.previous_until = None
        else:
            if consumer.current_used or not _overlaps(consumer, now):
                consumer.sealed_previous = consumer.sealed_secret
            consumer.previous_until = now + OVERLAP
        consumer.sealed_secret, consumer.current_used = self._new_secret(), False

    def switch(self, consumer: ConsumerKey, *, on: bool) -> None:
        consumer.is_active = on

    def _new_secret(self) -> str:
        return self.secrets.seal(self.session.tenant_id, PURPOSE, _draw(SECRET_LENGTH).encode())
