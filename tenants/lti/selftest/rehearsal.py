"""A launch that is judged for real and never happened: the launch's own classes, in a transaction that is undone.

Three parts of the runtime are replaced and nothing else: the database (one transaction, never committed), the
platform's keys (a pair made here), and, where asked, the registration (as if it were activated).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from saas.db.engine import Database
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.events import Events
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.tool.keysets import HeldKeys, KeySets, KeySource
from tenants.lti.tool.launch import Launch, Proofs
from tenants.lti.tool.launch11 import FormLaunch, Posted
from tenants.lti.tool.login import Login
from tenants.lti.tool.registrations import KnownPlatform, Registrations
from tenants.lti.wire import keys as wire_keys
from tenants.lti.wire.checks import Check, Checklist
from tenants.lti.wire.jwks import KeySet
from tenants.lti.wire.jws import SigningKey

#: What the log says of the browser of a rehearsal.
BROWSER: dict[str, Any] = {"family": "self-test", "framed": False, "method": "POST"}
DEPLOYMENT = "self-test"


class _UndoneError(Exception):
    """Ends a transaction without a commit."""


@contextmanager
def undone(database: Database, tenant_id: int) -> Iterator[HotConnection]:
    """A transaction that leaves nothing behind, however the block ends."""
    with suppress(_UndoneError), database.hot(tenant_id) as connection:
        yield connection
        raise _UndoneError


@dataclass(frozen=True, slots=True)
class StandIn:
    """The other LMS's keys for the length of a rehearsal. ``stranger`` is a key nobody has published."""

    key: SigningKey
    stranger: SigningKey
    held: HeldKeys

    @classmethod
    def make(cls) -> "StandIn":
        """Takes a second or less: two keys are drawn."""
        key = wire_keys.generate_key()
        jwk = wire_keys.public_jwk(key.private.public_key(), key.kid)
        return cls(key, wire_keys.generate_key(), HeldKeys(KeySet.parse({"keys": [jwk]}), None))


class _Keys:
    """In the place of `KeySets`: knows one set and asks nobody."""

    def __init__(self, held: HeldKeys) -> None:
        self._held = held

    def held(self, _source: KeySource) -> HeldKeys:
        return self._held

    def get(self, _source: KeySource, *, kid: str = "") -> HeldKeys:  # noqa: ARG002 -- as `KeySets.get`
        return self._held


class _Registrations:
    """In the place of the process's `Registrations`: reads anew and keeps nothing of a transaction that is undone.

    ``activated``: as if the platform were switched on and, if it has no deployment yet, had `DEPLOYMENT`.
    """

    def __init__(self, *, activated: bool) -> None:
        self._activated = activated

    def get(self, connection: HotConnection, platform_id: UUID, version: int) -> KnownPlatform | None:
        known = Registrations().get(connection, platform_id, version)
        if known is None or not self._activated:
            return known
        deployments = known.wire.deployments or frozenset({DEPLOYMENT})
        return replace(known, is_active=True, wire=replace(known.wire, deployments=deployments))


class OneTransaction:
    """In the place of `Database`: every transaction is the one that will be undone."""

    def __init__(self, connection: HotConnection, events: Events) -> None:
        self._connection = connection
        self._events = events

    @contextmanager
    def hot(self, _tenant_id: int, *, write: bool = True) -> Iterator[HotConnection]:  # noqa: ARG002 -- as `Database.hot`
        """What fails inside is undone at once, as it would be."""
        with self._connection.savepoint():
            yield self._connection

    @contextmanager
    def transaction(self, tenant_id: int, *, write: bool = True) -> Iterator[ScopedSession]:  # noqa: ARG002 -- as `Database.transaction`
        """The same for the ORM."""
        core = self._connection.core
        with core.begin_nested(), ScopedSession(core, tenant_id, self._events) as session, session.begin():
            yield session


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a message: the code of the refusal, or none; ``checks`` are the steps that decided."""

    code: str
    checks: Checklist
    login: Checklist | None = None

    @property
    def failed(self) -> Check | None:
        return self.checks.failed


@dataclass(frozen=True, slots=True)
class Asked:
    """What our login asked the platform: to be answered with this state and this nonce."""

    state: str
    nonce: str
    checks: Checklist


class Rehearsal:
    """One transaction's worth of messages. ``activated``: see `_Registrations`."""

    def __init__(
        self, runtime: Runtime, academy: Academy, connection: HotConnection, stand_in: StandIn, *, activated: bool
    ) -> None:
        parts = {KeySets: _Keys(stand_in.held), Registrations: _Registrations(activated=activated)}
        database = cast("Database", OneTransaction(connection, runtime.events))
        self.runtime = replace(runtime, database=database, parts={**runtime.parts, **parts})
        self.academy = academy
        self.connection = connection

    def platform(self, platform_id: UUID) -> KnownPlatform:
        """As this rehearsal knows it. `Refused` WEB_NOT_FOUND when it is gone."""
        known = self.runtime.part(Registrations).get(self.connection, platform_id, 0)
        if known is None:
            raise Refused("WEB_NOT_FOUND")
        return known

    def login(self, fields: Mapping[str, str], platform_id: UUID | None = None) -> Asked | Outcome:
        """The LMS sends somebody: what we ask it in turn, or the refusal."""
        login = Login(self.runtime, self.academy, BROWSER)
        try:
            sent = login.begin(list(fields.items()), platform_id)
        except Refused as refusal:
            return Outcome(refusal.code, login.checks)
        nonce = parse_qs(urlsplit(sent.address).query)["nonce"][0]
        return Asked(sent.state, nonce, login.checks)

    def launch(self, fields: Mapping[str, str], *, cookies: tuple[str, ...]) -> Outcome:
        """The LMS answers."""
        launch = Launch(self.runtime, self.academy, BROWSER, Proofs(cookies))
        return _outcome(lambda: launch.arrive(list(fields.items())), launch)

    def form(self, activity_id: UUID, posted: Posted) -> Outcome:
        """A launch of LTI 1.2."""
        launch = FormLaunch(self.runtime, self.academy, BROWSER, activity_id)
        return _outcome(lambda: launch.arrive(posted), launch)


def _outcome(arrive: Callable[[], object], launch: Launch | FormLaunch) -> Outcome:
    """``launch.checks`` may be another list once it has arrived."""
    try:
        arrive()
    except Refused as refusal:
        return Outcome(refusal.code, launch.checks)
    return Outcome("", launch.checks)
