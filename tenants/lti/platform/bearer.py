"""Who asks one of our services: a token, the tool behind it, and what it may (RFC 6750; lti.md §1.7)."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from saas.db.rows import Part, Runner, same
from saas.db.statement import ScopedStatement
from saas.problems import Refused
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.platform.once import hash_of

MAX_HEADER = 8192
_token, _tool = table_of(ToolToken), table_of(Tool)
TOOL = Part(Tool)

FIND_HOLDER = ScopedStatement(
    "lti_platform.find_holder",
    sa.select(*TOOL.columns, _token.c.expires_at.label("until"), _token.c.scopes.label("good_for"))
    .select_from(_token.join(_tool, same(_tool, id=_token.c.tool_id)))
    .where(same(_token, token_hash=sa.bindparam("the_hash"))),
)


@dataclass(frozen=True, slots=True)
class Holder:
    """A tool that may ask now. ``tool`` is of no session; ``scopes``: of the token, and still granted."""

    tool: Tool
    scopes: frozenset[str]

    def require(self, scopes: Collection[str]) -> None:
        """One of them is enough. `Refused` CALL_SCOPE (403)."""
        if not self.scopes.intersection(scopes):
            raise Refused("CALL_SCOPE", seen=" ".join(sorted(self.scopes)) or "none", wanted=" or ".join(scopes))


def bearer_in(header: str) -> str:
    """The token of an Authorization header (RFC 6750 §2.1); empty for anything else."""
    scheme, _space, value = header.strip().partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def token_holder(runner: Runner, header: str, kind: ToolKind = ToolKind.LTI) -> Holder:
    """The tool of an Authorization header; one of another ``kind`` is unknown.

    `Refused` CALL_TOKEN_MISSING, CALL_TOKEN_UNKNOWN or CALL_TOOL_OFF (401). Asked for every call, so that a tool that
    is switched off has lost its access at once.
    """
    value = bearer_in(header)
    if not value:
        raise Refused("CALL_TOKEN_MISSING", seen="another kind" if header.strip() else "none", wanted="a bearer token")
    if len(value) > MAX_HEADER:
        raise Refused("CALL_TOKEN_UNKNOWN", seen=f"{len(value)} characters", wanted="a token given here")
    row = runner.run(FIND_HOLDER, the_hash=hash_of(value)).one_or_none()
    tool = TOOL.read(row) if row is not None else None
    if row is None or tool is None or tool.kind is not kind:
        seen = "an id_token or another JWT" if value.count(".") == 2 else "unknown here"
        raise Refused("CALL_TOKEN_UNKNOWN", seen=seen, wanted="a token given here")
    if row.until <= clock.now():
        raise Refused("CALL_TOKEN_UNKNOWN", seen=f"expired, of {tool.name}", wanted="a token that has not expired")
    if not tool.is_active:
        raise Refused("CALL_TOOL_OFF", seen=tool.name, wanted="an active tool")
    return Holder(tool, frozenset(row.good_for).intersection(tool.scopes))
