"""Global tables: the only rows of a tenant that are read before the tenant is known."""

import re
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named, uuid7

#: The operator's own tenant: owner of the bare host.
OPERATOR = 0
#: A host name as `Domain` keeps it.
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    #: Only the id stays, so that no other academy ever gets it.
    ERASED = "erased"


class Tenant(Base):
    __tablename__ = "tenant"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    status: Mapped[TenantStatus] = mapped_column(named(TenantStatus), default=TenantStatus.ACTIVE)
    locale: Mapped[str] = mapped_column(default="en")
    timezone: Mapped[str] = mapped_column(default="UTC")
    created_at: Mapped[datetime] = mapped_column(default=clock.now)

    domains: Mapped[list["Domain"]] = relationship(back_populates="tenant", order_by="Domain.host")
    features: Mapped[list["Feature"]] = relationship(order_by="Feature.name")

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR

    @property
    def host(self) -> str:
        """The primary host, the one public addresses are built from."""
        return next((domain.host for domain in self.domains if domain.is_primary), self.domains[0].host)

    def has(self, feature: str) -> bool:
        return any(each.name == feature and each.enabled for each in self.features)


class Domain(Base):
    """A host name, lower case, without port. Exactly one per tenant is primary; the others answer as aliases."""

    __tablename__ = "domain"
    __table_args__ = (
        sa.Index(
            "uq_domain_primary",
            "tenant_id",
            unique=True,
            sqlite_where=sa.text("is_primary"),
            postgresql_where=sa.text("is_primary"),
        ),
    )

    host: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenant.id"))
    is_primary: Mapped[bool] = mapped_column(default=False)

    tenant: Mapped[Tenant] = relationship(back_populates="domains")


class Feature(Base):
    """What the operator has switched on for a tenant, with the reason given at the last change."""

    __tablename__ = "feature"

    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenant.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(default="")
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)


class RequestState(StrEnum):
    OPEN = "open"
    GRANTED = "granted"
    DECLINED = "declined"


class FeatureRequest(Base):
    """A tenant's admin asks the operator to switch a feature on; one open request per tenant and feature.

    ``asked_by`` and ``answered_by`` are names as they were then; ``reason`` is the operator's answer.
    """

    __tablename__ = "feature_request"
    __table_args__ = (
        sa.Index("ix_feature_request_tenant", "tenant_id", "feature", "asked_at"),
        sa.Index(
            "uq_feature_request_open",
            "tenant_id",
            "feature",
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    tenant_id: Mapped[int] = mapped_column(sa.ForeignKey("tenant.id"))
    feature: Mapped[str]
    message: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str]
    asked_at: Mapped[datetime] = mapped_column(default=clock.now)
    state: Mapped[RequestState] = mapped_column(named(RequestState), default=RequestState.OPEN)
    reason: Mapped[str] = mapped_column(default="")
    answered_by: Mapped[str] = mapped_column(default="")
    answered_at: Mapped[datetime | None]

    tenant: Mapped[Tenant] = relationship()
