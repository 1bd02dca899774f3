"""Access tokens for tools: a signed assertion comes in, a random token goes out and is kept as a hash (lti.md §1.7)."""

import secrets as random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import sqlalchemy as sa

from saas import clock
from saas.db.base import table_of
from saas.db.rows import Keeper, Runner, same
from saas.db.statement import ScopedInsert, ScopedStatement
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy, public_urls
from tenants.lti.platform.addresses import TOKEN_PATH
from tenants.lti.platform.bearer import TOOL
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.platform.once import hash_of, use_once
from tenants.lti.platform.tool_keys import ToolKeySets, source_of
from tenants.lti.wire import assertion as wire
from tenants.lti.wire import jws

FIND_TOOL = ScopedStatement(
    "lti_platform.find_tool",
    sa.select(*TOOL.columns).where(same(table_of(Tool), client_id=sa.bindparam("the_client"))),
)
ScopedInsert("lti_tool_token.insert", ToolToken)


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the tool gets it, once."""

    value: str = field(repr=False)
    scopes: Sequence[str]

    def as_json(self) -> dict[str, object]:
        scope = " ".join(self.scopes)
        return {"access_token": self.value, "token_type": "Bearer", "expires_in": wire.LIFETIME, "scope": scope}


@dataclass(frozen=True, slots=True)
class TokenManners:
    """What differs between the addresses where tools of a ``kind`` ask; all others are unknown there.

    ``path`` is the address, which an assertion may be meant for. ``client_of`` reads who says it. ``admits`` is asked
    whoever it is, and False sounds like an unknown client. ``needs_scope``: before anything is looked up.
    """

    path: str = TOKEN_PATH
    kind: ToolKind = ToolKind.LTI
    client_of: Callable[[jws.Token], str] = wire.client_of
    admits: Callable[[Runner, Academy], bool] = lambda _runner, _academy: True
    needs_scope: bool = False


LTI_TOKENS = TokenManners()


class TokenRequests:
    """One request. ``tool`` is there once a client id has named it, for the log; ``is_proven`` once its key signed."""

    def __init__(self, runtime: Runtime, academy: Academy, manners: TokenManners = LTI_TOKENS) -> None:
        self.runtime = runtime
        self.academy = academy
        self.manners = manners
        self.tool: Tool | None = None
        self.is_proven = False

    def answer(self, pairs: Sequence[tuple[str, str]], *, with_secret: bool = False) -> Issued:
        """Raises `Refused`; an assertion that was used up stays so.

        One transaction where this process holds the key; keys are fetched with none open.
        """
        request = wire.read_token_request(pairs, with_secret=with_secret)
        if self.manners.needs_scope and not request.scopes:
            raise Refused("CALL_TOKEN_NO_SCOPE", seen="scope: missing", wanted="the scopes the token is for")
        token = wire.read_assertion(request.assertion)
        with self.runtime.database.hot(self.academy.id) as connection:
            tool = self._find(connection, self.manners.client_of(token))
            key = self._held_key(tool, token)
            outcome = self._conclude(connection, tool, request, token, key) if key is not None else None
        if outcome is None:
            key = self._fetched_key(tool, token)
            with self.runtime.database.hot(self.academy.id) as connection:
                outcome = self._conclude(connection, tool, request, token, key)
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def _find(self, runner: Runner, client_id: str) -> Tool:
        row = runner.run(FIND_TOOL, the_client=client_id).one_or_none()
        tool = TOOL.read(row) if row is not None else None
        tool = self.tool = tool if tool is not None and tool.kind is self.manners.kind else None
        is_admitted = self.manners.admits(runner, self.academy)
        if tool is None or not is_admitted:
            raise Refused("CALL_CLIENT", seen=client_id, wanted="the client ID of a tool here")
        if not tool.is_active:
            raise Refused("CALL_TOOL_OFF", seen=tool.name, wanted="an active tool")
        return tool

    def _held_key(self, tool: Tool, token: jws.Token) -> jws.VerifyingKey | None:
        """Without touching database or network; None where they must be asked."""
        if not token.kid and not tool.pasted_key:
            raise Refused("CALL_ASSERTION_FORMAT", seen="no kid", wanted="a kid in the assertion's header")
        held = self.runtime.part(ToolKeySets).held(source_of(self.academy.id, tool))
        return held.keys.find(token.kid, token.alg) if held is not None and held.serves(token.kid) else None

    def _fetched_key(self, tool: Tool, token: jws.Token) -> jws.VerifyingKey:
        try:
            return self.runtime.part(ToolKeySets).verifying_key(self.academy.id, tool, token)
        except Refused as refusal:
            raise Refused("CALL_TOOL_KEYS", seen=refusal.seen, wanted=refusal.wanted) from None

    def _conclude(
        self, keeper: Keeper, tool: Tool, request: wire.TokenRequest, token: jws.Token, key: jws.VerifyingKey
    ) -> Issued | Refused:
        """What is refused before the ``jti`` is used is raised, and nothing is written."""
        if not jws.verify(token, key):
            raise Refused("CALL_ASSERTION_SIGNATURE", seen=token.kid or "the pasted key", wanted="the tool's own key")
        self.is_proven = True
        until = wire.check_dates(token, clock.now())
        wire.check_audience(token, audiences(self.runtime, self.academy, self.manners.path))
        if not use_once(keeper, f"jti:{tool.id}", wire.check_id(token), until):
            raise Refused("CALL_ASSERTION_ID", seen="a jti that was used", wanted="a jti of its own each time")
        try:
            return self._issue(keeper, tool, request.scopes)
        except Refused as refusal:
            return refusal

    def _issue(self, keeper: Keeper, tool: Tool, asked: Sequence[str]) -> Issued:
        scopes = wire.grant(asked, tool.scopes)
        issued = Issued(random.token_urlsafe(32), scopes)
        until = clock.now() + timedelta(seconds=wire.LIFETIME)
        keeper.add(ToolToken(tool_id=tool.id, token_hash=hash_of(issued.value), scopes=scopes, expires_at=until))
        refused = len(asked) - len(scopes)
        seen = f"{len(scopes)} scopes" + (f", {refused} not granted" if refused else "")
        note_call(keeper, Service.TOKEN, status=200, seen=seen, tool=tool)
        return issued


def audiences(runtime: Runtime, academy: Academy, path: str = TOKEN_PATH) -> list[str]:
    """What an assertion may be meant for: the token URL and the issuer, on each host of the academy, ours first."""
    urls = public_urls(academy, runtime.settings.web)
    return [address for url in urls for address in (f"{url}{path}", url)]
