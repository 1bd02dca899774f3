"""What may be used once, or for a while, by an outside tool. Tokens are kept as hashes."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base
from saas.db.scope import TenantScoped, belongs_to


class ToolToken(TenantScoped, Base):
    """An access token for our services: good for its tool and scopes until ``expires_at``, or the tool is paused."""

    __tablename__ = "lti_tool_token"
    __table_args__ = (
        belongs_to("tool_id", "lti_tool"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_lti_tool_token_tool", "tenant_id", "tool_id"),
        sa.Index("ix_lti_tool_token_expiry", "tenant_id", "expires_at"),
    )

    tool_id: Mapped[UUID]
    token_hash: Mapped[str]
    scopes: Mapped[list[Any]]
    expires_at: Mapped[datetime]


class UsedOnce(TenantScoped, Base):
    """What a tool or a link has used up: the ``jti`` of an assertion, the nonce of an outcome or of a deep-link answer.

    ``owner`` says whose and which kind: ``jti:<tool id>``, ``nonce:<key>``, ``dl:<tool id>``. Kept while it could come
    again.
    """

    __tablename__ = "lti_used_once"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "owner", "value_hash"),
        sa.Index("ix_lti_used_once_expiry", "tenant_id", "expires_at"),
    )

    owner: Mapped[str]
    value_hash: Mapped[str]
    expires_at: Mapped[datetime]


class ToolInvitation(TenantScoped, Base):
    """A registration token handed to a tool's registration URL: one use, one hour; ``tool_id`` is what came of it.

    ``asked`` is what the tool said that the tool's row does not hold: its ``domain``, and as lists all the ``scopes``,
    ``claims`` and ``messages`` it named, granted or not.
    """

    __tablename__ = "lti_tool_invitation"
    __table_args__ = (
        belongs_to("tool_id", "lti_tool"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_lti_tool_invitation_tool", "tenant_id", "tool_id"),
    )

    token_hash: Mapped[str]
    url: Mapped[str]
    made_by: Mapped[str]
    tool_id: Mapped[UUID | None]
    asked: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_code: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ContentRequest(TenantScoped, Base):
    """Somebody of our staff is choosing content in a tool (Deep Linking 2.0 §3): one answer, one hour.

    ``data_hash`` is of the ``data`` we sent; the answer must bring it back, in the session of the same person.
    """

    __tablename__ = "lti_content_request"
    __table_args__ = (
        belongs_to("tool_id", "lti_tool"),
        belongs_to("course_id", "course"),
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "data_hash"),
        sa.Index("ix_lti_content_request_tool", "tenant_id", "tool_id"),
        sa.Index("ix_lti_content_request_course", "tenant_id", "course_id"),
        sa.Index("ix_lti_content_request_person", "tenant_id", "person_id"),
    )

    tool_id: Mapped[UUID]
    course_id: Mapped[UUID]
    person_id: Mapped[UUID]
    data_hash: Mapped[str]
    is_exam: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
