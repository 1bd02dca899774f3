"""What every service of ours does around its own work: who asks, may it, and the line in the log, done or refused.

Outside the request's transaction: a refusal is kept although what it refused is undone.
"""

import base64
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_last_attempt

from saas.addresses import add_query
from saas.db.hot import HotConnection
from saas.db.rows import Keeper, Runner
from saas.db.scope import ScopedSession
from saas.problems import Problem, Refused
from tenants.learning.quick import NotSimpleError
from tenants.lti.availability import require_lti
from tenants.lti.platform.bearer import token_holder
from tenants.lti.platform.log import Service, note_call
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.tool.views import may_log

JSON = "application/json"


@dataclass(slots=True)
class Knock:
    """One call, as far as it is understood; filled in on the way, so that the log knows whose a refusal is, too.

    ``is_proven``: it is ``tool`` that knocks, not somebody who knows its client ID.
    """

    service: Service
    tool: Tool | None = None
    is_proven: bool = False
    link_id: UUID | None = None
    person_id: UUID | None = None
    seen: str = ""


Act = Callable[[ScopedSession, Tool, Knock], Response]
QuickAct = Callable[[HotConnection, Tool, Knock], Response]


class ServiceDoor:
    """Base of the service views: bearer tokens, JSON, no cookies, no CSRF token. ``kind``: of the tools it is for."""

    kind = ToolKind.LTI

    def __init__(self, _context: Any, request: Request) -> None:
        self.request = request

    def serve(self, service: Service, scopes: Collection[str], act: Act) -> Response:
        """``act`` works inside one transaction, as the tool of the token, which has one of ``scopes``."""
        request, knock = self.request, Knock(service)
        try:
            with request.runtime.database.transaction(request.tenant.id) as session:
                tool = self._enter(session, scopes, knock)
                response = act(session, tool, knock)
                keep(session, knock, response.status_int, "", knock.seen)
        except Refused as refusal:
            return self._refuse(knock, refusal, scopes)
        except sa.exc.IntegrityError as error:
            return self._refuse(knock, vanished(request, error), scopes)
        return response

    def serve_quickly(self, service: Service, scopes: Collection[str], act: QuickAct) -> Response | None:
        """The same in scoped statements; None for what only `serve` can do, with everything undone."""
        request, knock = self.request, Knock(service)
        try:
            with request.runtime.database.hot(request.tenant.id) as connection:
                tool = self._enter(connection, scopes, knock)
                response = act(connection, tool, knock)
                keep(connection, knock, response.status_int, "", knock.seen)
        except NotSimpleError:
            return None
        except Refused as refusal:
            return self._refuse(knock, refusal, scopes)
        except sa.exc.IntegrityError as error:
            return self._refuse(knock, vanished(request, error), scopes)
        return response

    def _enter(self, runner: Runner, scopes: Collection[str], knock: Knock) -> Tool:
        self.require_feature()
        holder = token_holder(runner, self.request.headers.get("Authorization", ""), self.kind)
        knock.tool, knock.is_proven = holder.tool, True
        holder.require(scopes)
        return holder.tool

    def require_feature(self) -> None:
        """`Refused` where the academy has not what the door is for."""
        require_lti(self.request.tenant)

    def _refuse(self, knock: Knock, refusal: Refused, scopes: Collection[str]) -> Response:
        request = self.request
        response = refuse(request, knock, refusal)
        if response.status_int == 401:
            said = "" if refusal.code == "CALL_TOKEN_MISSING" else ', error="invalid_token"'
            response.headers["WWW-Authenticate"] = f'Bearer realm="{request.tenant.host}"{said}'
        elif refusal.code == "CALL_SCOPE":
            named = f'error="insufficient_scope", scope="{" ".join(scopes)}"'
            response.headers["WWW-Authenticate"] = f'Bearer realm="{request.tenant.host}", {named}'
        return response

    def id_in(self, name: str) -> UUID:
        """`Refused` CALL_NOT_YOURS for what is no id."""
        with suppress(ValueError):
            return UUID(self.request.matchdict[name])
        raise Refused("CALL_NOT_YOURS", seen=f"the address {self.request.path[:200]}", wanted="an address given here")


def vanished(request: Request, error: sa.exc.IntegrityError) -> Refused:
    """For a row that points to what was removed at the same moment. Raises ``error`` while a second look may tell."""
    if getattr(error, "retryable", False) and not is_last_attempt(request):
        raise error
    return Refused("CALL_NOT_YOURS", seen="removed while the call was served", wanted="what is still there")


def note_refusal(request: Request, knock: Knock, refusal: Refused) -> None:
    """In the log, in a transaction of its own."""
    with request.runtime.database.hot(request.tenant.id) as connection:
        seen = f"{refusal.seen}; wanted: {refusal.wanted}" if refusal.wanted else refusal.seen
        keep(connection, knock, request.problem(refusal.code).status, refusal.code, seen)


def refuse(request: Request, knock: Knock, refusal: Refused, error: str = "") -> Response:
    """The refusal in JSON, kept in the log; strangers may fill only so much of it."""
    problem = request.problem(refusal.code)
    request.runtime.metrics.refusals.labels(refusal.code).inc()
    if knock.is_proven or may_log(request):
        note_refusal(request, knock, refusal)
    words = f"{problem.title}: {refusal.seen}" if refusal.seen else problem.title
    return json_response(
        {"error": error or refusal.code.lower(), "error_description": words, "code": refusal.code, "id": request.id},
        status=problem.status,
    )


def problem_of(request: Request, problem: Problem) -> Response:
    """What the rest of the program says to a tool, in JSON as well."""
    error = {"error": problem.code.lower(), "error_description": problem.title, "code": problem.code, "id": request.id}
    return json_response(error, status=problem.status)


def keep(keeper: Keeper, knock: Knock, status: int, code: str, seen: str) -> None:
    note_call(
        keeper, knock.service, status=status, code=code, seen=seen, tool=knock.tool, link_id=knock.link_id,
        person_id=knock.person_id,
    )  # fmt: skip


def json_response(document: object, content_type: str = JSON, status: int = 200) -> Response:
    """Never stored by anybody in between (RFC 6749 §5.1)."""
    body = b"" if document is None else orjson.dumps(document)
    response = Response(body=body, status=status, content_type=content_type, charset=None)
    response.headers["Cache-Control"] = "no-store"
    return response


def limit_in(request: Request, usual: int, most: int) -> int:
    """What cannot be read, or makes no sense, is as good as not said."""
    said = request.GET.get("limit", "")
    number = int(said) if said.isascii() and said.isdigit() and len(said) <= 9 else 0
    return min(number, most) if number > 0 else usual


def cursor_in(request: Request) -> UUID | None:
    """Where the page before ended. `Refused` CALL_SHAPE for a cursor we never gave."""
    said = request.GET.get("cursor")
    if said is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(f"{said}=="))
    except ValueError:
        raise Refused("CALL_SHAPE", seen="cursor", wanted="the address of the next page as it was given") from None


def link_next(response: Response, request: Request, url: str, last: UUID) -> None:
    """``Link`` to the page after ``last`` (RFC 8288), with the question as it was asked."""
    cursor = base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")
    asked = {name: value for name, value in request.GET.items() if name != "cursor"}
    response.headers["Link"] = f'<{add_query(url, {**asked, "cursor": cursor})}>; rel="next"'
