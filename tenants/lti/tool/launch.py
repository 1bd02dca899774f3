"""The launch: from the platform's POST to a signed-in learner on the activity, or a refusal that says why.

The order of the checks is that of lti.md §1.3 and of `LAUNCH_STEPS`. State, decision, person, session and log row are
one transaction; only keys that must be fetched interrupt it, because HTTP never runs inside one.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from saas import clock
from saas.db.base import uuid7
from saas.db.hot import HotConnection
from saas.problems import Refused
from saas.runtime import Runtime
from saas.sessions import NewSession
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Outcome
from tenants.lti.tool import deep_linking, review
from tenants.lti.tool.deep_linking import Picking
from tenants.lti.tool.keysets import HeldKeys, KeySets
from tenants.lti.tool.landing import Landed
from tenants.lti.tool.landing13 import PlatformLanding
from tenants.lti.tool.login import hash_state
from tenants.lti.tool.questions import ask_of_launch
from tenants.lti.tool.registrations import KnownPlatform, Registrations
from tenants.lti.tool.review import Reviewing
from tenants.lti.tool.statements import CONSUME, EXPLAIN_STATE, FINISH, START, TAKE_STATE
from tenants.lti.wire import jws
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import CLAIM, LaunchClaims
from tenants.lti.wire.jwks import check_key, check_signature
from tenants.lti.wire.launch13 import (
    DEEP_LINKING_REQUEST,
    RESOURCE_LINK_REQUEST,
    SUBMISSION_REVIEW_REQUEST,
    LaunchForm,
    check_answer,
    check_claims,
    check_registration,
)
from tenants.lti.wire.redact import redacted
from tenants.lti.wire.storage import Conversation, asking, same_browser

STATE_LIFETIME = timedelta(minutes=10)
MESSAGE_TYPES = frozenset({RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST})


@dataclass(frozen=True, slots=True)
class Proofs:
    """What shows that this browser began the login: the values of its state cookies, else what storage answered.

    ``stored`` is None where storage has not been asked, and counts only if a page of ours posted it. ``may_ask``: the
    page around may still be asked.
    """

    cookies: Sequence[str] = ()
    stored: Mapping[str, str] | None = None
    may_ask: bool = False


@dataclass(frozen=True, slots=True)
class Arrived:
    """A good launch: whose session to open in the browser and where to send it."""

    activity_id: UUID
    session: NewSession


@dataclass(frozen=True, slots=True)
class Asking:
    """Not decided yet: platform storage must be asked first. ``fields`` are to be posted again with the answers."""

    talk: Conversation
    fields: Mapping[str, str]


#: Where a good message ends: on the activity, at the picker, or before somebody's attempt.
Ending = Arrived | Picking | Reviewing
Answer = Ending | Asking


@dataclass(frozen=True, slots=True)
class Begun:
    """The login a refused launch came from, as far as it is known: what to begin again with, and where it landed."""

    platform_id: UUID | None
    login: dict[str, Any]
    person_id: UUID | None = None
    activity_id: UUID | None = None


@dataclass(slots=True)
class _Conversation:
    """The login this launch answers."""

    id: UUID
    nonce: str
    login_deployment: str
    login_checks: list[Any]
    login: dict[str, Any]
    platform: KnownPlatform


class Launch:
    """One launch."""

    def __init__(self, runtime: Runtime, academy: Academy, browser: dict[str, Any], proofs: Proofs) -> None:
        self.runtime = runtime
        self.academy = academy
        self.browser = browser
        self.proofs = proofs
        self.checks = Checklist(LAUNCH_STEPS)
        self.conversation: _Conversation | None = None
        self.begun: Begun | None = None
        self.claims: LaunchClaims | None = None
        self.raw_claims: dict[str, Any] = {}
        self.landed: Landed | None = None
        self.log_refusal: Callable[[], bool] = lambda: True

    def arrive(self, pairs: Sequence[tuple[str, str]], *, log_refusal: Callable[[], bool] = lambda: True) -> Answer:
        """Raises the `Refused` that the log row shows; the row is committed in either case."""
        self.log_refusal = log_refusal
        with self.runtime.database.hot(self.academy.id) as connection:
            outcome = self._hear(connection, pairs)
        if outcome is None:
            held = self._fetch_keys()
            with self.runtime.database.hot(self.academy.id) as connection:
                outcome = self._conclude(connection, held)
        if isinstance(outcome, Refused):
            raise outcome
        return outcome

    def _hear(self, connection: HotConnection, pairs: Sequence[tuple[str, str]]) -> Answer | Refused | None:
        """Up to the keys; None when they must be fetched first (the state stays used)."""
        try:
            form = LaunchForm.read(pairs, self.checks)
            self._consume(connection, form.state)
            check_answer(self.checks, form)
            if talk := self._must_ask(form):
                return Asking(talk, {"id_token": form.id_token, "state": form.state})
            self._check_browser(form.state)
            self.token = jws.read(self.checks, form.id_token)
            self.raw_claims = dict(self.token.claims)
            held = self._check_header()
        except Refused as refusal:
            return self._refuse(connection, refusal)
        if held is None or not held.is_fresh or held.keys.find(self.token.kid, self.token.alg) is None:
            connection.run(CONSUME, launch=self._answered.id, now=clock.now())
            return None
        return self._conclude(connection, held)

    def _conclude(self, connection: HotConnection, held: HeldKeys | Refused) -> Answer | Refused:
        try:
            launch = self._judge(held)
            answered = self._answered
            if launch.message_type == DEEP_LINKING_REQUEST:
                return self._pick(connection, launch)
            if launch.message_type == SUBMISSION_REVIEW_REQUEST:
                return self._review(connection, launch)
            self.landed = PlatformLanding(
                connection, self.runtime, self.academy, self.checks, launch, answered.platform
            ).land(answered.id)
        except Refused as refusal:
            return self._refuse(connection, refusal)
        self._finish(connection, Outcome.ACCEPTED, "", self.raw_claims)
        return Arrived(self.landed.activity_id, self.landed.session)

    def _pick(self, connection: HotConnection, launch: LaunchClaims) -> Picking:
        """Somebody builds a course there: a choice begins, nobody signs in."""
        answered = self._answered
        self.checks = deep_linking.further_steps(self.checks)
        picking = deep_linking.begin(connection, self.academy, self.checks, answered.platform, launch, answered.id)
        self._finish(connection, Outcome.ACCEPTED, "", self.raw_claims)
        return picking

    def _review(self, connection: HotConnection, launch: LaunchClaims) -> Reviewing:
        """A teacher there looks at somebody's attempt: nobody signs in."""
        self.checks = review.further_steps(self.checks)
        platform = self._answered.platform
        reviewing = review.begin(connection, self.runtime, self.academy, self.checks, platform, launch)
        self._finish(connection, Outcome.ACCEPTED, "", self.raw_claims)
        return reviewing

    @property
    def _answered(self) -> _Conversation:
        if self.conversation is None:
            raise AssertionError("no state has been consumed yet")
        return self.conversation

    def _consume(self, connection: HotConnection, state: str) -> None:
        now = clock.now()
        row = connection.run(TAKE_STATE, the_state=hash_state(state), not_before=now - STATE_LIFETIME).one_or_none()
        known = None
        if row is not None and row.platform_id is not None and row.version is not None:
            known = self.runtime.part(Registrations).get(connection, row.platform_id, row.version)
        if row is not None and known is None:
            connection.run(CONSUME, launch=row.id, now=now)
        if row is None or known is None:
            seen = self._explain(connection, state)
            self.checks.refuse(
                "state", "LTI13_STATE", seen=seen, wanted="a state given here in the last 10 minutes, once"
            )
        self.checks.note("state", "ours, first use")
        login_checks = row.checks.get("login", [])
        self.conversation = _Conversation(row.id, row.nonce, row.login_deployment, login_checks, row.login, known)
        self.begun = Begun(known.id, row.login)

    def _explain(self, connection: HotConnection, state: str) -> str:
        row = connection.run(EXPLAIN_STATE, the_state=hash_state(state)).one_or_none()
        if row is None:
            return "a state we never gave here"
        self.begun = Begun(row.platform_id, row.login, row.person_id, row.activity_id)
        if row.consumed_at is not None:
            return f"used already, at {row.consumed_at:%H:%M:%S} UTC"
        return f"too old: given at {row.started_at:%H:%M:%S} UTC, now {clock.now():%H:%M:%S} UTC"

    def _check_browser(self, state: str) -> None:
        """The state cookie proves that this browser began the login (login CSRF otherwise), or what storage kept."""
        cookies, stored = self.proofs.cookies, self.proofs.stored
        matching = any(hmac.compare_digest(cookie.encode(), state.encode()) for cookie in cookies)
        seen = "the state cookie" if matching else "another state cookie" if cookies else "no cookie came back"
        if not matching and stored is not None:
            matching = same_browser(stored, state=state, nonce=self._answered.nonce)
            said = "our pair" if matching else "another pair" if any(stored.values()) else "nothing"
            seen += f"; the LMS's storage answered {said}"
        self.checks.require("browser", matching, "LTI13_COOKIE", seen=seen, wanted="the cookie we set at the login")

    def _must_ask(self, form: LaunchForm) -> Conversation | None:
        """The state stays unused meanwhile: nothing is decided yet."""
        if self.proofs.cookies or self.proofs.stored is not None or not self.proofs.may_ask:
            return None
        target = form.lti_storage_target or self._answered.login.get("lti_storage_target", "")
        return asking(target, self._answered.platform.auth_url, state=form.state)

    def _check_header(self) -> HeldKeys | None:
        """What can be decided without keys; returns those this process holds."""
        platform = self._answered.platform
        held = self.runtime.part(KeySets).held(platform.keys)
        kid_required = held.keys.kid_required if held and platform.keys.pasted_key else True
        jws.check_header(self.checks, self.token, platform.wire.algorithms, kid_required=kid_required)
        check_registration(self.checks, self.token.claims, platform.wire)
        return held

    def _fetch_keys(self) -> HeldKeys | Refused:
        try:
            return self.runtime.part(KeySets).get(self._answered.platform.keys, kid=self.token.kid)
        except Refused as refusal:
            return refusal

    def _judge(self, held: HeldKeys | Refused) -> LaunchClaims:
        """Everything the token itself decides, in order."""
        if isinstance(held, Refused):
            self.checks.refuse("key", held.code, seen=held.seen, wanted=held.wanted)
        check_signature(self.checks, self.token, check_key(self.checks, self.token, held.keys))
        self.claims = check_claims(
            self.checks,
            self.token.claims,
            self._answered.platform.wire,
            nonce=self._answered.nonce,
            now=clock.now(),
            login_deployment=self._answered.login_deployment,
            message_types=MESSAGE_TYPES,
        )
        return self.claims

    def _refuse(self, connection: HotConnection, refusal: Refused) -> Refused:
        """Writes the row; the caller lets the transaction commit before it raises.

        Unproven claims are kept as long as their sender has not filled the log with them.
        """
        if self.conversation is not None:
            if refusal.code == "LTI13_DEPLOYMENT":
                self._ask(connection, self.conversation)
            claimed = self.raw_claims if self.claims or self.log_refusal() else {}
            self._finish(connection, Outcome.REFUSED, refusal.code, claimed)
        elif self.log_refusal():
            self._log_stranger(connection, refusal.code)
        return refusal

    def _ask(self, connection: HotConnection, conversation: _Conversation) -> None:
        """The signature is proven by then: the admin is asked about a deployment that is only unlisted."""
        named = self.raw_claims.get(CLAIM + "deployment_id")
        if isinstance(named, str) and conversation.login_deployment in ("", named):
            ask_of_launch(connection, self.runtime.events, conversation.platform.id, named)

    def _finish(self, connection: HotConnection, outcome: Outcome, code: str, claimed: dict[str, Any]) -> None:
        landed, conversation = self.landed, self._answered
        now = clock.now()
        connection.run(
            FINISH,
            launch=conversation.id,
            new_consumed_at=now,
            new_finished_at=now,
            new_outcome=outcome,
            new_code=code,
            new_message_type=self.claims.message_type if self.claims else "",
            new_person_id=landed.person_id if landed else None,
            new_person_name=landed.person_name if landed else _name_in(self.raw_claims),
            new_activity_id=landed.activity_id if landed else None,
            new_checks={"login": conversation.login_checks, "launch": self.checks.as_json()},
            new_login={} if landed else conversation.login,
            new_claims=redacted(claimed),
            new_browser=self.browser,
        )

    def _log_stranger(self, connection: HotConnection, code: str) -> None:
        """A launch that answers no login of ours still gets its line."""
        now = clock.now()
        empty = dict.fromkeys(("new_platform_name", "new_nonce", "new_target", "new_login_deployment"), "")
        connection.run(
            START,
            **empty,
            new_id=uuid7(),
            new_started_at=now,
            new_finished_at=now,
            new_outcome=Outcome.REFUSED,
            new_code=code,
            new_platform_id=None,
            new_state_hash=None,
            new_checks={"login": [], "launch": self.checks.as_json()},
            new_login={},
            new_login_shown={},
            new_claims={},
            new_browser=self.browser,
        )


def _name_in(claims: dict[str, Any]) -> str:
    name = claims.get("name")
    return name[:200] if isinstance(name, str) else ""
