"""Registrations as launches use them: parsed once per version and process; a launch asks for the version only."""

import threading
from dataclasses import dataclass
from uuid import UUID

from saas.db.hot import HotConnection
from tenants.lti.tool.keysets import KeySource
from tenants.lti.tool.policy import Policy
from tenants.lti.tool.statements import FIND_PLATFORMS, LOAD_DEPLOYMENTS, LOAD_PLATFORM
from tenants.lti.wire.registration import Registration


@dataclass(frozen=True, slots=True)
class KnownPlatform:
    """One version of a platform. ``wire`` is what its tokens are judged against."""

    id: UUID
    version: int
    name: str
    is_active: bool
    auth_url: str
    keys: KeySource
    wire: Registration
    policy: Policy


class Registrations:
    def __init__(self) -> None:
        self._known: dict[tuple[int, UUID], KnownPlatform] = {}
        self._lock = threading.Lock()

    def get(self, connection: HotConnection, platform_id: UUID, version: int) -> KnownPlatform | None:
        """None when the platform is gone. Reads it at most once per version."""
        known = self._known.get((connection.tenant_id, platform_id))
        if known is not None and known.version == version:
            return known
        loaded = _load(connection, platform_id)
        if loaded is not None:
            with self._lock:
                if len(self._known) > 20_000:
                    self._known.clear()
                self._known[connection.tenant_id, platform_id] = loaded
        return loaded


def _load(connection: HotConnection, platform_id: UUID) -> KnownPlatform | None:
    row = connection.run(LOAD_PLATFORM, platform=platform_id).one_or_none()
    if row is None:
        return None
    deployments = connection.run(LOAD_DEPLOYMENTS, platform=platform_id)
    siblings = connection.run(FIND_PLATFORMS, issuer=row.issuer)
    return KnownPlatform(
        id=row.id,
        version=row.version,
        name=row.name,
        is_active=row.is_active,
        auth_url=row.auth_url,
        keys=KeySource(connection.tenant_id, row.id, row.version, row.jwks_url, row.pasted_key),
        wire=Registration(
            issuer=row.issuer,
            client_id=row.client_id,
            deployments=frozenset(each.deployment_id for each in deployments),
            accept_new_deployments=row.accept_new_deployments,
            sibling_clients=frozenset(each.client_id for each in siblings if each.id != row.id),
        ),
        policy=Policy.of(row),
    )
