"""Our own RSA keys, shared by both roles."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped


class KeyState(StrEnum):
    """``next`` is published but not yet used; ``active`` signs; ``retired`` is published until nobody can need it."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class SigningKey(TenantScoped, Base):
    __tablename__ = "lti_signing_key"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "kid"),)

    kid: Mapped[str]
    state: Mapped[KeyState] = mapped_column(named(KeyState))
    public_jwk: Mapped[dict[str, Any]]
    sealed_private: Mapped[str] = mapped_column(info={"sealed": "lti.signing_key"})
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
