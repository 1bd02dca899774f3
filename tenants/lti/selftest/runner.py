"""Running a self-test from beginning to end, for the job and for the command line."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from saas import clock
from saas.db.scope import ScopedSession
from saas.outbound import Answer
from saas.runtime import Runtime
from saas.tenancy.resolve import Academy
from tenants.lti.keys import KeyRing
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tool_survey import survey
from tenants.lti.platform.tools import Tools
from tenants.lti.selftest import messages11, messages13, tool_messages
from tenants.lti.selftest.addresses import Found, Site, Survey
from tenants.lti.selftest.messages11 import Signer
from tenants.lti.selftest.models import Part, RunState, Verdict
from tenants.lti.selftest.rehearsal import Outcome, StandIn
from tenants.lti.selftest.services import Line, SelfTests
from tenants.lti.tool.consumers import secrets_of
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people_models import Newcomers
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire.ags import SCORE_SCOPE
from tenants.lti.wire.checks import Check

ACCEPTED = "accepted"


class Sent(Protocol):
    """A message of either protocol."""

    @property
    def name(self) -> str: ...
    @property
    def expected(self) -> str: ...
    @property
    def step(self) -> str: ...


class Became(Protocol):
    """What became of it."""

    @property
    def code(self) -> str: ...
    @property
    def failed(self) -> Check | None: ...


@dataclass(frozen=True, slots=True)
class Runner:
    """Reads in one transaction, plays and asks with none of its own open, writes in others."""

    runtime: Runtime
    academy: Academy

    def run(self, test_id: UUID) -> None:
        """Every message, then, of a platform or tool, every address."""
        with self._session() as session:
            tests = SelfTests(session)
            test = tests.get(test_id)
            tests.restart(test)
            platform = session.get_one(Platform, test.platform_id) if test.platform_id else None
            consumer = session.get_one(ConsumerKey, test.consumer_key_id) if test.consumer_key_id else None
            tool = Tools(session, self.runtime.outbound).get(test.tool_id) if test.tool_id else None
            session.flush()
            session.expunge_all()
        if platform is not None:
            played = messages13.play(self.runtime, self.academy, StandIn.make(), platform.id)
            self._write(test_id, [judged(*each) for each in played])
            for found in Survey(self.runtime.outbound, self._site(platform)).results():
                self._write(test_id, map(_line, found))
        elif consumer is not None:
            self._write(test_id, [judged(*each) for each in self._forms(consumer)])
        elif tool is not None:
            self._write(test_id, list(self._services(tool)))
            self._write(test_id, map(_line, survey(self.runtime.outbound, tool)))
        with self._session() as session:
            SelfTests(session).end(SelfTests(session).get(test_id), RunState.DONE)

    def break_off(self, test_id: UUID) -> None:
        """The run will not go on; what it found until now stands."""
        with self._session() as session:
            SelfTests(session).end(SelfTests(session).get(test_id), RunState.FAILED)

    def survey(self, platform: Platform) -> list[Found]:
        """The addresses alone."""
        return [each for found in Survey(self.runtime.outbound, self._site(platform)).results() for each in found]

    def _forms(self, consumer: ConsumerKey) -> Iterable[tuple[messages11.Message, Outcome]]:
        secret = secrets_of(self.runtime.secrets, self.academy.id, consumer, clock.now())[0]
        signer = Signer(consumer.key, secret, consumer.activity_id, Newcomers(consumer.newcomers))
        return messages11.play(self.runtime, self.academy, StandIn.make(), signer)

    def _services(self, tool: Tool) -> Iterator[Line]:
        for message, played in tool_messages.play(self.runtime, self.academy, StandIn.make(), tool):
            expected = tool_messages.expected_of(message, tool)
            yield (
                _unasked(message.name, expected)
                if played is None
                else judged(replace(message, expected=expected), played)
            )

    def _session(self) -> AbstractContextManager[ScopedSession]:
        return self.runtime.database.transaction(self.academy.id)

    def _write(self, test_id: UUID, lines: Iterable[Line]) -> None:
        with self._session() as session:
            tests = SelfTests(session)
            tests.write(tests.get(test_id), list(lines))

    def _site(self, platform: Platform) -> Site:
        runtime = self.runtime
        tokens = Tokens(runtime.secrets, runtime.outbound, runtime.part(KeyRing))

        def ask() -> Answer:
            asked = (platform.client_id, platform.token_url, platform.token_audience)
            return tokens.ask(self.academy.id, *asked, [SCORE_SCOPE])

        return Site(platform.auth_url, platform.token_url, platform.jwks_url, platform.pasted_key, ask)


def judged(message: Sent, outcome: Became) -> Line:
    """Green when it became what was expected."""
    failed = outcome.failed
    step = failed.name if failed else ""
    good = outcome.code == message.expected or bool(message.step and step == message.step)
    words = "" if good or failed is None else " · ".join(filter(None, (failed.seen, failed.wanted)))
    return Line(
        Part.MESSAGES,
        message.name,
        Verdict.PASSED if good else Verdict.FAILED,
        message.expected or ACCEPTED,
        outcome.code or ACCEPTED,
        words,
    )


def _unasked(name: str, expected: str) -> Line:
    return Line(
        Part.MESSAGES, name, Verdict.SKIPPED, expected or ACCEPTED, remark="The tool is not granted this service."
    )


def _line(found: Found) -> Line:
    return Line(Part.ADDRESSES, found.name, found.verdict, found.expected, found.happened, found.remark)
