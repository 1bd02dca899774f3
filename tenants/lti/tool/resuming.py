"""A launch that waited for a sign-in goes on: linked, then landed from what it had proven, and told so in the log."""

from dataclasses import replace
from uuid import UUID

from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.tool.cases import Cases, Referred
from tenants.lti.tool.introductions import Introductions
from tenants.lti.tool.landing import Landed
from tenants.lti.tool.landing11 import ConsumerLanding
from tenants.lti.tool.landing13 import PlatformLanding
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people import who_of
from tenants.lti.tool.people_models import Introduction
from tenants.lti.tool.policy import Entrance, Policy
from tenants.lti.tool.registrations import Registrations
from tenants.lti.wire import claims as claims13
from tenants.lti.wire import launch11, params11
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import Person as PersonThere
from tenants.lti.wire.launch11 import LAUNCH11_STEPS, Consumer, Launch11, Proven
from tenants.lti.wire.launch13 import read_launch


def person_in(introduction: Introduction) -> PersonThere:
    """As the other LMS names them."""
    reading = params11 if introduction.consumer_key_id else claims13
    return reading.read_person(introduction.message)


class Resumption:
    """One introduction, answered by somebody who is signed in here."""

    def __init__(self, runtime: Runtime, academy: Academy, token: str) -> None:
        self.runtime = runtime
        self.academy = academy
        self.token = token

    def go_on(self, person_id: UUID, *, is_same_browser: bool) -> Landed:
        """All of it in one transaction. A case that comes up is kept, though the refusal is raised."""
        try:
            with self.runtime.database.hot(self.academy.id) as connection:
                return self._go_on(connection, person_id, is_same_browser=is_same_browser)
        except Referred as referred:
            with self.runtime.database.hot(self.academy.id) as connection:
                self._refer(connection, referred)
            raise

    def _go_on(self, connection: HotConnection, person_id: UUID, *, is_same_browser: bool) -> Landed:
        with self._session(connection) as session:
            introductions = Introductions(session)
            introduction = introductions.open(self.token)
            introductions.take(introduction)
            landing, launch_id = self._landing(connection, session, introduction), introduction.launch_id
            introductions.link(landing.launch, person_id, is_same_browser=is_same_browser)
        landed = landing.land(launch_id)
        with self._session(connection) as session:
            _tell_log(session, launch_id, landed, landing.checks)
            session.flush()
        return landed

    def _refer(self, connection: HotConnection, referred: Referred) -> None:
        with self._session(connection) as session:
            introduction = Introductions(session).open(self.token)
            Introductions(session).take(introduction)
            landing = self._landing(connection, session, introduction)
            who = replace(who_of(landing.launch), launch_id=introduction.launch_id)
            Cases(session).open(landing.entrance, who, referred.kind, referred.person_id)

    def _session(self, connection: HotConnection) -> ScopedSession:
        return ScopedSession(connection.core, self.academy.id, self.runtime.events)

    def _landing(
        self, connection: HotConnection, session: ScopedSession, introduction: Introduction
    ) -> PlatformLanding | ConsumerLanding:
        """Ready to land what was proven then."""
        if introduction.consumer_key_id is not None:
            key = session.get_one(ConsumerKey, introduction.consumer_key_id)
            if not key.is_active:
                raise Refused("LTI_INTRODUCTION")
            entrance = Entrance(Policy.of(key), introduction.lms_name, consumer_key_id=key.id)
            launch, checks = _launch11(key, introduction.message), Checklist(LAUNCH11_STEPS)
            return ConsumerLanding(connection, self.runtime, self.academy, checks, launch, key.id, entrance)
        platform = session.get_one(Platform, introduction.platform_id)
        known = self.runtime.part(Registrations).get(connection, platform.id, platform.version)
        if known is None:
            raise Refused("LTI_INTRODUCTION")
        claims, checks = read_launch(introduction.message, known.wire), Checklist(LAUNCH_STEPS)
        return PlatformLanding(connection, self.runtime, self.academy, checks, claims, known)


def _launch11(key: ConsumerKey, values: dict[str, str]) -> Launch11:
    """What was proven then, read again."""
    proven = Proven(Consumer(key.key, (), frozenset({str(key.activity_id)})), values)
    return launch11.check_launch(Checklist(LAUNCH11_STEPS), proven)


def _tell_log(session: ScopedSession, launch_id: UUID, landed: Landed, checks: Checklist) -> None:
    """The launch came to its end after all; the log says what was checked anew."""
    row = session.get(Launch, launch_id)
    if row is None:
        return
    anew = checks.as_json()
    names = {check[0] for check in anew}
    kept = [check for check in row.checks.get("launch", []) if check[0] not in names]
    row.checks = {**row.checks, "launch": [*kept, *anew]}
    row.outcome, row.code, row.login = Outcome.ACCEPTED, "", {}
    row.person_id, row.person_name, row.activity_id = landed.person_id, landed.person_name, landed.activity_id
