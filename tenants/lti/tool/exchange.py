"""Talking to a platform's services: one access token, one exchange at a time, each kept as a try."""

from collections.abc import Mapping
from time import perf_counter
from typing import NoReturn

from saas import clock
from saas.jobs.registry import JobRun
from saas.outbound import Answer as HttpAnswer
from saas.outbound import OutboundError
from saas.problems import Refused
from tenants.grades.services import Try
from tenants.lti.tool.routes import Route
from tenants.lti.tool.tokens import Tokens
from tenants.lti.wire import ags
from tenants.lti.wire.access_token import read_token
from tenants.lti.wire.answers import Answer, Kind, Step, classify


class Ended(Exception):
    """The run is over; ``answer`` says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.cause)
        self.answer = answer


def end(kind: Kind, code: str, cause: str, *, retry_after: int | None = None) -> NoReturn:
    raise Ended(Answer(kind, code, cause, retry_after=retry_after))


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
        http, answer = self._exchange(step, method, url, {**headers, "authorization": f"Bearer {self._token()}"}, body)
        if answer.kind is Kind.NEW_TOKEN:
            self._forget_token()
            http, answer = self._exchange(
                step, method, url, {**headers, "authorization": f"Bearer {self._token()}"}, body
            )
        return http, answer

    def _exchange(
        self, step: Step, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[HttpAnswer | None, Answer]:
        began = perf_counter()
        try:
            http: HttpAnswer | None = self.run.runtime.outbound.send(method, url, headers, body)
            answer = classify(http.status, http.body, http.headers, step) if http else classify(None, b"", {}, step)
        except OutboundError as error:
            http, answer = None, classify(None, b"", {}, step)
            answer = Answer(Kind.FINAL if error.kind == "address" else answer.kind, answer.code, error.reason)
        cause = ": ".join(filter(None, (answer.cause, answer.said)))
        took = int((perf_counter() - began) * 1000)
        self.tries.append(Try(step.value, answer.kind.value, cause, http.status if http else None, took, clock.now()))
        return http, answer

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
            self._note_token(began, None, error.reason)
            end(Kind.RETRY, "AGS_NO_ANSWER", error.reason)
        except Refused as refusal:
            self._note_token(began, http.status, refusal.seen)
            answer = classify(http.status, http.body, http.headers, Step.TOKEN)
            end(Kind.RETRY, refusal.code, f"No access token: {refusal.seen}", retry_after=answer.retry_after)
        self._note_token(began, http.status, "")
        with self.run.transaction() as session:
            self.tokens.keep(session, route.platform_id, scopes, token)
        return token.value

    def _note_token(self, began: float, status: int | None, cause: str) -> None:
        took = int((perf_counter() - began) * 1000)
        outcome = Kind.RETRY if cause else Kind.DELIVERED
        self.tries.append(Try(Step.TOKEN.value, outcome.value, cause, status, took, clock.now()))

    def _forget_token(self) -> None:
        self.token = None
        with self.run.transaction() as session:
            self.tokens.forget(session, self.route.platform_id)
