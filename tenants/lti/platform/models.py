"""The outside tools of an academy, the activities that are theirs, and what they keep and say about people here."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named
from saas.db.scope import TenantScoped, belongs_to
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Protocol
from tenants.lti.wire import ags


class OpensIn(StrEnum):
    """Presentation document target (LTI 1.3 Core §5.4.4), in the values of the claim."""

    FRAME = "iframe"
    WINDOW = "window"


class ToolKind(StrEnum):
    """Whose pages look after a registration: ours for tools, or those of a feature that is built on one."""

    LTI = "lti"
    ZOOM = "zoom"


class Tool(TenantScoped, Base):
    """An LTI 1.3 registration of a tool with us. Keys come from ``jwks_url`` or were pasted; ``version`` changes with
    every edit. ``client_id`` and ``deployment_id`` are ours and never change.

    ``approved_at`` empty: the tool registered itself and our admin has not said yes; it cannot be activated.
    ``custom`` is a list of ``[name, value]`` sent with every launch of the tool. ``scopes`` are the services granted.
    """

    __tablename__ = "lti_tool"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "client_id"),)

    kind: Mapped[ToolKind] = mapped_column(named(ToolKind), default=ToolKind.LTI)
    name: Mapped[str]
    client_id: Mapped[str]
    deployment_id: Mapped[str]
    login_url: Mapped[str]
    target_url: Mapped[str] = mapped_column(default="")
    deep_link_url: Mapped[str] = mapped_column(default="")
    jwks_url: Mapped[str] = mapped_column(default="")
    pasted_key: Mapped[str] = mapped_column(default="")
    redirect_urls: Mapped[list[Any]] = mapped_column(default=list)
    icon_url: Mapped[str] = mapped_column(default="")
    custom: Mapped[list[Any]] = mapped_column(default=list)
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    send_name: Mapped[bool] = mapped_column(default=True)
    send_email: Mapped[bool] = mapped_column(default=True)
    is_active: Mapped[bool] = mapped_column(default=False)
    approved_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    @property
    def is_graded(self) -> bool:
        """Whether any of the Assignment and Grade Services was granted."""
        return any(scope in ags.SCOPES for scope in self.scopes)


class ToolKeys(TenantScoped, Base):
    """The key set last fetched from a tool, under the same rules as a platform's."""

    __tablename__ = "lti_tool_keys"
    __table_args__ = (belongs_to("tool_id", "lti_tool"), sa.UniqueConstraint("tenant_id", "tool_id"))

    tool_id: Mapped[UUID]
    document: Mapped[str] = mapped_column(default="")
    fetched_at: Mapped[datetime | None]
    tried_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(default="")


class ToolLink(TenantScoped, Base):
    """What an activity with ``content`` LTI opens: one per activity, in either version.

    1.3: ``tool_id`` and ``url``, the Resource URL. 1.2: ``key``, secret and ``url``, the Launch-URL, and its own
    privacy switches; a rotated secret stays good for results until ``previous_until``. ``resource_link_id`` names the
    link to the tool; a copied activity gets a new one. ``custom`` is a list of ``[name, value]``, the "additional
    parameters". Results that come after ``results_until`` are not taken.
    """

    __tablename__ = "lti_tool_link"
    __table_args__ = (
        belongs_to("activity_id", "activity"),
        belongs_to("tool_id", "lti_tool"),
        sa.UniqueConstraint("tenant_id", "activity_id"),
        sa.UniqueConstraint("tenant_id", "resource_link_id"),
        sa.Index("ix_lti_tool_link_tool", "tenant_id", "tool_id"),
        sa.Index("ix_lti_tool_link_key", "tenant_id", "key"),
    )

    activity_id: Mapped[UUID]
    lti_version: Mapped[Protocol] = mapped_column(named(Protocol))
    tool_id: Mapped[UUID | None]
    url: Mapped[str] = mapped_column(default="")
    resource_link_id: Mapped[str]
    key: Mapped[str] = mapped_column(default="")
    sealed_secret: Mapped[str] = mapped_column(default="", info={"sealed": "lti.tool_secret"})
    sealed_previous: Mapped[str | None] = mapped_column(info={"sealed": "lti.tool_secret"})
    previous_until: Mapped[datetime | None]
    send_name: Mapped[bool] = mapped_column(default=True)
    send_email: Mapped[bool] = mapped_column(default=True)
    custom: Mapped[list[Any]] = mapped_column(default=list)
    opens_in: Mapped[OpensIn] = mapped_column(named(OpensIn), default=OpensIn.FRAME)
    results_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    activity: Mapped[Activity] = relationship(
        primaryjoin=lambda: foreign(ToolLink.activity_id) == Activity.id, viewonly=True
    )
    tool: Mapped[Tool | None] = relationship(primaryjoin=lambda: foreign(ToolLink.tool_id) == Tool.id, viewonly=True)

    @property
    def tool_name(self) -> str:
        """What the tool is called on screen: by its registration, or with 1.2 by its host."""
        if self.tool_id is None or self.tool is None:
            return urlsplit(self.url).hostname or self.key
        return self.tool.name


class ToolUser(TenantScoped, Base):
    """A person as one tool knows them: a random ``sub``, never ours. ``audience`` is ``tool:<id>``, or for LTI 1.2
    ``key:<key>@<origin of the launch URL>``, so that two links of one vendor know the same person.

    ``consented`` lists what the person agreed to send (`tenants.lti.wire.shares`); it is asked again when more is sent.
    """

    __tablename__ = "lti_tool_user"
    __table_args__ = (
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "audience", "person_id"),
        sa.UniqueConstraint("tenant_id", "audience", "sub"),
        sa.Index("ix_lti_tool_user_person", "tenant_id", "person_id"),
    )

    audience: Mapped[str]
    person_id: Mapped[UUID]
    sub: Mapped[str]
    consented: Mapped[list[Any]] = mapped_column(default=list)
    consented_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class LineItem(TenantScoped, Base):
    """A grade column of a tool's course here (AGS 2.0 §3.2). ``is_coupled``: ours, made with the link; the tool may
    neither delete nor move it. A score in it counts for the link's activity; in one without a link it is only kept.
    """

    __tablename__ = "lti_line_item"
    __table_args__ = (
        belongs_to("tool_id", "lti_tool"),
        belongs_to("course_id", "course"),
        belongs_to("tool_link_id", "lti_tool_link"),
        sa.Index("ix_lti_line_item_course", "tenant_id", "course_id", "tool_id"),
        sa.Index("ix_lti_line_item_tool", "tenant_id", "tool_id"),
        sa.Index("ix_lti_line_item_link", "tenant_id", "tool_link_id"),
    )

    tool_id: Mapped[UUID]
    course_id: Mapped[UUID]
    tool_link_id: Mapped[UUID | None]
    is_coupled: Mapped[bool] = mapped_column(default=False)
    label: Mapped[str]
    maximum: Mapped[Decimal]
    resource_id: Mapped[str] = mapped_column(default="")
    tag: Mapped[str] = mapped_column(default="")
    starts_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    submission_review: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)


class ReceivedScore(TenantScoped, Base):
    """The newest score of a person in a column as the tool said it; ``given`` and ``maximum`` are decimals in text.

    ``said_at`` is the tool's time: only a later one replaces it (AGS 2.0 §3.4).
    """

    __tablename__ = "lti_received_score"
    __table_args__ = (
        belongs_to("line_item_id", "lti_line_item"),
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "line_item_id", "person_id"),
        sa.Index("ix_lti_received_score_person", "tenant_id", "person_id"),
    )

    line_item_id: Mapped[UUID]
    person_id: Mapped[UUID]
    given: Mapped[str | None]
    maximum: Mapped[str | None]
    activity_progress: Mapped[str]
    grading_progress: Mapped[str]
    comment: Mapped[str] = mapped_column(default="")
    said_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=clock.now)


class ServiceCall(TenantScoped, Base):
    """The log of what tools asked of our services, accepted or refused. No foreign keys: it outlives what it speaks of.

    ``service`` is a word of `tenants.lti.platform.log.Service`; ``code`` is empty for what was done.
    ``seen`` is redacted and says what came.
    """

    __tablename__ = "lti_service_call"
    __table_args__ = (
        sa.Index("ix_lti_service_call_time", "tenant_id", "at"),
        sa.Index("ix_lti_service_call_tool", "tenant_id", "tool_id", "at"),
        sa.Index("ix_lti_service_call_link", "tenant_id", "tool_link_id", "at"),
    )

    at: Mapped[datetime] = mapped_column(default=clock.now)
    service: Mapped[str]
    tool_id: Mapped[UUID | None]
    tool_link_id: Mapped[UUID | None]
    tool_name: Mapped[str] = mapped_column(default="")
    person_id: Mapped[UUID | None]
    status: Mapped[int]
    code: Mapped[str] = mapped_column(default="")
    seen: Mapped[str] = mapped_column(default="")
