"""The authentication endpoint: a tool answers our login initiation, and we answer with a signed message, once.

LTI Security Framework 1.0 §5.1.1.2 and §5.1.1.3. Every step is one of `tenants.lti.wire.authorize`, in its order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from saas import clock
from saas.db.scope import ScopedSession
from saas.problems import Problem, Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.keys import KeyRing
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.platform.columns import coupled_column
from tenants.lti.platform.launch13 import HINT_LIFETIME
from tenants.lti.platform.messages import (
    Asked,
    MessageKinds,
    Seat,
    occasion_of,
    resource_link_message,
    with_services,
)
from tenants.lti.platform.models import OpensIn, Tool, ToolLink
from tenants.lti.platform.opening import may_take_part
from tenants.lti.platform.tools import Tools
from tenants.lti.platform.users import ToolUsers, audience_of_tool, shares_of_link
from tenants.lti.tool.login import hash_state
from tenants.lti.wire import jws
from tenants.lti.wire.ags import SCOPES as AGS_SCOPES
from tenants.lti.wire.authorize import (
    AUTHORIZE_STEPS,
    ERRORS,
    AuthenticationRequest,
    error_fields,
    token_fields,
)
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.id_token import answered
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST
from tenants.lti.wire.redact import redacted, redacted_params
from tenants.lti.wire.text import shown


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


class Authorization:
    """One request. Refusals before the redirect URI is proven are raised, later ones are answers."""

    def __init__(self, runtime: Runtime, academy: Academy, visitor: Visitor) -> None:
        self.runtime = runtime
        self.academy = academy
        self.visitor = visitor
        self.checks = Checklist(AUTHORIZE_STEPS)
        self.tool: Tool | None = None
        self.tool_name = ""
        self.launch: Launch | None = None

    def answer(
        self, pairs: Sequence[tuple[str, str]], *, log_refusal: Callable[[], bool] = lambda: True
    ) -> Answer | ComeAgain:
        """Writes the log row, accepted or refused. Raises `Refused` with a code for a page."""
        key = self.runtime.part(KeyRing).active(self.academy.id)
        request = AuthenticationRequest.read(pairs)
        with self.runtime.database.transaction(self.academy.id) as session:
            try:
                decided = self._decide(session, request, key)
            except Refused as raised:
                refusal = raised
                self._log(session, request, refusal.code, log_refusal)
            else:
                return decided
        if refusal.code not in ERRORS:
            raise refusal
        problem: Problem = self.runtime.problems[refusal.code]
        fields = error_fields(refusal.code, problem.title, request.state)
        return Answer(request["redirect_uri"], fields, self.tool_name, refusal.code)

    def _decide(
        self, session: ScopedSession, request: AuthenticationRequest, key: jws.SigningKey
    ) -> Answer | ComeAgain:
        request.check_readable(self.checks)
        tool = self._check_client(session, request)
        launch = self._begun(session, request, tool)
        request.check_redirect(self.checks, self._redirects(session, tool, launch))
        request.check_shape(self.checks)
        launch = self._check_hint(session, request, tool, launch)
        if self.visitor.person_id is None and self.visitor.may_return:
            return ComeAgain()
        self._check_visitor(request, launch)
        self._use_up(session, launch)
        self.checks.require("active", tool.is_active and self.academy.has("lti"), self._off(), seen=tool.name)
        claims = answered(
            self._message(session, tool, launch),
            nonce=request["nonce"],
            token_id=str(uuid4()),
            at=int(clock.now().timestamp()),
        )
        token = jws.sign(claims, key)
        self.checks.note("signed", key.kid)
        self._accepted(launch, request, claims)
        return Answer(request["redirect_uri"], token_fields(token, request.state), self.tool_name)

    def _check_client(self, session: ScopedSession, request: AuthenticationRequest) -> Tool:
        client_id = request["client_id"]
        tool = Tools(session, self.runtime.outbound).by_client(client_id) if client_id else None
        if tool is None:
            self.checks.refuse(
                "client", "TOOL_CLIENT", seen=shown(client_id) or "none", wanted="a client ID given to a tool here"
            )
        self.checks.note("client", tool.name)
        self.tool, self.tool_name = tool, tool.name
        return tool

    def _begun(self, session: ScopedSession, request: AuthenticationRequest, tool: Tool) -> Launch | None:
        """The launch the hint names, if it is one of this tool; nothing about it is decided yet."""
        hint = request["lti_message_hint"]
        query = sa.select(Launch).where(Launch.state_hash == hash_state(hint), Launch.direction == Direction.OUT)
        found = session.scalar(query) if hint else None
        self.launch = found if found is not None and found.tool_id == tool.id else None
        return self.launch

    @staticmethod
    def _redirects(session: ScopedSession, tool: Tool, launch: Launch | None) -> frozenset[str]:
        """Those entered; without any, the address that is being opened, or that any link of the tool opens."""
        if tool.redirect_urls:
            return frozenset(tool.redirect_urls)
        if launch is not None:
            return frozenset({launch.target})
        links = session.scalars(sa.select(ToolLink.url).where(ToolLink.tool_id == tool.id))
        return frozenset(filter(None, (*links, tool.target_url, tool.deep_link_url)))

    def _check_hint(
        self, session: ScopedSession, request: AuthenticationRequest, tool: Tool, launch: Launch | None
    ) -> Launch:
        """Step "hint". Who the person is comes after: another's ``login_hint`` is not garbage."""
        wanted = f"a hint given here in the last {HINT_LIFETIME.seconds // 60} minutes"
        if launch is None:
            seen = "a hint we never gave to this tool" if request["lti_message_hint"] else "no lti_message_hint"
            self.checks.refuse("hint", "TOOL_HINT", seen=seen, wanted=wanted)
        if launch.consumed_at is not None:
            seen = f"used already, at {launch.consumed_at:%H:%M:%S} UTC"
            self.checks.refuse("hint", "TOOL_LAUNCH_USED", seen=seen, wanted=wanted)
        if launch.started_at < clock.now() - HINT_LIFETIME:
            self.checks.refuse(
                "hint", "TOOL_HINT", seen=f"given at {launch.started_at:%H:%M:%S} UTC, too old", wanted=wanted
            )
        hint = request["login_hint"]
        is_somebodys = hint and ToolUsers(session).person_of(audience_of_tool(tool.id), hint) is not None
        self.checks.require(
            "hint",
            is_somebodys,
            "TOOL_HINT",
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

    def _use_up(self, session: ScopedSession, launch: Launch) -> None:
        """Step "once": of two at the same moment one wins, and the other waits for it here."""
        now = clock.now()
        unused = sa.update(Launch).where(Launch.id == launch.id, Launch.consumed_at.is_(None))
        won: Any = session.execute(unused.values(consumed_at=now).execution_options(synchronize_session=False))
        self.checks.require("once", won.rowcount == 1, "TOOL_LAUNCH_USED", seen="first use" if won.rowcount else "used")
        session.refresh(launch)

    def _off(self) -> str:
        return "TOOL_INACTIVE" if self.academy.has("lti") else "LTI_OFF"

    def _message(self, session: ScopedSession, tool: Tool, launch: Launch) -> Any:
        """Steps "enrolled" and "message"."""
        person = session.get(Person, launch.person_id) if launch.person_id else None
        if person is None:
            self.checks.refuse("enrolled", "TOOL_CLOSED", seen="the person is gone")
        if launch.message_type == RESOURCE_LINK_REQUEST:
            return self._resource_link(session, tool, launch, person)
        maker = self.runtime.part(MessageKinds).maker(launch.message_type)
        if maker is None:
            self.checks.refuse("message", "TOOL_HINT", seen=launch.message_type)
        self.checks.note("enrolled", person.role.value)
        try:
            claims = maker(Asked(session, self.academy, tool, launch, person))
        except Refused as refusal:
            self.checks.refuse("message", refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        self.checks.note("message", launch.message_type)
        return claims

    def _resource_link(self, session: ScopedSession, tool: Tool, launch: Launch, person: Person) -> Any:
        link = session.get(ToolLink, launch.tool_link_id) if launch.tool_link_id else None
        activity = session.get(Activity, launch.activity_id) if launch.activity_id else None
        open_to = link is not None and link.tool_id == tool.id and activity is not None
        if link is None or activity is None or not open_to or not may_take_part(session, activity, person):
            self.checks.refuse(
                "enrolled", "TOOL_CLOSED", seen=activity.title if activity else "the activity is gone",
                wanted="a published activity of this tool in which the person takes part",
            )  # fmt: skip
        self.checks.note("enrolled", activity.title)
        kept = launch.login
        seat = Seat(OpensIn(kept["opens_in"]), kept["locale"], kept["return_url"])
        sub = ToolUsers(session).known_as(person.id, audience_of_tool(tool.id)).sub
        column = coupled_column(session, link) if frozenset(tool.scopes) & frozenset(AGS_SCOPES) else None
        occasion = occasion_of(self.academy, link, activity, person, seat, sub=sub)
        occasion = with_services(occasion, self.academy, tool, activity, column)
        self.checks.note("message", launch.message_type)
        return resource_link_message(occasion, self.academy, tool, launch.target, shares_of_link(link))

    def _accepted(self, launch: Launch, request: AuthenticationRequest, claims: dict[str, Any]) -> None:
        launch.outcome, launch.code, launch.finished_at = Outcome.ACCEPTED, "", clock.now()
        launch.nonce, launch.claims = request["nonce"], redacted(claims)
        launch.checks = {**launch.checks, "launch": self.checks.as_json()}

    def _log(
        self, session: ScopedSession, request: AuthenticationRequest, code: str, log_refusal: Callable[[], bool]
    ) -> None:
        """On the launch's own row while that waits; whatever comes after its end, or knows none, gets a row."""
        now, row = clock.now(), self.launch
        if row is None or code == "TOOL_LAUNCH_USED" or row.outcome is Outcome.ACCEPTED:
            if log_refusal():
                session.add(self._stray(request, code, now))
            return
        row.outcome, row.code, row.finished_at = Outcome.REFUSED, code, now
        row.checks = {**row.checks, "launch": self.checks.as_json()}

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
