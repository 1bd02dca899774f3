"""Host name → tenant, before anything else. An unknown host is nobody's: there is no default tenant."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas.db.engine import Database
from saas.settings import WebSettings
from saas.tenancy.models import HOST, OPERATOR, Domain, Tenant, TenantStatus

#: Another process may change a tenant; this is how long an answer may be old (ASVS 8.3.2: seconds, not minutes).
CACHE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Academy:
    """A tenant as requests and jobs see it. ``url`` is the public address without a trailing slash."""

    id: int
    slug: str
    name: str
    host: str
    hosts: frozenset[str]
    url: str
    active: bool
    features: frozenset[str]
    locale: str
    timezone: str

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR

    def has(self, feature: str) -> bool:
        return feature in self.features


def public_url(host: str, web: WebSettings) -> str:
    """Public addresses come from configuration, never from request headers."""
    standard = web.port in (0, 443 if web.scheme == "https" else 80)
    return f"{web.scheme}://{host}" if standard else f"{web.scheme}://{host}:{web.port}"


def public_urls(academy: Academy, web: WebSettings) -> list[str]:
    """All addresses of one academy: the one we give out, then its other hosts."""
    return [academy.url, *sorted(public_url(host, web) for host in academy.hosts - {academy.host})]


def bare_host(header: str) -> str:
    """The ``Host`` header without port, final dot and letter case; empty when it is no host name."""
    name, _, port = header.lower().partition(":")
    host = name.removesuffix(".")
    return host if HOST.fullmatch(host) and (not port or port.isdecimal()) else ""


class Tenants:
    """Looks tenants up by host or id, remembering answers (also "unknown") for `CACHE_SECONDS`."""

    def __init__(self, database: Database, web: WebSettings) -> None:
        self._database = database
        self._web = web
        self._lock = threading.Lock()
        self._answers: dict[str | int, tuple[float, Academy | None]] = {}

    def by_host(self, header: str) -> Academy | None:
        host = bare_host(header)
        if not host:
            return None
        return self._remembered(
            host, lambda: Tenant.id == sa.select(Domain.tenant_id).where(Domain.host == host).scalar_subquery()
        )

    def by_id(self, tenant_id: int) -> Academy | None:
        return self._remembered(tenant_id, lambda: Tenant.id == tenant_id)

    def forget(self) -> None:
        """After a change in this process; others notice within `CACHE_SECONDS`."""
        with self._lock:
            self._answers.clear()

    def _remembered(self, key: str | int, condition: Callable[[], sa.ColumnElement[bool]]) -> Academy | None:
        answer = self._answers.get(key)
        if answer is None or answer[0] < time.monotonic():
            answer = (time.monotonic() + CACHE_SECONDS, self._load(condition()))
            with self._lock:
                if len(self._answers) > 10_000:
                    self._answers.clear()
                self._answers[key] = answer
        return answer[1]

    def _load(self, condition: sa.ColumnElement[bool]) -> Academy | None:
        query = sa.select(Tenant).where(condition)
        with self._database.shell(write=False) as session:
            tenant = session.scalar(query.options(selectinload(Tenant.domains), selectinload(Tenant.features)))
            return academy(tenant, self._web) if tenant is not None and tenant.domains else None


def academy(tenant: Tenant, web: WebSettings) -> Academy:
    return Academy(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        host=tenant.host,
        hosts=frozenset(domain.host for domain in tenant.domains),
        url=public_url(tenant.host, web),
        active=tenant.status is TenantStatus.ACTIVE,
        features=frozenset(feature.name for feature in tenant.features if feature.enabled),
        locale=tenant.locale,
        timezone=tenant.timezone,
    )
