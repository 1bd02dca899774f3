"""Signing keys as requests last found them: a request asks which one signs, but seldom for the key itself."""

from tenants.lti.keys import KeyRing
from tenants.lti.wire import jws


class ActiveKeys:
    """In ``runtime.parts``; by academy and ``kid``. Whether a key still is the one that signs, a request asks."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, str], jws.SigningKey] = {}

    def held(self, tenant_id: int, kid: str | None) -> jws.SigningKey | None:
        """``kid`` None: the academy has no key yet."""
        return self._held.get((tenant_id, kid)) if kid is not None else None

    def load(self, keys: KeyRing, tenant_id: int) -> jws.SigningKey:
        """The one that signs now, made when there is none. With no transaction open."""
        if len(self._held) > 10_000:
            self._held.clear()
        key = keys.active(tenant_id)
        self._held[tenant_id, key.kid] = key
        return key
