"""Scores by Basic Outcomes, to an LMS that launches by LTI 1.2: replace, read back, delete (LTI 1.1.1 §6.1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import perf_counter
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import selectinload

from saas import clock
from saas.db.scope import ScopedSession
from saas.jobs.registry import JobRun
from saas.outbound import OutboundError
from saas.secrets import Secrets
from tenants.grades.channels import RouteLabel, Statement, Try, Verdict
from tenants.lti.tool.consumers import signing_secret
from tenants.lti.tool.exchange import Ended, end, in_words, no_answer, verdict_of
from tenants.lti.tool.landing11 import CHANNEL
from tenants.lti.tool.models11 import ConsumerKey, OutcomeRoute
from tenants.lti.wire.answers import Answer, Kind
from tenants.lti.wire.oauth1 import authorization_header
from tenants.lti.wire.outcomes import OutcomeAnswer, read_outcome_answer
from tenants.lti.wire.pox import CONTENT_TYPE, DECIMALS, Operation, build_request

PERCENT = Decimal(100)
#: Half of what six decimals can tell apart is far less than any LMS rounds away.
TOLERANCE = Decimal("0.0001")
_STEPS = {Operation.REPLACE: "score", Operation.READ: "results", Operation.DELETE: "delete"}


@dataclass(frozen=True, slots=True)
class Route:
    """One person's place in the other gradebook, and what signs a request for it."""

    service_url: str
    sourcedid: str
    key: str
    secret: str
    is_active: bool


class OutcomesChannel:
    """It has no words for progress: nothing is said before completion."""

    name = CHANNEL
    tells_progress = False

    def __init__(self, secrets: Secrets) -> None:
        self.secrets = secrets

    def routes(self, session: ScopedSession, person_id: UUID, activity_id: UUID) -> Sequence[UUID]:
        query = sa.select(OutcomeRoute.id).join(ConsumerKey, ConsumerKey.id == OutcomeRoute.consumer_key_id)
        return session.scalars(
            query.where(OutcomeRoute.person_id == person_id, ConsumerKey.activity_id == activity_id)
        ).all()

    def whose(self, session: ScopedSession, route_id: UUID) -> tuple[UUID, UUID] | None:
        route = session.get(OutcomeRoute, route_id)
        return (route.person_id, route.consumer.activity_id) if route else None

    def labels(self, session: ScopedSession, route_ids: Sequence[UUID]) -> Mapping[UUID, RouteLabel]:
        query = sa.select(OutcomeRoute).where(OutcomeRoute.id.in_(route_ids))
        rows = session.scalars(query.options(selectinload(OutcomeRoute.consumer)))
        return {
            row.id: RouteLabel(row.consumer.label, " › ".join(filter(None, (row.context_title, row.link_title))))
            for row in rows
        }

    def deliver(self, run: JobRun, statement: Statement) -> tuple[Verdict, Sequence[Try]]:
        return Delivery(self.secrets, run, statement).deliver()

    def confirm(self, run: JobRun, statement: Statement) -> tuple[bool | None, Sequence[Try]]:
        return Delivery(self.secrets, run, statement).confirm()


class Delivery:
    """One run: never holds a transaction while it talks."""

    def __init__(self, secrets: Secrets, run: JobRun, statement: Statement) -> None:
        self.secrets = secrets
        self.run = run
        self.statement = statement
        self.tries: list[Try] = []

    def deliver(self) -> tuple[Verdict, Sequence[Try]]:
        operation = Operation.DELETE if self.statement.withdrawn else Operation.REPLACE
        try:
            answer = self._ask(self._load(), operation).answer
        except Ended as ended:
            answer = ended.answer
        return verdict_of(answer, may_confirm=answer.kind is Kind.DELIVERED), self.tries

    def confirm(self) -> tuple[bool | None, Sequence[Try]]:
        try:
            read = self._ask(self._load(), Operation.READ)
        except Ended:
            return None, self.tries
        if read.answer.kind is not Kind.DELIVERED:
            return None, self.tries
        if self.statement.withdrawn:
            return read.score is None, self.tries
        return read.score is not None and abs(read.score - self._score()) <= TOLERANCE, self.tries

    def _load(self) -> Route:
        with self.run.transaction(write=False) as session:
            route = session.get(OutcomeRoute, self.statement.route_id)
            if route is None:
                end(Kind.FINAL, "OUTCOME_GONE", "The link to the other LMS is gone.")
            key = route.consumer
            secret = signing_secret(self.secrets, session.tenant_id, key, clock.now())
            found = Route(route.service_url, route.sourcedid, key.key, secret, key.is_active)
        if not found.is_active or not self.run.academy.has("lti"):
            end(Kind.FINAL, "LTI_NOT_AVAILABLE", "The LTI 1.2 key, or LTI for this academy, is switched off.")
        return found

    def _score(self) -> Decimal:
        """0 to 1; who completed something without questions has all of it."""
        score = self.statement.score
        return Decimal(1) if score is None else round(score / PERCENT, DECIMALS)

    def _ask(self, route: Route, operation: Operation) -> OutcomeAnswer:
        score = self._score() if operation is Operation.REPLACE else None
        body = build_request(operation, uuid4().hex, route.sourcedid, score)
        signature = authorization_header(
            route.service_url,
            body,
            key=route.key,
            secret=route.secret,
            nonce=uuid4().hex,
            timestamp=int(clock.now().timestamp()),
        )
        began, status = perf_counter(), None
        try:
            http = self.run.runtime.outbound.post(
                route.service_url, {"content-type": CONTENT_TYPE, "authorization": signature}, body
            )
        except OutboundError as error:
            said = OutcomeAnswer(no_answer(error))
        else:
            status = http.status
            said = read_outcome_answer(status, http.body, http.headers, operation)
        self._note(operation, said.answer, status, began)
        return said

    def _note(self, operation: Operation, answer: Answer, status: int | None, began: float) -> None:
        took = int((perf_counter() - began) * 1000)
        self.tries.append(Try(_STEPS[operation], answer.kind.value, in_words(answer), status, took, clock.now()))
