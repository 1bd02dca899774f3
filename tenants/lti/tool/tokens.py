"""Access tokens of platforms: asked for with a signed assertion, kept sealed, used until a minute before their end."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Answer, Outbound
from saas.secrets import SealError, Secrets
from tenants.lti.keys import KeyRing
from tenants.lti.tool.models import AccessToken
from tenants.lti.wire import access_token as wire
from tenants.lti.wire.jws import sign

PURPOSE = "lti.access_token"


class Tokens:
    def __init__(self, secrets: Secrets, outbound: Outbound, keys: KeyRing) -> None:
        self._secrets = secrets
        self._outbound = outbound
        self._keys = keys

    def kept(self, session: ScopedSession, platform_id: UUID, scopes: Iterable[str]) -> str | None:
        row = session.scalar(_row(platform_id, scopes).where(AccessToken.expires_at > clock.now()))
        return self._open(row) if row else None

    def forget(self, session: ScopedSession, platform_id: UUID, scopes: Iterable[str], value: str) -> None:
        """The refused token; not the newer one that another job may have fetched since."""
        row = session.scalar(_row(platform_id, scopes).with_for_update())
        if row is not None and self._open(row) in (value, None):
            session.delete(row)

    def _open(self, row: AccessToken) -> str | None:
        """None for what does not open any more: a token is fetched again more easily than a master key is found."""
        with suppress(SealError):
            return self._secrets.open(row.tenant_id, PURPOSE, row.sealed).decode()
        return None

    def ask(self, tenant_id: int, client_id: str, token_url: str, audience: str, scopes: Iterable[str]) -> Answer:
        """One request to the token address; raises `OutboundError` when there is no answer."""
        claims = wire.assertion_claims(client_id, token_url, jti=str(uuid4()), now=clock.now(), audience=audience)
        form = wire.token_form(sign(claims, self._keys.active(tenant_id)), scopes)
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        return self._outbound.post(token_url, headers, urlencode(form).encode())

    def keep(self, session: ScopedSession, platform_id: UUID, scopes: Iterable[str], token: wire.AccessToken) -> None:
        """``scopes`` are those asked for: the same question finds the same token."""
        until = clock.now() + timedelta(seconds=token.usable_for)
        if until <= clock.now():
            return
        row = session.scalar(_row(platform_id, scopes).with_for_update())
        if row is None:
            row = AccessToken(platform_id=platform_id, scopes=_key(scopes))
            session.add(row)
        row.sealed, row.expires_at = self._seal(session.tenant_id, token.value), until

    def _seal(self, tenant_id: int, value: str) -> str:
        return self._secrets.seal(tenant_id, PURPOSE, value.encode())


def _key(scopes: Iterable[str]) -> str:
    return " ".join(sorted(scopes))


def _row(platform_id: UUID, scopes: Iterable[str]) -> sa.Select[AccessToken]:
    return sa.select(AccessToken).where(AccessToken.platform_id == platform_id, AccessToken.scopes == _key(scopes))
