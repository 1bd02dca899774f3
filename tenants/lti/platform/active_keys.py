"""Signing keys as requests last found them: a request asks which one signs, but seldom for the key itself."""

from tenants.lti.keys import KeyRing
from tenants.lti.wire import jws


class ActiveKeys:
    """In ``runtime.parts``: each academy's signing key as it was last used; whether it still is one, a request asks."""

    def __init__(self) -> None:
        self._last: dict[int, jws.SigningKey] = {}

    def last(self, tenant_id: int) -> jws.SigningKey | None:
        return self._last.get(tenant_id)

    def load(self, keys: KeyRing, tenant_id: int) -> jws.SigningKey:
        """With no transaction open."""
        if len(self._last) > 10_000:
            self._last.clear()
        key = self._last[tenant_id] = keys.active(tenant_id)
        return key
