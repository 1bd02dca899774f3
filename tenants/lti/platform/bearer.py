"""Who asks one of our services: a token, the tool behind it, and what it may (RFC 6750; lti.md §1.7)."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.models import Tool
from tenants.lti.platform.once import hash_of

MAX_HEADER = 8192


@dataclass(frozen=True, slots=True)
class Holder:
    """A tool that may ask now. ``tool`` is of no session any more; ``scopes``: of the token, and still granted."""

    tool: Tool
    scopes: frozenset[str]

    def require(self, scopes: Collection[str]) -> None:
        """One of them is enough. `Refused` CALL_SCOPE (403)."""
        if not self.scopes.intersection(scopes):
            raise Refused("CALL_SCOPE", seen=" ".join(sorted(self.scopes)) or "none", wanted=" or ".join(scopes))


def token_holder(session: ScopedSession, header: str) -> Holder:
    """The tool of an Authorization header. `Refused` CALL_TOKEN_MISSING, CALL_TOKEN_UNKNOWN or CALL_TOOL_OFF (401).

    Asked for every call, so that a tool that is switched off has lost its access at once.
    """
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "bearer" or not value:
        raise Refused("CALL_TOKEN_MISSING", seen="another kind" if header.strip() else "none", wanted="a bearer token")
    if len(value) > MAX_HEADER:
        raise Refused("CALL_TOKEN_UNKNOWN", seen=f"{len(value)} characters", wanted="a token given here")
    query = sa.select(ToolToken, Tool).join(Tool, Tool.id == ToolToken.tool_id)
    row = session.execute(query.where(ToolToken.token_hash == hash_of(value))).one_or_none()
    if row is None:
        kind = "an id_token or another JWT" if value.count(".") == 2 else "unknown here"
        raise Refused("CALL_TOKEN_UNKNOWN", seen=kind, wanted="a token given here")
    token, tool = row
    session.expunge(tool)
    if token.expires_at <= clock.now():
        raise Refused("CALL_TOKEN_UNKNOWN", seen=f"expired, of {tool.name}", wanted="a token that has not expired")
    if not tool.is_active:
        raise Refused("CALL_TOOL_OFF", seen=tool.name, wanted="an active tool")
    return Holder(tool, frozenset(token.scopes).intersection(tool.scopes))
