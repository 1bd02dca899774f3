"""Who did what: append-only lines an academy's admin can read."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base
from saas.db.scope import TenantScoped


class AuditEntry(TenantScoped, Base):
    """``actor`` is a name as it was then; ``about`` holds ids and old and new values, never secrets."""

    __tablename__ = "audit_entry"
    __table_args__ = (sa.Index("ix_audit_entry_time", "tenant_id", "at"),)

    at: Mapped[datetime] = mapped_column(default=clock.now)
    actor_id: Mapped[UUID | None]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str] = mapped_column(default="")
    about: Mapped[dict[str, Any]] = mapped_column(default=dict)
