"""Our own RSA keys, shared by both roles."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to


class KeyState(StrEnum):
    """``next`` is published but not yet used; ``active`` signs; ``retired`` is published until nobody can need it.

    The database keeps two workers that rotate at the same moment from making two of either.
    """

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"


class SigningKey(TenantScoped, Base):
    __tablename__ = "lti_signing_key"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "kid"),
        sa.Index(
            "uq_lti_signing_key_current",
            "tenant_id",
            "state",
            unique=True,
            sqlite_where=sa.text("state != 'retired'"),
            postgresql_where=sa.text("state != 'retired'"),
        ),
    )

    kid: Mapped[str]
    state: Mapped[KeyState] = mapped_column(named(KeyState))
    public_jwk: Mapped[dict[str, Any]]
    sealed_private: Mapped[str] = mapped_column(info={"sealed": "lti.signing_key"})
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    activated_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class PastedKey(TenantScoped, Base):
    """A platform whose admin pasted our public key ``kid`` instead of our JWKS URL: rotations must be told there."""

    __tablename__ = "lti_pasted_key"
    __table_args__ = (belongs_to("platform_id", "lti_platform"), sa.UniqueConstraint("tenant_id", "platform_id"))

    platform_id: Mapped[UUID]
    kid: Mapped[str]
    noted_at: Mapped[datetime] = mapped_column(default=clock.now)
