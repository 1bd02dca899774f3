"""Access tokens for tools: a signed assertion comes in, a random token goes out and is kept as a hash (lti.md §1.7)."""

import secrets as random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy, public_url
from tenants.lti.platform.addresses import TOKEN_PATH
from tenants.lti.platform.grants import ToolToken
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool
from tenants.lti.platform.once import hash_of, use_once
from tenants.lti.platform.tool_keys import ToolKeySets
from tenants.lti.platform.tools import Tools
from tenants.lti.wire import assertion as wire
from tenants.lti.wire import jws


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as the tool gets it, once."""

    value: str = field(repr=False)
    scopes: Sequence[str]

    def as_json(self) -> dict[str, object]:
        scope = " ".join(self.scopes)
        return {"access_token": self.value, "token_type": "Bearer", "expires_in": wire.LIFETIME, "scope": scope}


class TokenRequests:
    """One request. ``tool`` is there once a client id has named it, for the log; nothing proves it before the key."""

    def __init__(self, runtime: Runtime, academy: Academy) -> None:
        self.runtime = runtime
        self.academy = academy
        self.tool: Tool | None = None

    def answer(self, pairs: Sequence[tuple[str, str]], *, with_secret: bool = False) -> Issued:
        """Raises `Refused`; an assertion that was used up stays so. Keys are fetched with no transaction open."""
        request = wire.read_token_request(pairs, with_secret=with_secret)
        token = wire.read_assertion(request.assertion)
        tool = self._find(wire.client_of(token))
        self._prove(tool, token)
        now = clock.now()
        until = wire.check_dates(token, now)
        wire.check_audience(token, audiences(self.runtime, self.academy))
        once = wire.check_id(token)
        outcome: Issued | Refused
        with self.runtime.database.transaction(self.academy.id) as session:
            if not use_once(session, f"jti:{tool.id}", once, until):
                raise Refused("CALL_ASSERTION_ID", seen="a jti that was used", wanted="a jti of its own each time")
            try:
                outcome = self._issue(session, tool, request.scopes)
            except Refused as refusal:
                outcome = refusal
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def _find(self, client_id: str) -> Tool:
        with self.runtime.database.transaction(self.academy.id, write=False) as session:
            tool = Tools(session, self.runtime.outbound).by_client(client_id)
            if tool is not None:
                session.expunge(tool)
        if tool is None:
            raise Refused("CALL_CLIENT", seen=client_id, wanted="the client ID of a tool here")
        self.tool = tool
        if not tool.is_active:
            raise Refused("CALL_TOOL_OFF", seen=tool.name, wanted="an active tool")
        return tool

    def _prove(self, tool: Tool, token: jws.Token) -> None:
        if not token.kid and not tool.pasted_key:
            raise Refused("CALL_ASSERTION_FORMAT", seen="no kid", wanted="a kid in the assertion's header")
        try:
            key = self.runtime.part(ToolKeySets).verifying_key(self.academy.id, tool, token)
        except Refused as refusal:
            raise Refused("CALL_TOOL_KEYS", seen=refusal.seen, wanted=refusal.wanted) from None
        if not jws.verify(token, key):
            raise Refused("CALL_ASSERTION_SIGNATURE", seen=token.kid or "the pasted key", wanted="the tool's own key")

    def _issue(self, session: ScopedSession, tool: Tool, asked: Sequence[str]) -> Issued:
        scopes = wire.grant(asked, tool.scopes)
        issued = Issued(random.token_urlsafe(32), scopes)
        until = clock.now() + timedelta(seconds=wire.LIFETIME)
        session.add(ToolToken(tool_id=tool.id, token_hash=hash_of(issued.value), scopes=scopes, expires_at=until))
        refused = len(asked) - len(scopes)
        seen = f"{len(scopes)} scopes" + (f", {refused} not granted" if refused else "")
        note_call(session, Service.TOKEN, status=200, seen=seen, tool=tool)
        return issued


def audiences(runtime: Runtime, academy: Academy) -> list[str]:
    """What an assertion may be meant for: the token URL and the issuer, on each host of the academy, ours first."""
    others = sorted(public_url(host, runtime.settings.web) for host in academy.hosts - {academy.host})
    return [address for url in (academy.url, *others) for address in (f"{url}{TOKEN_PATH}", url)]
