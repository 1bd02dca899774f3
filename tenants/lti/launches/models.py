"""The launch log. A row is a conversation: made at the login, finished at the launch; its checks decided it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, PackedJson, named
from saas.db.scope import TenantScoped, belongs_to


class Outcome(StrEnum):
    """``waiting``: we sent the browser to the platform and it has not come back yet."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Protocol(StrEnum):
    """As people know them; what is sold as 1.2 says ``LTI-1p0`` on the wire."""

    LTI_12 = "1.2"
    LTI_13 = "1.3"


class Direction(StrEnum):
    """``in``: another LMS opens our activity. ``out``: we open an outside tool."""

    IN = "in"
    OUT = "out"


class Launch(TenantScoped, Base):
    """``state_hash`` and ``nonce`` are the single-use pair of the OIDC login; ``consumed_at`` says they are used up.

    No foreign keys: the log outlives what it speaks of. ``checks`` holds the lists of `tenants.lti.wire.checks` that
    decided, under "login" and "launch". ``login`` is what the platform sent to start, kept while it may be needed to
    start again in another window; ``login_shown`` and ``claims`` are redacted for people. Of an LTI 1.2 launch, which
    has no login, ``claims`` are its parameters, and ``platform_name`` is what we call its consumer.

    Of a launch of ours (``direction`` out), ``state_hash`` is of the ``lti_message_hint``, ``nonce`` the tool's,
    ``claims`` what we sent, ``platform_name`` the tool's name, and "login" and "launch" are the checks before we began
    and before we signed.
    """

    __tablename__ = "lti_launch"
    __table_args__ = (
        sa.UniqueConstraint("tenant_id", "state_hash"),
        sa.Index("ix_lti_launch_time", "tenant_id", "started_at"),
        sa.Index("ix_lti_launch_platform", "tenant_id", "platform_id", "started_at"),
        sa.Index("ix_lti_launch_consumer", "tenant_id", "consumer_key_id", "started_at"),
        sa.Index(
            "ix_lti_launch_tool_link",
            "tenant_id",
            "tool_link_id",
            "started_at",
            sqlite_where=sa.text("tool_link_id IS NOT NULL"),
            postgresql_where=sa.text("tool_link_id IS NOT NULL"),
        ),
        sa.Index(
            "ix_lti_launch_tool",
            "tenant_id",
            "tool_id",
            "started_at",
            sqlite_where=sa.text("tool_id IS NOT NULL"),
            postgresql_where=sa.text("tool_id IS NOT NULL"),
        ),
        # No index names a column that a launch changes, and there is room for all of it beside the login: PostgreSQL
        # then leaves all indexes alone (heap-only tuples), and puts nothing elsewhere.
        {"postgresql_with": {"fillfactor": 25, "toast_tuple_target": 8160}},
    )

    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[Outcome] = mapped_column(named(Outcome), default=Outcome.WAITING)
    code: Mapped[str] = mapped_column(default="")
    message_type: Mapped[str] = mapped_column(default="")
    protocol: Mapped[str] = mapped_column(default=Protocol.LTI_13.value, server_default=Protocol.LTI_13.value)

    direction: Mapped[Direction] = mapped_column(
        named(Direction), default=Direction.IN, server_default=Direction.IN.value
    )

    tool_id: Mapped[UUID | None]
    tool_link_id: Mapped[UUID | None]
    consumer_key_id: Mapped[UUID | None]
    platform_id: Mapped[UUID | None]
    platform_name: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID | None]
    person_name: Mapped[str] = mapped_column(default="")
    activity_id: Mapped[UUID | None]

    state_hash: Mapped[str | None]
    nonce: Mapped[str] = mapped_column(default="")
    consumed_at: Mapped[datetime | None]
    target: Mapped[str] = mapped_column(default="")
    login_deployment: Mapped[str] = mapped_column(default="")

    checks: Mapped[dict[str, Any]] = mapped_column(PackedJson, default=dict)
    login: Mapped[dict[str, Any]] = mapped_column(default=dict)
    login_shown: Mapped[dict[str, Any]] = mapped_column(default=dict)
    claims: Mapped[dict[str, Any]] = mapped_column(PackedJson, default=dict)
    browser: Mapped[dict[str, Any]] = mapped_column(default=dict)


class LaunchShare(TenantScoped, Base):
    """A link to one launch for people without an account here; whoever has it sees nothing about a person."""

    __tablename__ = "lti_launch_share"
    __table_args__ = (
        belongs_to("launch_id", "lti_launch"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_lti_launch_share_launch", "tenant_id", "launch_id"),
    )

    launch_id: Mapped[UUID]
    token_hash: Mapped[str]
    made_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
