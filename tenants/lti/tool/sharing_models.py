"""What is under way with another LMS: invitations to connect, choices of activities, rosters being read."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.lti.launches.models import Protocol


class Invitation(TenantScoped, Base):
    """A link for the admin of another LMS: one platform comes of it, within 24 hours.

    ``platform_id`` is that platform; no foreign key, because the link outlives a platform our admin declined.
    ``product`` is a key of `setup_sheets.SHEETS`. ``checks`` and ``code`` tell the last try by dynamic registration.
    """

    __tablename__ = "lti_invitation"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "token_hash"),)

    token_hash: Mapped[str]
    made_by: Mapped[str]
    product: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    platform_id: Mapped[UUID | None]
    tried_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(default="")
    checks: Mapped[list[Any]] = mapped_column(default=list)


class Selection(TenantScoped, Base):
    """Somebody of another LMS is choosing activities for a course there: one answer, within one hour.

    ``offer`` holds the fields of `wire.selection.Offer`. LTI 1.3: ``platform_id`` and ``deployment_id`` say whom to
    answer; LTI 1.2: ``consumer_key_id`` names the key. ``activity_id``: nothing but this activity can be chosen.
    """

    __tablename__ = "lti_selection"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        belongs_to("consumer_key_id", "lti_consumer_key"),
        sa.UniqueConstraint("tenant_id", "token_hash"),
        sa.Index("ix_lti_selection_platform", "tenant_id", "platform_id"),
        sa.Index("ix_lti_selection_consumer", "tenant_id", "consumer_key_id"),
        sa.Index("ix_lti_selection_expiry", "tenant_id", "expires_at"),
    )

    token_hash: Mapped[str]
    protocol: Mapped[Protocol] = mapped_column(named(Protocol))
    platform_id: Mapped[UUID | None]
    deployment_id: Mapped[str] = mapped_column(default="")
    consumer_key_id: Mapped[UUID | None]
    activity_id: Mapped[UUID | None]
    launch_id: Mapped[UUID | None]
    lms_name: Mapped[str] = mapped_column(default="")
    offer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]


class PullState(StrEnum):
    """``reading`` until the last page is here; ``ready`` waits for an admin; ``enrolling`` until ``done``."""

    READING = "reading"
    READY = "ready"
    FAILED = "failed"
    ENROLLING = "enrolling"
    DONE = "done"


class RosterPull(TenantScoped, Base):
    """One reading of a course's roster. ``next_url`` is where it goes on; ``entries`` counts what was read so far."""

    __tablename__ = "lti_roster_pull"
    __table_args__ = (
        belongs_to("resource_link_id", "lti_resource_link"),
        sa.Index("ix_lti_roster_pull_link", "tenant_id", "resource_link_id", "started_at"),
    )

    resource_link_id: Mapped[UUID]
    asked_by: Mapped[str]
    state: Mapped[PullState] = mapped_column(named(PullState), default=PullState.READING)
    code: Mapped[str] = mapped_column(default="")
    cause: Mapped[str] = mapped_column(default="")
    next_url: Mapped[str] = mapped_column(default="")
    pages: Mapped[int] = mapped_column(default=0)
    entries: Mapped[int] = mapped_column(default=0)
    passed_over: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]


class Change(StrEnum):
    """What a member of the roster means here, in the order of the preview.

    The first three are enrolled on request; of the others nothing changes. ``asks`` and ``unknown``: the policy of the
    platform asks newcomers to sign in, or takes nobody without an account; ``placeholder``: many bring that address.
    """

    CREATE = "create"
    MATCH = "match"
    ENROL = "enrol"
    ENROLLED = "enrolled"
    WITHOUT_EMAIL = "without-email"
    WITHOUT_NAME = "without-name"
    CONFLICT = "conflict"
    STAFF = "staff"
    CLOSED = "closed"
    INACTIVE = "inactive"
    ASKS = "asks"
    UNKNOWN = "unknown"
    PLACEHOLDER = "placeholder"


class RosterEntry(TenantScoped, Base):
    """A member as the platform told it, what that changes, and what came of it (``code`` of a refusal)."""

    __tablename__ = "lti_roster_entry"
    __table_args__ = (
        belongs_to("pull_id", "lti_roster_pull"),
        sa.UniqueConstraint("tenant_id", "pull_id", "sub"),
        sa.Index("ix_lti_roster_entry_change", "tenant_id", "pull_id", "change"),
    )

    pull_id: Mapped[UUID]
    sub: Mapped[str]
    given_name: Mapped[str] = mapped_column(default="")
    family_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str] = mapped_column(default="")
    change: Mapped[Change] = mapped_column(named(Change))
    enrolled_at: Mapped[datetime | None]
    code: Mapped[str] = mapped_column(default="")
