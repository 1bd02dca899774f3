"""Every failure as a page people can act on: code, cause, who can fix it and how, and the request's id.

An unexpected exception is the only 500; it says nothing of itself but the id under which the log has the rest.
"""

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

from saas import clock
from saas.problems import Problem, Refused
from saas.web.rendering import render_block, render_page

log = structlog.get_logger()

PROBLEMS = (
    Problem(
        "HOST_UNKNOWN",
        421,
        "There is no academy at this address",
        "No academy answers to this host name.",
        "You, or whoever gave you the address",
        "Check the spelling of the address; ask your academy for the right one.",
    ),
    Problem(
        "TENANT_SUSPENDED",
        403,
        "This academy is closed for now",
        "The operator has suspended this academy.",
        "The academy's admin, with the operator",
        "Ask your academy's admin. Nothing has been deleted.",
    ),
    Problem(
        "TENANT_UNKNOWN",
        404,
        "There is no such academy",
        "No academy has this short name.",
        "You",
        "Check the spelling, or list the academies.",
    ),
    Problem(
        "TENANT_SLUG",
        422,
        "The short name cannot be used",
        "A short name has 2 to 40 characters: a–z, digits and hyphens, and begins with a letter.",
        "You",
        "Choose another short name.",
    ),
    Problem(
        "TENANT_NAME", 422, "The academy needs a name", "The name is empty.", "You", "Enter the name people will see."
    ),
    Problem(
        "TENANT_EXISTS",
        409,
        "This short name is taken",
        "Another academy has this short name.",
        "You",
        "Choose another short name.",
    ),
    Problem(
        "TENANT_HOST",
        422,
        "This is not a host name",
        "A host name has letters, digits, hyphens and dots, no scheme, port or path, and is not the operator's own.",
        "You",
        "Enter it like academy.example.org.",
    ),
    Problem(
        "TENANT_HOST_TAKEN",
        409,
        "This host name is taken",
        "Another academy answers at this host name.",
        "You",
        "Choose another host name.",
    ),
    Problem(
        "FEATURE_UNKNOWN",
        422,
        "There is no such feature",
        "Only listed features can be switched.",
        "You",
        "Use one of the features named.",
    ),
    Problem(
        "WEB_BAD_REQUEST",
        400,
        "The request could not be read",
        "It is not well-formed.",
        "Whoever sent it",
        "Go back and try again; if a program sent it, check what it sends.",
    ),
    Problem(
        "WEB_FORBIDDEN",
        403,
        "You may not do this",
        "Your role does not include it.",
        "Your academy's admin",
        "Ask for the role you need.",
    ),
    Problem(
        "WEB_NOT_FOUND",
        404,
        "There is nothing here",
        "The address is wrong, or what was here is gone.",
        "You",
        "Check the address, or start from the home page.",
    ),
    Problem(
        "WEB_METHOD",
        405,
        "This address does not work that way",
        "The page exists but not for this kind of request.",
        "Whoever sent it",
        "Open the page from its link or form.",
    ),
    Problem(
        "WEB_TOO_LARGE",
        413,
        "That is too much at once",
        "The request is larger than this address accepts.",
        "You",
        "Send less, for example a smaller file.",
    ),
    Problem(
        "WEB_CSRF",
        403,
        "The page was too old to be sent",
        "The form's proof of origin does not match your session, usually because you signed in again meanwhile.",
        "You",
        "Go back, reload the page and send it again.",
    ),
    Problem(
        "WEB_ORIGIN",
        403,
        "The request came from another site",
        "Forms of this academy can only be sent from its own pages.",
        "You",
        "Open the page here and send it again.",
    ),
    Problem(
        "WEB_RATE",
        429,
        "Too many attempts",
        "This was tried too often in a short time from your network.",
        "You",
        "Wait a few minutes and try again.",
    ),
    Problem(
        "WEB_UNAVAILABLE",
        503,
        "We cannot reach our database",
        "Nothing was saved. This is on our side.",
        "The operator",
        "Try again in a minute.",
    ),
    Problem(
        "WEB_ERROR",
        500,
        "Something went wrong on our side",
        "The program met an error it does not know.",
        "The operator",
        "Try again; if it stays, report the request id.",
    ),
)

_BY_STATUS = {
    400: "WEB_BAD_REQUEST",
    403: "WEB_FORBIDDEN",
    404: "WEB_NOT_FOUND",
    405: "WEB_METHOD",
    413: "WEB_TOO_LARGE",
}


def show_problem(request: Request, code: str, *, seen: str = "", wanted: str = "", **more: Any) -> Any:
    """The page of a problem; for htmx, only the notice, placed where the layout keeps problems."""
    problem = request.runtime.problems[code]
    request.runtime.metrics.refusals.labels(code).inc()
    values = {"problem": problem, "status": problem.status, "seen": seen, "wanted": wanted, "at": clock.now(), **more}
    values = {"action": None, "retry_url": None, **values}
    if request.htmx:
        request.response.headers.update({"HX-Retarget": "#problems", "HX-Reswap": "innerHTML"})
        request.response.text = render_block(request, "error.html#problem", values)
        request.response.status_int = problem.status
        return request.response
    return render_page(request, "error.html", values, problem.status)


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
    """Strangers are sent to sign in and come back; people without the right are told so."""
    if request.identity is not None or not request.registry.sign_in_route:
        return show_problem(request, "WEB_FORBIDDEN")
    query = {"next": request.path_qs} if request.method == "GET" and not request.htmx else {}
    address = request.route_path(request.registry.sign_in_route, _query=query)
    if request.htmx:
        request.response.headers["HX-Redirect"] = address
        return request.response
    return HTTPSeeOther(address)


def unavailable(error: Exception, request: Request) -> Any:
    log.error("database unavailable", error=type(error).__name__)
    return show_problem(request, "WEB_UNAVAILABLE")


def unexpected(error: Exception, request: Request) -> Any:
    log.error("unexpected error", exc_info=error)
    return show_problem(request, "WEB_ERROR")


def _collect_methods(config: Configurator) -> None:
    methods: dict[str, set[str]] = {}
    for entry in config.introspector.get_category("views") or ():
        view = entry["introspectable"]
        if view["route_name"] and view["request_methods"]:
            methods.setdefault(view["route_name"], set()).update(view["request_methods"])
    config.registry.route_methods = methods


def includeme(config: Configurator) -> None:
    config.registry.runtime.problems.add(PROBLEMS)
    config.registry.sign_in_route = None
    config.add_exception_view(unexpected, context=Exception)
    config.add_exception_view(unavailable, context=sa.exc.OperationalError)
    config.add_exception_view(unavailable, context=sa.exc.TimeoutError)
    config.add_exception_view(malformed, context=UnicodeDecodeError)
    config.add_exception_view(refused, context=Refused)
    config.add_exception_view(stale_form, context=BadCSRFToken)
    config.add_exception_view(http_error, context=HTTPException)
    config.add_notfound_view(not_found)
    config.add_forbidden_view(forbidden)
    config.action("lyceum.route_methods", lambda: _collect_methods(config), order=10_000)
