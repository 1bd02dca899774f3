"""Third-party initiated login: the platform sends a browser, we send it on to the platform with a state and a nonce.

Every login is a row of the launch log, good or refused; the checks that decide are what the row shows.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from saas import clock
from saas.db.base import uuid7
from saas.db.hot import HotConnection
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Outcome
from tenants.lti.tool.addresses import is_ours, launch_url
from tenants.lti.tool.questions import ask_of_login
from tenants.lti.tool.registrations import KnownPlatform, Registrations
from tenants.lti.tool.statements import FIND_PLATFORMS, START
from tenants.lti.wire.checks import LOGIN_STEPS, Checklist
from tenants.lti.wire.login13 import LoginRequest, authorization_url, check_deployment
from tenants.lti.wire.redact import redacted_params
from tenants.lti.wire.registration import near_miss
from tenants.lti.wire.storage import Conversation, keeping
from tenants.lti.wire.text import shown


@dataclass(frozen=True, slots=True)
class Sent:
    """Where the browser goes next, and the state it must bring back; what platform storage may keep until then."""

    address: str
    state: str
    keep: Conversation | None


def hash_state(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


class Login:
    """One login. ``platform_id`` comes from an address that carries it."""

    def __init__(self, runtime: Runtime, academy: Academy, browser: dict[str, Any]) -> None:
        self.runtime = runtime
        self.academy = academy
        self.browser = browser
        self.checks = Checklist(LOGIN_STEPS)
        self.platform: KnownPlatform | None = None

    def begin(
        self,
        pairs: Sequence[tuple[str, str]],
        platform_id: UUID | None = None,
        *,
        log_refusal: Callable[[], bool] = lambda: True,
    ) -> Sent:
        """Writes the log row and returns where to go; a refusal is logged, then raised."""
        refusal: Refused | None = None
        with self.runtime.database.hot(self.academy.id) as connection:
            try:
                return self._begin(connection, pairs, platform_id)
            except Refused as raised:
                refusal = raised
                if log_refusal():
                    self._start(connection, pairs, code=refusal.code)
                    self._ask(connection, refusal.code, dict(pairs).get("lti_deployment_id", ""))
        raise refusal

    def _ask(self, connection: HotConnection, code: str, deployment_id: str) -> None:
        """The admin is asked about a deployment that is only unlisted; a login proves nothing, which they are told."""
        if code == "LTI13_DEPLOYMENT" and self.platform is not None:
            ask_of_login(connection, self.runtime.events, self.platform.id, deployment_id)

    def _begin(self, connection: HotConnection, pairs: Sequence[tuple[str, str]], platform_id: UUID | None) -> Sent:
        login = LoginRequest.read(pairs, self.checks)
        self.platform = self._find(connection, login, platform_id)
        if not self.academy.has("lti"):
            self.checks.refuse("active", "LTI_NOT_AVAILABLE", seen="LTI is off for this academy")
        self.checks.require("active", self.platform.is_active, "LTI13_INACTIVE", seen=self.platform.name)
        check_deployment(self.checks, login, self.platform.wire)
        ours = is_ours(self.academy, self.runtime.settings.web, login.target_link_uri)
        self.checks.require(
            "target",
            ours,
            "LTI13_TARGET",
            seen=shown(login.target_link_uri),
            wanted=f"an address at {self.academy.url}",
        )
        state, nonce = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        address = authorization_url(
            self.platform.auth_url,
            client_id=self.platform.wire.client_id,
            redirect_uri=launch_url(self.academy),
            state=state,
            nonce=nonce,
            login=login,
        )
        self.checks.note("sent", self.platform.auth_url)
        self._start(connection, pairs, login=login, state=state, nonce=nonce)
        return Sent(address, state, keeping(login.lti_storage_target, self.platform.auth_url, state=state, nonce=nonce))

    def _find(self, connection: HotConnection, login: LoginRequest, platform_id: UUID | None) -> KnownPlatform:
        """By issuer and client id, else by the id in the address, else by an issuer that has only one."""
        rows = connection.run(FIND_PLATFORMS, issuer=login.iss)
        fitting = [row for row in rows if row.client_id == login.client_id] if login.client_id else rows
        if platform_id is not None and not login.client_id:
            fitting = [row for row in rows if row.id == platform_id]
        seen = f"issuer {shown(login.iss)}, client {shown(login.client_id) or 'not named'}"
        if not fitting:
            self.checks.refuse(
                "registration", "LTI13_NO_REGISTRATION", seen=seen, wanted=self._known(connection, login, rows)
            )
        if len(fitting) > 1:
            clients = ", ".join(row.client_id for row in fitting[:5])
            self.checks.refuse(
                "registration", "LTI13_AMBIGUOUS_CLIENT", seen=seen, wanted=f"one of the clients {clients}"
            )
        known = self.runtime.part(Registrations).get(connection, fitting[0].id, fitting[0].version)
        if known is None:
            self.checks.refuse("registration", "LTI13_NO_REGISTRATION", seen=seen)
        self.checks.note("registration", known.name)
        return known

    def _known(self, connection: HotConnection, login: LoginRequest, rows: Iterable[Any]) -> str:
        clients = [row.client_id for row in rows]
        if clients:
            return f"this issuer with the client {', '.join(clients[:5])}"
        similar = {login.iss.rstrip("/"), f"{login.iss}/", login.iss.strip().lower()} - {login.iss}
        found = [issuer for issuer in sorted(similar) if connection.run(FIND_PLATFORMS, issuer=issuer).first()]
        return near_miss(login.iss, found) or "a platform registered here"

    def _start(
        self,
        connection: HotConnection,
        pairs: Iterable[tuple[str, str]],
        *,
        login: LoginRequest | None = None,
        state: str = "",
        nonce: str = "",
        code: str = "",
    ) -> None:
        now = clock.now()
        connection.run(
            START,
            new_id=uuid7(),
            new_started_at=now,
            new_finished_at=now if code else None,
            new_outcome=Outcome.REFUSED if code else Outcome.WAITING,
            new_code=code,
            new_platform_id=self.platform.id if self.platform else None,
            new_platform_name=self.platform.name if self.platform else "",
            new_state_hash=hash_state(state) if state else None,
            new_nonce=nonce,
            new_target=login.target_link_uri if login else "",
            new_login_deployment=login.lti_deployment_id if login else "",
            new_checks={"login": self.checks.as_json(), "launch": []},
            new_login=asdict(login) if login else {},
            new_login_shown=redacted_params(pairs),
            new_claims={},
            new_browser=self.browser,
        )
