"""Creating, suspending and resuming academies, and what the operator switches on for them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from saas import clock
from saas.problems import Refused
from saas.settings import WebSettings
from saas.tenancy.models import HOST, OPERATOR, Domain, Feature, Tenant, TenantStatus

SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")
#: What the operator can switch per academy.
FEATURES = ("lti", "zoom")


@dataclass(frozen=True, slots=True)
class TenantCreated:
    """Announced in the new tenant's own session, so that features can furnish it."""

    name: str
    admin_email: str


def _academies() -> sa.Select[Tenant]:
    return sa.select(Tenant).where(Tenant.id != OPERATOR, Tenant.status != TenantStatus.ERASED)


class Lifecycle:
    """``session`` is on the shell's tables."""

    def __init__(self, session: Session, web: WebSettings) -> None:
        self.session = session
        self.web = web

    def all(self) -> Sequence[Tenant]:
        loaded = (selectinload(Tenant.domains), selectinload(Tenant.features))
        return self.session.scalars(_academies().options(*loaded).order_by(Tenant.slug)).all()

    def by_slug(self, slug: str) -> Tenant:
        tenant = self.session.scalar(_academies().where(Tenant.slug == slug))
        if tenant is None:
            raise Refused("TENANT_UNKNOWN", seen=slug)
        return tenant

    def create(self, slug: str, name: str, hosts: Sequence[str] = ()) -> Tenant:
        """A new academy at ``<slug>.<bare host>`` and at each of ``hosts``; the first of those is primary."""
        slug, name = slug.strip().lower(), name.strip()
        if not SLUG.fullmatch(slug):
            raise Refused("TENANT_SLUG", seen=slug)
        if not name:
            raise Refused("TENANT_NAME")
        if self.session.scalar(sa.select(Tenant.id).where(Tenant.slug == slug)) is not None:
            raise Refused("TENANT_EXISTS", seen=slug)
        highest = self.session.scalar(sa.select(sa.func.max(Tenant.id))) or 0
        tenant = Tenant(id=highest + 1, slug=slug, name=name)
        self.session.add(tenant)
        self.session.flush()  # a taken id or slug shows here, before the domains
        own = [host.strip().lower() for host in hosts]
        for host in (*own, f"{slug}.{self.web.host}"):
            self._add_host(tenant, host)
        tenant.domains[0].is_primary = True
        return tenant

    def _add_host(self, tenant: Tenant, host: str) -> None:
        if not HOST.fullmatch(host) or host == self.web.host:
            raise Refused("TENANT_HOST", seen=host)
        if self.session.get(Domain, host) is not None:
            raise Refused("TENANT_HOST_TAKEN", seen=host)
        tenant.domains.append(Domain(host=host))
        self.session.flush()

    def ensure_operator(self) -> Tenant:
        """The operator's tenant, at the bare host of the settings."""
        tenant = self.session.get(Tenant, OPERATOR)
        if tenant is None:
            tenant = Tenant(id=OPERATOR, slug="operator", name="Lyceum")
            self.session.add(tenant)
        if [domain.host for domain in tenant.domains] != [self.web.host]:
            tenant.domains[:] = []
            self.session.execute(sa.delete(Domain).where(Domain.tenant_id == OPERATOR))
            self.session.flush()
            tenant.domains.append(Domain(host=self.web.host, is_primary=True))
            self.session.flush()
        return tenant

    def bury(self, tenant: Tenant) -> None:
        """What is left of an erased academy: its id, which seals and tokens were bound to."""
        for table in (Domain, Feature):
            self.session.execute(sa.delete(table).where(table.tenant_id == tenant.id))
        tenant.slug, tenant.name, tenant.status = f"erased-{tenant.id}", "", TenantStatus.ERASED

    def discard(self, tenant_id: int) -> None:
        """Takes back a tenant that was never furnished."""
        for table in (Domain, Feature):
            self.session.execute(sa.delete(table).where(table.tenant_id == tenant_id))
        self.session.execute(sa.delete(Tenant).where(Tenant.id == tenant_id))

    def suspend(self, slug: str) -> Tenant:
        tenant = self.by_slug(slug)
        tenant.status = TenantStatus.SUSPENDED
        return tenant

    def resume(self, slug: str) -> Tenant:
        tenant = self.by_slug(slug)
        tenant.status = TenantStatus.ACTIVE
        return tenant

    def switch(self, slug: str, name: str, *, on: bool, reason: str = "") -> Feature:
        if name not in FEATURES:
            raise Refused("FEATURE_UNKNOWN", seen=name, wanted=", ".join(FEATURES))
        tenant = self.by_slug(slug)
        feature = self.session.get(Feature, (tenant.id, name))
        if feature is None:
            feature = Feature(tenant_id=tenant.id, name=name)
            self.session.add(feature)
        feature.enabled, feature.reason, feature.changed_at = on, reason.strip(), clock.now()
        return feature
