"""We are the tool: the outside LMSs (platforms) that may open our activities, and what we know through them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from saas import clock
from saas.db.base import Base
from saas.db.scope import TenantScoped, belongs_to
from tenants.lti.tool.people_models import PeoplePolicy


class Platform(PeoplePolicy, TenantScoped, Base):
    """An LTI 1.3 registration. Keys come from ``jwks_url`` or were pasted. ``version`` changes with every edit.

    ``approved_at`` empty: the other side registered itself and our admin has not said yes; it cannot be activated.
    """

    __tablename__ = "lti_platform"
    __table_args__ = (sa.UniqueConstraint("tenant_id", "issuer", "client_id"),)

    name: Mapped[str]
    issuer: Mapped[str]
    client_id: Mapped[str]
    auth_url: Mapped[str]
    token_url: Mapped[str]
    token_audience: Mapped[str] = mapped_column(default="")
    jwks_url: Mapped[str] = mapped_column(default="")
    pasted_key: Mapped[str] = mapped_column(default="")
    accept_new_deployments: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=False)
    approved_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    changed_at: Mapped[datetime] = mapped_column(default=clock.now, onupdate=clock.now)

    deployments: Mapped[list["Deployment"]] = relationship(
        primaryjoin=lambda: sa.and_(
            Platform.id == foreign(Deployment.platform_id), Deployment.accepted_at.is_not(None)
        ),
        order_by=lambda: Deployment.created_at,
        passive_deletes=True,
        cascade="save-update, merge, delete, delete-orphan",
    )


class PlatformKeys(TenantScoped, Base):
    """The key set last fetched from a platform: kept while its server is away, refetched at most twice a minute."""

    __tablename__ = "lti_platform_keys"
    __table_args__ = (belongs_to("platform_id", "lti_platform"), sa.UniqueConstraint("tenant_id", "platform_id"))

    platform_id: Mapped[UUID]
    document: Mapped[str] = mapped_column(default="")
    fetched_at: Mapped[datetime | None]
    tried_at: Mapped[datetime]
    error: Mapped[str] = mapped_column(default="")


class Deployment(TenantScoped, Base):
    """Accepted, or a question to our admin (neither accepted nor declined; `tenants.lti.tool.questions`).

    ``is_proven``: a signed token named it, not only a login, which anybody can send.
    """

    __tablename__ = "lti_deployment"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        sa.UniqueConstraint("tenant_id", "platform_id", "deployment_id"),
    )

    platform_id: Mapped[UUID]
    deployment_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    accepted_at: Mapped[datetime | None]
    declined_at: Mapped[datetime | None]
    is_proven: Mapped[bool] = mapped_column(default=True)


class Identity(TenantScoped, Base):
    """(issuer, sub) → person. ``sub`` is stored exactly and compared byte for byte.

    ``made_author``: the connection says that its staff are authors here, and so made the person one.
    """

    __tablename__ = "lti_identity"
    __table_args__ = (
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "issuer", "sub"),
        sa.Index("ix_lti_identity_person", "tenant_id", "person_id"),
    )

    issuer: Mapped[str]
    sub: Mapped[str]
    person_id: Mapped[UUID]
    made_author: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)


class ResourceLink(TenantScoped, Base):
    """A link in a course of the platform that opens one of our activities, with its grade column's addresses.

    ``memberships_url`` is where the roster of the course is read (NRPS), empty where the platform offers none.
    ``line_item`` is the column to use, from the claim or found or created by us; ``claimed_at`` is the lease of the
    one job that may create it.
    """

    __tablename__ = "lti_resource_link"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        belongs_to("activity_id", "activity"),
        sa.UniqueConstraint(
            "tenant_id",
            "platform_id",
            "deployment_id",
            "resource_link_id",
            "activity_id",
            name="uq_lti_resource_link_key",
        ),
        sa.Index("ix_lti_resource_link_activity", "tenant_id", "activity_id"),
    )

    platform_id: Mapped[UUID]
    deployment_id: Mapped[str]
    resource_link_id: Mapped[str]
    activity_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(default="")
    context_id: Mapped[str] = mapped_column(default="")
    context_title: Mapped[str] = mapped_column(default="")
    line_item: Mapped[str] = mapped_column(default="")
    line_items: Mapped[str] = mapped_column(default="")
    memberships_url: Mapped[str] = mapped_column(default="")
    scopes: Mapped[list[Any]] = mapped_column(default=list)
    claimed_at: Mapped[datetime | None]
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)

    platform: Mapped[Platform] = relationship(
        primaryjoin=lambda: foreign(ResourceLink.platform_id) == Platform.id, viewonly=True
    )


class Participant(TenantScoped, Base):
    """Whose score goes to which link, under which ``sub``. Its id is the ``route_id`` of a score delivery."""

    __tablename__ = "lti_participant"
    __table_args__ = (
        belongs_to("resource_link_id", "lti_resource_link"),
        belongs_to("person_id", "person"),
        sa.UniqueConstraint("tenant_id", "resource_link_id", "person_id"),
        sa.Index("ix_lti_participant_person", "tenant_id", "person_id"),
    )

    resource_link_id: Mapped[UUID]
    person_id: Mapped[UUID]
    sub: Mapped[str]
    last_timestamp: Mapped[datetime | None]

    link: Mapped[ResourceLink] = relationship(
        primaryjoin=lambda: foreign(Participant.resource_link_id) == ResourceLink.id, viewonly=True
    )


class AccessToken(TenantScoped, Base):
    """A platform's token for a set of scopes, sealed; used until a minute before it ends."""

    __tablename__ = "lti_access_token"
    __table_args__ = (
        belongs_to("platform_id", "lti_platform"),
        sa.UniqueConstraint("tenant_id", "platform_id", "scopes"),
    )

    platform_id: Mapped[UUID]
    scopes: Mapped[str]
    sealed: Mapped[str] = mapped_column(info={"sealed": "lti.access_token"})
    expires_at: Mapped[datetime]
