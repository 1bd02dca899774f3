"""Every failure as a page people can act on: code, cause, who can fix it and how, and the request's id.

An unexpected exception is the only 500; it says nothing of itself but the id under which the log has the rest.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa
import structlog
from pyramid.config import Configurator
from pyramid.csrf import BadCSRFToken
from pyramid.httpexceptions import (
    HTTPException,
    HTTPForbidden,
    HTTPNotFound,
    HTTPRedirection,
    HTTPSeeOther,
    HTTPSuccessful,
)
from pyramid.request import Request
from pyramid.response import Response
from pyramid_retry import is_error_retryable
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from translationstring import TranslationString

from saas import clock
from saas.problems import Problem, Refused
from saas.web.i18n import DOMAIN
from saas.web.problems import PROBLEMS
from saas.web.rendering import render_block, render_page

log = structlog.get_logger()

ProblemFormat = Callable[[Request, Problem], Response]

_BY_STATUS = {
    400: "WEB_BAD_REQUEST",
    403: "WEB_FORBIDDEN",
    404: "WEB_NOT_FOUND",
    405: "WEB_METHOD",
    413: "WEB_TOO_LARGE",
}


#: Seconds after which it may be tried again, and with which answers that is said.
AGAIN = 60
_BUSY = frozenset({429, 503})


def problem_of(request: Request, code: str) -> Problem:
    """The catalogue's words in the language of whoever asks."""
    problem = request.runtime.problems[code]
    texts = {name: getattr(problem, name) for name in ("title", "cause", "owner", "remedy")}
    say = request.localizer.translate
    return replace(problem, **{name: say(TranslationString(text, domain=DOMAIN)) for name, text in texts.items()})


def show_problem(request: Request, code: str, *, seen: str = "", wanted: str = "", **more: Any) -> Any:
    """The page of a problem; for htmx, only the notice, placed where the layout keeps problems; for programs, JSON, or
    what their route has for them (`add_problem_format`).

    ``plain=True`` asks neither the academy nor the person, for when the database may not answer.
    """
    return say_when(_shown(request, code, seen=seen, wanted=wanted, **more))


def say_when(response: Any) -> Any:
    """Programs that were told that it is too much, or that we cannot now, come back by this (RFC 9110 §10.2.3)."""
    if response.status_int in _BUSY:
        response.headers["Retry-After"] = str(AGAIN)
    return response


def _shown(request: Request, code: str, *, seen: str, wanted: str, **more: Any) -> Any:
    problem = problem_of(request, code)
    request.runtime.metrics.refusals.labels(code).inc()
    if write := _own_format(request):
        return write(request, problem)
    values = {"problem": problem, "status": problem.status, "seen": seen, "wanted": wanted, "at": clock.now(), **more}
    values = {"action": None, "retry_url": None, **values}
    if _wants_json(request):
        request.response.content_type = "application/json"
        request.response.json_body = {**asdict(problem), "request": request.id}
        request.response.status_int = problem.status
        return request.response
    if request.htmx:
        request.response.headers.update({"HX-Retarget": "#problems", "HX-Reswap": "innerHTML"})
        request.response.text = render_block(request, "error.html#problem", values)
        request.response.status_int = problem.status
        return request.response
    return render_page(request, "error.html", values, problem.status)


def add_problem_format(config: Configurator, route_name: str, write: ProblemFormat, path: str = "") -> None:
    """For programs that read nothing but one format; the answer's status is the problem's.

    ``path``: also for what is refused before a route is looked for, such as a closed academy.
    """
    config.registry.problem_formats[route_name] = write
    if path:
        config.registry.problem_paths[path] = write


def _own_format(request: Request) -> ProblemFormat | None:
    route = getattr(request, "matched_route", None)
    formats: dict[str, ProblemFormat] = request.registry.problem_formats
    paths: dict[str, ProblemFormat] = request.registry.problem_paths
    return formats.get(route.name) if route is not None else paths.get(request.environ.get("PATH_INFO", ""))


def _wants_json(request: Request) -> bool:
    accepted = request.environ.get("HTTP_ACCEPT", "")
    return "application/json" in accepted and "html" not in accepted and not request.htmx


def refused(error: Refused, request: Request) -> Any:
    log.info("refused", code=error.code, seen=error.seen, wanted=error.wanted)
    return show_problem(request, error.code, seen=error.seen, wanted=error.wanted)


def malformed(_error: Exception, request: Request) -> Any:
    return show_problem(request, "WEB_BAD_REQUEST")


def stale_form(_error: Exception, request: Request) -> Any:
    return show_problem(request, "WEB_CSRF")


def http_error(error: HTTPException, request: Request) -> Any:
    if isinstance(error, HTTPRedirection | HTTPSuccessful):
        return error
    return show_problem(request, _BY_STATUS.get(error.status_int, "WEB_BAD_REQUEST"))


def not_found(_error: HTTPNotFound, request: Request) -> Any:
    """A known address asked with another method is 405 with the methods it has."""
    methods = request.registry.route_methods.get(request.matched_route.name) if request.matched_route else None
    if methods and request.method not in methods:
        response = show_problem(request, "WEB_METHOD")
        response.allow = sorted(methods)
        return response
    return show_problem(request, "WEB_NOT_FOUND")


def forbidden(_error: HTTPForbidden, request: Request) -> Any:
    """Strangers are sent to sign in and come back to the page they were on; people without the right are told so."""
    if request.identity is not None or not request.registry.sign_in_route:
        return show_problem(request, "WEB_FORBIDDEN")
    address = request.route_path(request.registry.sign_in_route, _query=_way_back(request))
    if request.htmx:
        request.response.headers["HX-Redirect"] = address
        return request.response
    return HTTPSeeOther(address)


def _way_back(request: Request) -> dict[str, str]:
    """For a form or a part of a page: the page it stood on, which the browser names."""
    if request.method == "GET" and not request.htmx:
        return {"next": request.path_qs}
    page = request.headers.get("HX-Current-URL") or request.referer or ""
    own = f"{request.host_url}/"
    return {"next": page[len(own) - 1 :]} if page.startswith(own) else {}


def unavailable(error: Exception, request: Request) -> Any:
    log.error("database unavailable", error=type(error).__name__)
    return show_problem(request, "WEB_UNAVAILABLE", plain=True)


def overtaken(error: Exception, request: Request) -> Any:
    """What others changed at the same moment, also at the last retry; a bug of ours would show in the log."""
    log.error("changes collided", exc_info=error)
    return show_problem(request, "WEB_CONFLICT")


def unexpected(error: Exception, request: Request) -> Any:
    log.error("unexpected error", exc_info=error)
    return show_problem(request, "WEB_ERROR", plain=True)


def last_resort_tween(handler: Callable[[Request], Any], _registry: object) -> Callable[[Request], Any]:
    """When even the page of an error fails (ASVS 16.5.4): the id, in plain text."""

    def tween(request: Request) -> Any:
        try:
            return handler(request)
        except Exception as error:
            if is_error_retryable(request, error):
                raise
            log.critical("the error page failed", exc_info=error)
            return Response(f"Something went wrong. Request {request.id}\n", status=500, content_type="text/plain")

    return tween


def _collect_methods(config: Configurator) -> None:
    methods: dict[str, set[str]] = {}
    for entry in config.introspector.get_category("views") or ():
        view = entry["introspectable"]
        if view["route_name"] and view["request_methods"]:
            given = view["request_methods"]
            methods.setdefault(view["route_name"], set()).update({given} if isinstance(given, str) else given)
    config.registry.route_methods = methods


def includeme(config: Configurator) -> None:
    config.registry.runtime.problems.add(PROBLEMS)
    config.registry.sign_in_route = None
    config.registry.problem_formats, config.registry.problem_paths = {}, {}
    config.add_directive("add_problem_format", add_problem_format)
    for view, errors in (
        (unexpected, (Exception,)),
        (unavailable, (sa.exc.OperationalError, sa.exc.InternalError, sa.exc.InterfaceError, sa.exc.TimeoutError)),
        (overtaken, (sa.exc.IntegrityError, StaleDataError, ObjectDeletedError)),
        (malformed, (UnicodeError, sa.exc.DataError)),
    ):
        for error in errors:
            config.add_exception_view(view, context=error)
    config.add_exception_view(refused, context=Refused)
    config.add_exception_view(stale_form, context=BadCSRFToken)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
    config.add_request_method(problem_of, "problem")
    config.add_tween(
        "saas.web.errors.last_resort_tween",
        under="saas.web.headers.tween_factory",
        over="saas.web.transactions.retry_tween",
    )
    config.action("lyceum.route_methods", lambda: _collect_methods(config), order=10_000)
