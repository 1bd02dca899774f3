"""The authentication endpoint: a tool answers our login initiation, and we answer with a signed message, once.

LTI Security Framework 1.0 §5.1.1.2 and §5.1.1.3. Every step is one of `tenants.lti.wire.authorize`, in its order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from saas import clock
from saas.db.hot import HotConnection
from saas.db.rows import Runner
from saas.problems import Problem, Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform.active_keys import ActiveKeys
from tenants.lti.platform.authorize_statements import (
    ACCEPT,
    FIND_ASKING,
    FIND_HINTED,
    FIND_URLS,
    LAUNCH,
    REFUSE,
    TAKE_LAUNCH,
    USER,
)
from tenants.lti.platform.bearer import TOOL
from tenants.lti.platform.launch13 import HINT_LIFETIME
from tenants.lti.platform.making import Making
from tenants.lti.platform.models import Tool, ToolKind, ToolUser
from tenants.lti.platform.tools import domains_of, require_active
from tenants.lti.platform.users import audience_of_tool
from tenants.lti.tool.login import hash_state
from tenants.lti.wire import jws
from tenants.lti.wire.authorize import (
    AUTHORIZE_STEPS,
    ERRORS,
    AuthenticationRequest,
    error_fields,
    token_fields,
)
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.id_token import answered
from tenants.lti.wire.redact import redacted, redacted_params
from tenants.lti.wire.text import is_at, shown


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose session came along, if one did. ``may_return``: a page of ours may yet send the same with the cookie."""

    person_id: UUID | None
    session_id: UUID | None
    may_return: bool
    browser: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """To be posted to ``redirect_uri``, which is proven; ``code`` names the refusal of an error."""

    redirect_uri: str
    fields: dict[str, str] = field(repr=False)
    tool_name: str
    code: str = ""


class ComeAgain:
    """The request came from another site, without our cookie: to be sent once more from a page of ours."""


def _anybody(_runner: Runner, _academy: Academy, _tool: Tool | None) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Manners:
    """What differs between the addresses that tools of a ``kind`` answer at. All others are unknown there.

    ``errors``: OAuth's by our codes; ``otherwise`` is that of the other codes once the redirect URI is proven, without
    it they are for a page. ``admits`` is asked about every client, also one nobody knows, and False sounds like that.
    ``others_hint`` is the code for a launch of another tool, ``unknown_person`` for a ``login_hint`` we never gave.
    """

    kind: ToolKind = ToolKind.LTI
    reading: type[AuthenticationRequest] = AuthenticationRequest
    errors: Mapping[str, str] = field(default_factory=lambda: ERRORS)
    otherwise: str = ""
    admits: Callable[[Runner, Academy, Tool | None], bool] = _anybody
    others_hint: str = "TOOL_HINT"
    unknown_person: str = "TOOL_HINT"


LTI_MANNERS = Manners()


class _KeyUnknownError(Exception):
    """This process does not hold the key that signs now, or there is none yet."""


class Authorization:
    """One request. Refusals before the redirect URI is proven are raised, later ones are answers."""

    def __init__(self, runtime: Runtime, academy: Academy, visitor: Visitor, manners: Manners = LTI_MANNERS) -> None:
        self.runtime = runtime
        self.academy = academy
        self.visitor = visitor
        self.manners = manners
        self._begin()

    def _begin(self) -> None:
        self.checks = Checklist(AUTHORIZE_STEPS)
        self.tool: Tool | None = None
        self.tool_name = ""
        self.launch: Launch | None = None
        #: Whom the tool knows under the ``login_hint``.
        self.hinted: ToolUser | None = None
        self.is_others_hint = False
        self.is_redirect_proven = False

    def answer(
        self, pairs: Sequence[tuple[str, str]], *, log_refusal: Callable[[], bool] = lambda: True
    ) -> Answer | ComeAgain:
        """Writes the log row, accepted or refused. Raises `Refused` with a code for a page."""
        request = self.manners.reading.read(pairs)
        try:
            decided = self._settle(request, log_refusal)
        except _KeyUnknownError:
            self._begin()
            key = self.runtime.part(ActiveKeys).load(self.runtime.part(KeyRing), self.academy.id)
            decided = self._settle(request, log_refusal, key)
        if not isinstance(decided, Refused):
            return decided
        error = self.manners.errors.get(decided.code) or (self.manners.otherwise if self.is_redirect_proven else "")
        if not error:
            raise decided
        problem: Problem = self.runtime.problems[decided.code]
        fields = error_fields(decided.code, problem.title, request.state, error)
        return Answer(request["redirect_uri"], fields, self.tool_name, decided.code)

    def _settle(
        self, request: AuthenticationRequest, log_refusal: Callable[[], bool], key: jws.SigningKey | None = None
    ) -> Answer | ComeAgain | Refused:
        """``key``: just loaded, because it was not held."""
        with self.runtime.database.hot(self.academy.id) as connection:
            try:
                return self._decide(connection, request, key)
            except Refused as refusal:
                self._log(connection, request, refusal.code, log_refusal)
                return refusal

    def _decide(
        self, connection: HotConnection, request: AuthenticationRequest, key: jws.SigningKey | None
    ) -> Answer | ComeAgain:
        request.check_readable(self.checks)
        tool, kid = self._check_client(connection, request)
        key = key or self.runtime.part(ActiveKeys).held(self.academy.id, kid)
        if key is None:
            raise _KeyUnknownError
        launch = self._begun(connection, request, tool)
        request.check_redirect(self.checks, self._redirects(connection, tool, launch))
        self.is_redirect_proven = True
        request.check_shape(self.checks)
        launch = self._check_hint(connection, request, tool, launch)
        if self.visitor.person_id is None and self.visitor.may_return:
            return ComeAgain()
        self._check_visitor(request, launch)
        self._use_up(launch)
        require_active(self.checks, "active", self.academy, tool)
        claims = answered(
            self._message(connection, tool, launch),
            nonce=request["nonce"],
            token_id=str(uuid4()),
            at=int(clock.now().timestamp()),
        )
        token = jws.sign(claims, key)
        self.checks.note("signed", key.kid)
        self._accepted(connection, launch, request, claims)
        return Answer(request["redirect_uri"], token_fields(token, request.state), self.tool_name)

    def _check_client(self, connection: HotConnection, request: AuthenticationRequest) -> tuple[Tool, str | None]:
        """With the id of the key that signs."""
        client_id = request["client_id"]
        row = connection.run(FIND_ASKING, the_client=client_id).one_or_none() if client_id else None
        tool = TOOL.read(row) if row is not None else None
        self.tool = tool if tool is not None and tool.kind is self.manners.kind else None
        self.tool_name = self.tool.name if self.tool is not None else ""
        is_admitted = self.manners.admits(connection, self.academy, self.tool)
        tool = self.tool
        if row is None or tool is None or not is_admitted:
            self.checks.refuse(
                "client", "TOOL_CLIENT", seen=shown(client_id) or "none", wanted="a client ID given to a tool here"
            )
        self.checks.note("client", tool.name)
        return tool, row.active_kid

    def _begun(self, connection: HotConnection, request: AuthenticationRequest, tool: Tool) -> Launch | None:
        """The launch the hint names, if it is one of this tool; nothing about it is decided yet.

        Held until the commit: of two answers at the same moment the second finds it used.
        """
        hint = request["lti_message_hint"]
        row = connection.run(TAKE_LAUNCH, the_hint=hash_state(hint)).first() if hint else None
        found = LAUNCH.read(row) if row is not None else None
        self.launch = found if found is not None and found.tool_id == tool.id else None
        self.is_others_hint = found is not None and self.launch is None
        return self.launch

    @staticmethod
    def _redirects(connection: HotConnection, tool: Tool, launch: Launch | None) -> frozenset[str]:
        """Those entered; without any, the address that is being opened, or that any link of the tool opens.

        Such an address is an author's to write, so it must be at the hosts an admin entered, however it got there.
        """
        if tool.redirect_urls:
            return frozenset(tool.redirect_urls)
        if launch is not None:
            opened = [launch.target]
        else:
            opened = [row.url for row in connection.run(FIND_URLS, the_tool=tool.id)]
            opened += [tool.target_url, tool.deep_link_url]
        domains = domains_of(tool)
        return frozenset(url for url in opened if is_at(url, domains))

    def _check_hint(
        self, connection: HotConnection, request: AuthenticationRequest, tool: Tool, launch: Launch | None
    ) -> Launch:
        """Step "hint". Who the person is comes after: another's ``login_hint`` is not garbage."""
        wanted = f"a hint given here in the last {HINT_LIFETIME.seconds // 60} minutes"
        if launch is None:
            seen = "a hint we never gave to this tool" if request["lti_message_hint"] else "no lti_message_hint"
            code = self.manners.others_hint if self.is_others_hint else "TOOL_HINT"
            self.checks.refuse("hint", code, seen=seen, wanted=wanted)
        if launch.consumed_at is not None:
            seen = f"used already, at {launch.consumed_at:%H:%M:%S} UTC"
            self.checks.refuse("hint", "TOOL_LAUNCH_USED", seen=seen, wanted=wanted)
        if launch.started_at < clock.now() - HINT_LIFETIME:
            self.checks.refuse(
                "hint", "TOOL_HINT", seen=f"given at {launch.started_at:%H:%M:%S} UTC, too old", wanted=wanted
            )
        hint = request["login_hint"]
        whose = {"the_audience": audience_of_tool(tool.id), "the_sub": hint}
        known = connection.run(FIND_HINTED, **whose).one_or_none() if hint else None
        self.hinted = USER.read(known) if known is not None else None
        is_somebodys = self.hinted is not None
        self.checks.require(
            "hint",
            is_somebodys,
            self.manners.unknown_person,
            seen="ours" if is_somebodys else "a login_hint we never gave",
            wanted=wanted,
        )
        return launch

    def _check_visitor(self, request: AuthenticationRequest, launch: Launch) -> None:
        """Steps "person" and "session": a hint stolen or swapped is worth nothing in another browser."""
        visitor = self.visitor
        if visitor.person_id is None:
            self.checks.refuse("person", "TOOL_SIGNED_OUT", seen="no session came along", wanted=launch.person_name)
        same = visitor.person_id == launch.person_id and request["login_hint"] == launch.login.get("login_hint")
        self.checks.require(
            "person",
            same,
            "TOOL_OTHER_PERSON",
            seen=launch.person_name if same else "another person",
            wanted=launch.person_name,
        )
        same = str(visitor.session_id) == launch.login.get("session")
        self.checks.require(
            "session",
            same,
            "TOOL_OTHER_PERSON",
            seen="the same session" if same else "another session of theirs",
            wanted="the session that began it",
        )

    def _use_up(self, launch: Launch) -> None:
        """Step "once": nobody else has it (`_begun`), and it was not used; written with whatever comes of it."""
        launch.consumed_at = clock.now()
        self.checks.note("once", "first use")

    def _message(self, connection: HotConnection, tool: Tool, launch: Launch) -> Mapping[str, object]:
        """Steps "enrolled" and "message"."""
        making = Making(connection, self.runtime, self.academy, self.checks, tool, launch)
        hinted = self.hinted
        return making.claims(hinted if hinted is not None and hinted.person_id == launch.person_id else None)

    def _accepted(
        self, connection: HotConnection, launch: Launch, request: AuthenticationRequest, claims: dict[str, Any]
    ) -> None:
        connection.run(
            ACCEPT,
            the_launch=launch.id,
            new_consumed_at=launch.consumed_at,
            new_finished_at=clock.now(),
            new_nonce=request["nonce"],
            new_claims=redacted(claims),
            new_checks={**launch.checks, "launch": self.checks.as_json()},
        )

    def _log(
        self,
        connection: HotConnection,
        request: AuthenticationRequest,
        code: str,
        log_refusal: Callable[[], bool],
    ) -> None:
        """On the launch's own row while that waits; whatever comes after its end, or knows none, gets a row."""
        now, row = clock.now(), self.launch
        if row is None or code == "TOOL_LAUNCH_USED" or row.outcome is Outcome.ACCEPTED:
            if log_refusal():
                connection.add(self._stray(request, code, now))
            return
        connection.run(
            REFUSE,
            the_launch=row.id,
            new_consumed_at=row.consumed_at,
            new_finished_at=now,
            new_code=code,
            new_checks={**row.checks, "launch": self.checks.as_json()},
        )

    def _stray(self, request: AuthenticationRequest, code: str, now: datetime) -> Launch:
        known = self.launch
        return Launch(
            started_at=now,
            finished_at=now,
            outcome=Outcome.REFUSED,
            code=code,
            direction=Direction.OUT,
            protocol=Protocol.LTI_13.value,
            tool_id=self.tool.id if self.tool else None,
            tool_link_id=known.tool_link_id if known else None,
            activity_id=known.activity_id if known else None,
            platform_name=self.tool_name or shown(request["client_id"], 100),
            target=shown(request["redirect_uri"]),
            checks={"login": [], "launch": self.checks.as_json()},
            login_shown=redacted_params(pair for pair in request.values.items() if pair[0] != "lti_message_hint"),
            browser=self.visitor.browser,
        )
