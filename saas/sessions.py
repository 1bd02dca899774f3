"""Sessions in the database: an opaque token names a row, the row names the person and must carry the same tenant.

The browser holds 256 random bits; the row holds their SHA-256, so a copy of the table opens no session.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, table_of, uuid7
from saas.db.scope import ScopedSession, TenantScoped
from saas.db.statement import TENANT, ScopedStatement


class WebSession(TenantScoped, Base):
    """``subject_id`` is the person; ``origin`` says how they came (password, link, lti); ``about`` is the feature's."""

    __tablename__ = "web_session"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_web_session_subject", "tenant_id", "subject_id"),
        sa.Index("ix_web_session_expiry", "tenant_id", "expires_at"),
    )

    token_hash: Mapped[str]
    subject_id: Mapped[UUID]
    origin: Mapped[str]
    about: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class NewSession:
    """``token`` goes to the browser and nowhere else."""

    token: str
    id: UUID
    token_hash: str

    @classmethod
    def draw(cls) -> "NewSession":
        token = secrets.token_urlsafe(32)
        return cls(token, uuid7(), hash_token(token))


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def open_session(
    session: ScopedSession, subject_id: UUID, origin: str, lifetime: timedelta, about: dict[str, Any] | None = None
) -> NewSession:
    fresh = NewSession.draw()
    session.add(
        WebSession(
            id=fresh.id,
            token_hash=fresh.token_hash,
            subject_id=subject_id,
            origin=origin,
            about=about or {},
            expires_at=clock.now() + lifetime,
        )
    )
    return fresh


def close_session(session: ScopedSession, token: str) -> None:
    session.execute(sa.delete(WebSession).where(WebSession.token_hash == hash_token(token)))


def close_all(session: ScopedSession, subject_id: UUID, keep: UUID | None = None) -> None:
    """Ends every session of a person, at once (suspended, erased, changed role: ASVS 8.3.2), but ``keep``."""
    theirs = sa.delete(WebSession).where(WebSession.subject_id == subject_id)
    session.execute(theirs.where(WebSession.id != keep) if keep else theirs)


_table = table_of(WebSession)
#: The same as `open_session` for a launch.
OPEN_SESSION = ScopedStatement(
    "session.open",
    sa.insert(_table).values(
        tenant_id=TENANT,
        id=sa.bindparam("session_id"),
        token_hash=sa.bindparam("session_hash"),
        subject_id=sa.bindparam("subject"),
        origin=sa.bindparam("came_by"),
        about=sa.bindparam("session_about", type_=_table.c.about.type),
        created_at=sa.bindparam("at"),
        expires_at=sa.bindparam("until"),
    ),
)
