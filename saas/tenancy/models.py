"""Global tables: the only rows of a tenant that are read before the tenant is known."""

from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from saas import clock
from saas.db.base import Base, named

#: The operator's own tenant: owner of the bare host.
OPERATOR = 0


class TenantStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


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
