"""Talking to another LMS's services: one exchange at a time, each kept as a try; with a platform, one access token."""

from collections.abc import Mapping
from contextlib import suppress
from time import perf_counter
from typing import NoReturn

from sqlalchemy.exc import IntegrityError

from saas import clock
from saas.jobs.registry import JobRun
from saas.outbound import Answer as HttpAnswer
from saas.outbound import OutboundError
from saas.problems import Refused
from tenants.grades.channels import Try, Verdict
from tenants.grades.models import DeliveryState
from tenants.lti.tool.routes import Route
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire import ags
from tenants.lti.wire.access_token import read_token
from tenants.lti.wire.answers import Answer, Kind, Step, classify

_STATES = {
    Kind.DELIVERED: DeliveryState.SENT,
    Kind.SUPERSEDED: DeliveryState.SUPERSEDED,
    Kind.RETRY: DeliveryState.WAITING,
    Kind.NEW_TOKEN: DeliveryState.WAITING,
    Kind.LINE_ITEM_GONE: DeliveryState.DEAD,
    Kind.FINAL: DeliveryState.DEAD,
}


class Ended(Exception):
    """The run is over; ``answer`` says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.cause)
        self.answer = answer


def end(kind: Kind, code: str, cause: str, *, retry_after: int | None = None) -> NoReturn:
    raise Ended(Answer(kind, code, cause, retry_after=retry_after))


def no_answer(error: OutboundError) -> Answer:
    """An address that may never be called is for people to mend; all else may pass."""
    if error.kind == "address":
        return Answer(Kind.FINAL, "AGS_ADDRESS", error.reason)
    return Answer(Kind.RETRY, "AGS_NO_ANSWER", error.reason)


def verdict_of(answer: Answer, *, may_confirm: bool = False) -> Verdict:
    """What the ledger is told of how a delivery ended."""
    return Verdict(_STATES[answer.kind], answer.code, in_words(answer), answer.retry_after, may_confirm)


def in_words(answer: Answer) -> str:
    """Our cause and the platform's own words, which its admin will recognise."""
    return f"{answer.cause} It says: “{answer.said}”" if answer.said else answer.cause


class Conversation:
    """With one platform, about one route. ``tries`` lists every exchange in order."""

    def __init__(self, tokens: Tokens, run: JobRun, route: Route) -> None:
        self.tokens = tokens
        self.run = run
        self.route = route
        self.tries: list[Try] = []
        self.token: str | None = None

    def ask(self, step: Step, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> HttpAnswer:
        """Only what was delivered comes back; anything else ends the run."""
        http, answer = self.asked(step, method, url, headers, body)
        if answer.kind is not Kind.DELIVERED or http is None:
            raise Ended(answer)
        return http

    def asked(
        self, step: Step, method: str, url: str, headers: dict[str, str], body: bytes = b""
    ) -> tuple[HttpAnswer | None, Answer]:
        """With a token; a 401 gets one new token and one more try."""
        token = self._token()
        http, answer = self._exchange(step, method, url, {**headers, "authorization": f"Bearer {token}"}, body)
        if answer.kind is Kind.NEW_TOKEN:
            self._forget_token(token)
            token = self._token()
            http, answer = self._exchange(step, method, url, {**headers, "authorization": f"Bearer {token}"}, body)
        return http, answer

    def _exchange(
        self, step: Step, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HttpAnswer | None, Answer]:
        began = perf_counter()
        http: HttpAnswer | None = None
        try:
            http = self.run.runtime.outbound.send(method, url, headers, body)
        except OutboundError as error:
            answer = no_answer(error)
        else:
            answer = classify(http.status, http.body, http.headers, step)
        self._note(step, answer.kind, began, http.status if http else None, in_words(answer))
        return http, answer

    def _note(self, step: Step, outcome: Kind, began: float, status: int | None, cause: str) -> None:
        took = int((perf_counter() - began) * 1000)
        self.tries.append(Try(step.value, outcome.value, cause, status, took, clock.now()))

    def _wanted_scopes(self) -> list[str]:
        return [scope for scope in ags.SCOPES if scope in self.route.scopes]

    def _token(self) -> str:
        if self.token is None:
            self.token = self._kept_token() or self._new_token()
        return self.token

    def _kept_token(self) -> str | None:
        with self.run.transaction(write=False) as session:
            return self.tokens.kept(session, self.route.platform_id, self._wanted_scopes())

    def _new_token(self) -> str:
        route, scopes = self.route, self._wanted_scopes()
        began = perf_counter()
        try:
            http = self.tokens.ask(self.run.academy.id, route.client_id, route.token_url, route.audience, scopes)
            token = read_token(http.status, http.body, scopes)
        except OutboundError as error:
            self._note(Step.TOKEN, Kind.RETRY, began, None, error.reason)
            raise Ended(no_answer(error)) from None
        except Refused as refusal:
            self._note(Step.TOKEN, Kind.RETRY, began, http.status, refusal.seen)
            answer = classify(http.status, http.body, http.headers, Step.TOKEN)
            end(Kind.RETRY, refusal.code, f"No access token: {refusal.seen}", retry_after=answer.retry_after)
        self._note(Step.TOKEN, Kind.DELIVERED, began, http.status, "")
        with suppress(IntegrityError), self.run.transaction() as session:  # another job may have kept its own first
            self.tokens.keep(session, route.platform_id, scopes, token)
        return token.value

    def _forget_token(self, refused: str) -> None:
        self.token = None
        with self.run.transaction() as session:
            self.tokens.forget(session, self.route.platform_id, self._wanted_scopes(), refused)
