"""Moodle's web service, ``/webservice/rest/server.php``: Zoom's servers call it when a meeting is made, moved, deleted.

No session, no cookie, no page: the token is all there is, and Moodle answers every fault with status 200.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from limits import parse
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config
from pyramid_retry import is_last_attempt

from saas.problems import Problem, Refused
from saas.web.errors import say_when
from saas.web.guards import UNREADABLE, OwnRate, counted_address
from tenants.lti.platform.bearer import bearer_in
from tenants.lti.tool.views import may_log
from tenants.zoom.ltipro.addresses import REST_PATH
from tenants.zoom.ltipro.calendar_calls import CalendarCall
from tenants.zoom.ltipro.tokens import hash_of_token
from tenants.zoom.ltipro.zoom_log import Line, TriedTokens, hint_of, keep
from tenants.zoom.settings import ZoomSettings
from tenants.zoom.wire.moodle_answers import CONTENT_TYPES, INVALID_PARAMETER, INVALID_TOKEN, Fault, render_fault
from tenants.zoom.wire.moodle_rest import MAX_PAIRS, Format, RestCall

MAX_BODY = 256 * 1024
#: Longer ones are nobody's, and are not even hashed.
MAX_TOKEN = 1024
MULTIPART = "multipart/form-data"


@view_config(
    route_name="zoom_rest",
    request_method=("GET", "POST"),
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=False,
    raw_body=True,
    max_body=MAX_BODY,
)
def serve(_context: Any, request: Request) -> Response:
    if request.method == "HEAD":
        return Response(status=204)
    try:
        call = RestCall.read(pairs_in(request), bearer_in(request.headers.get("Authorization", "")))
    except UNREADABLE:
        return refuse(request, "ZOOM_CALL_PARAMETERS", "a body that is no form", INVALID_PARAMETER)
    academy, address = str(request.tenant.id), counted_address(request)
    try:
        count(request, academy, address, call)
    except Refused:
        return refuse(request, "ZOOM_CALL_RATE", "", status=429, wanted=call.format)
    tried: TriedTokens = request.registry.zoom_tokens
    if len(call.token) > MAX_TOKEN:
        return refuse(request, "ZOOM_CALL_TOKEN", hint_of(call.token), INVALID_TOKEN, wanted=call.format)
    is_guessing = tried.is_guessing(academy, address)
    serving = CalendarCall(request.runtime, request.tenant, call, is_guessing=is_guessing)
    try:
        answered = serving.answer(lambda: may_log(request))
    except sa.exc.IntegrityError as error:
        if getattr(error, "retryable", False) and not is_last_attempt(request):
            raise
        return refuse(request, "ZOOM_CALL_PLACE", "removed while the call was served", INVALID_PARAMETER)
    if serving.is_unknown and call.token:
        tried.note(academy, address, call.token)
    if answered.code:
        request.runtime.metrics.refusals.labels(answered.code).inc()
    return answer(answered.body, call.format)


def count(request: Request, academy: str, address: str, call: RestCall) -> None:
    """Raises `Refused` for too many calls from one address, or with one token from wherever."""
    rate: OwnRate = request.registry.zoom_calls
    rate.hit(academy, "address", address)
    rate.hit(academy, "token", hash_of_token(call.token[:MAX_TOKEN]))


def pairs_in(request: Request) -> Sequence[tuple[str, str]]:
    """Query and form; files, and parts without a name, are passed over. Raises one of `UNREADABLE`."""
    pairs = list(request.GET.items())
    if request.method != "POST":
        return pairs
    if (request.content_type or "").lower() == MULTIPART:
        fields = request.POST.items()
        return [*pairs, *(each for each in fields if isinstance(each[0], str) and isinstance(each[1], str))]
    body = request.body.decode("utf-8", "replace")
    return [*pairs, *parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_PAIRS)]


def answer(body: bytes, wanted: Format, status: int = 200) -> Response:
    """Never stored by anybody in between."""
    response = Response(body=body, status=status)
    response.headers["Content-Type"] = CONTENT_TYPES[wanted]
    response.headers["Cache-Control"] = "no-store"
    answered: Response = say_when(response)
    return answered


def refuse(
    request: Request,
    code: str,
    seen: str,
    fault: Fault | None = None,
    *,
    status: int = 200,
    wanted: Format | None = None,
) -> Response:
    """Before any profile was looked for; strangers may fill only so much of the log."""
    request.runtime.metrics.refusals.labels(code).inc()
    if may_log(request):
        with request.runtime.database.hot(request.tenant.id) as connection:
            keep(connection, Line(code, seen), lambda: True, status)
    fault = fault or Fault("moodle_exception", code.lower(), request.problem(code).title)
    return answer(render_fault(fault, wanted or format_in(request)), wanted or format_in(request), status)


def format_in(request: Request) -> Format:
    """Of a call that could not be read as a whole: as far as its address says."""
    with suppress(*UNREADABLE):
        return Format.JSON if request.GET.get("moodlewsrestformat") == Format.JSON else Format.XML
    return Format.XML


def problem_of(request: Request, problem: Problem) -> Response:
    """What the rest of the program refuses: another method, a body that is too large, a closed academy."""
    if problem.status in (400, 413) and request.tenant is not None and request.tenant.active:
        with suppress(sa.exc.SQLAlchemyError):
            return refuse(request, problem.code, problem.title, _fault_of(problem), status=problem.status)
    return answer(render_fault(_fault_of(problem), format_in(request)), format_in(request), problem.status)


def _fault_of(problem: Problem) -> Fault:
    return Fault("moodle_exception", problem.code.lower(), problem.title)


def includeme(config: Configurator) -> None:
    settings = config.registry.runtime.source.section("zoom", ZoomSettings)
    config.registry.zoom_tokens = TriedTokens()
    config.registry.zoom_calls = OwnRate(parse(settings.calls))
    config.add_route("zoom_rest", REST_PATH, house="academy")
    config.add_hot_path(REST_PATH)
    config.add_problem_format("zoom_rest", problem_of, REST_PATH)
    config.scan(__name__)
