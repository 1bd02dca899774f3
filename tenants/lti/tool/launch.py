"""The launch: from the platform's POST to a signed-in learner on the activity, or a refusal that says why.

The order of the checks is that of lti.md §1.3 and of `LAUNCH_STEPS`. State, decision, person, session and log row are
one transaction; only keys that must be fetched interrupt it, because HTTP never runs inside one.
"""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from saas import clock
from saas.db.base import uuid7
from saas.db.engine import HotConnection
from saas.problems import Refused
from saas.runtime import Runtime
from saas.sessions import NewSession
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.keysets import HeldKeys, KeySets
from tenants.lti.tool.landing import Landed, Landing
from tenants.lti.tool.login import hash_state
from tenants.lti.tool.registrations import KnownPlatform, Registrations
from tenants.lti.tool.statements import CONSUME, EXPLAIN_STATE, FINISH, START
from tenants.lti.wire import jws
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import LaunchClaims
from tenants.lti.wire.jwks import check_key, check_signature
from tenants.lti.wire.launch13 import LaunchForm, check_answer, check_claims, check_registration
from tenants.lti.wire.redact import redacted

STATE_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A good launch: whose session to open in the browser and where to send it."""

    activity_id: UUID
    session: NewSession


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
    """One launch. ``cookies`` are the values of the state cookies the browser brought."""

    def __init__(self, runtime: Runtime, academy: Academy, browser: dict[str, Any], cookies: Sequence[str]) -> None:
        self.runtime = runtime
        self.academy = academy
        self.browser = browser
        self.cookies = cookies
        self.checks = Checklist(LAUNCH_STEPS)
        self.conversation: _Conversation | None = None
        self.claims: LaunchClaims | None = None
        self.raw_claims: dict[str, Any] = {}
        self.landed: Landed | None = None
        self.log_refusal: Callable[[], bool] = lambda: True

    def arrive(self, pairs: Sequence[tuple[str, str]], *, log_refusal: Callable[[], bool] = lambda: True) -> Arrived:
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

    def _hear(self, connection: HotConnection, pairs: Sequence[tuple[str, str]]) -> Arrived | Refused | None:
        """Up to the keys; None when they must be fetched first (the state stays used)."""
        try:
            form = LaunchForm.read(pairs, self.checks)
            self._consume(connection, form.state)
            check_answer(self.checks, form)
            self._check_browser(form.state)
            self.token = jws.read(self.checks, form.id_token)
            self.raw_claims = dict(self.token.claims)
            held = self._check_header()
        except Refused as refusal:
            return self._refuse(connection, refusal)
        if held is None or not held.is_fresh or held.keys.find(self.token.kid, self.token.alg) is None:
            return None
        return self._conclude(connection, held)

    def _conclude(self, connection: HotConnection, held: HeldKeys | Refused) -> Arrived | Refused:
        try:
            launch = self._judge(held)
            self.landed = Landing(connection, self.runtime, self.academy, self.checks, self._answered.platform).land(
                launch, self._answered.id
            )
        except Refused as refusal:
            return self._refuse(connection, refusal)
        self._finish(connection, Outcome.ACCEPTED)
        return Arrived(self.landed.activity_id, self.landed.session)

    @property
    def _answered(self) -> _Conversation:
        if self.conversation is None:
            raise AssertionError("no state has been consumed yet")
        return self.conversation

    def _consume(self, connection: HotConnection, state: str) -> None:
        now = clock.now()
        row = connection.run(
            CONSUME, the_state=hash_state(state), not_before=now - STATE_LIFETIME, now=now
        ).one_or_none()
        known = None
        if row is not None and row.platform_id is not None and row.version is not None:
            known = self.runtime.part(Registrations).get(connection, row.platform_id, row.version)
        if row is None or known is None:
            seen = self._explain(connection, state)
            self.checks.refuse(
                "state", "LTI13_STATE", seen=seen, wanted="a state given here in the last 10 minutes, once"
            )
        self.checks.note("state", "ours, first use")
        login_checks = row.checks.get("login", [])
        self.conversation = _Conversation(row.id, row.nonce, row.login_deployment, login_checks, row.login, known)

    def _explain(self, connection: HotConnection, state: str) -> str:
        row = connection.run(EXPLAIN_STATE, the_state=hash_state(state)).one_or_none()
        if row is None:
            return "a state we never gave here"
        if row.consumed_at is not None:
            return f"used already, at {row.consumed_at:%H:%M:%S} UTC"
        return f"too old: given at {row.started_at:%H:%M:%S} UTC, now {clock.now():%H:%M:%S} UTC"

    def _check_browser(self, state: str) -> None:
        """The state cookie proves that this browser began the login (login CSRF otherwise)."""
        matching = any(hmac.compare_digest(cookie.encode(), state.encode()) for cookie in self.cookies)
        seen = "the state cookie" if matching else "another state cookie" if self.cookies else "no cookie came back"
        self.checks.require("browser", matching, "LTI13_COOKIE", seen=seen, wanted="the cookie we set at the login")

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
        )
        return self.claims

    def _refuse(self, connection: HotConnection, refusal: Refused) -> Refused:
        """Writes the row; the caller lets the transaction commit before it raises."""
        if self.conversation is not None:
            self._finish(connection, Outcome.REFUSED, refusal.code)
        elif self.log_refusal():
            self._log_stranger(connection, refusal.code)
        return refusal

    def _finish(self, connection: HotConnection, outcome: Outcome, code: str = "") -> None:
        landed, conversation = self.landed, self._answered
        connection.run(
            FINISH,
            launch=conversation.id,
            new_finished_at=clock.now(),
            new_outcome=outcome,
            new_code=code,
            new_message_type=self.claims.message_type if self.claims else "",
            new_person_id=landed.person_id if landed else None,
            new_person_name=landed.person_name if landed else _name_in(self.raw_claims),
            new_activity_id=landed.activity_id if landed else None,
            new_checks={"login": conversation.login_checks, "launch": self.checks.as_json()},
            new_login={} if landed else conversation.login,
            new_claims=redacted(self.raw_claims),
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
