"""Pages for launches inside a frame: the conversation with platform storage, and the way into a window of its own."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.problems import Refused
from saas.web.frames import frame_of
from saas.web.headers import allow_framing
from saas.web.rendering import render_page
from saas.web.sessions import cookie_name, is_framed, remember, set_cookie
from saas.web.views import see_other
from tenants.lti.tool.addresses import ENTER_PATH, is_ours
from tenants.lti.tool.handover import LIFETIME, Handover
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.launch import Arrived, Asking
from tenants.lti.tool.login import Sent

#: Set along with the token; in the frame only a browser that keeps cookies there brings it back.
PROBE = "enter"


def is_window(request: Request) -> bool:
    """The browser says that this is a tab of its own; older ones say nothing."""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def may_lose_cookies(request: Request) -> bool:
    """Perhaps in a frame, and nothing has shown yet that our cookies live there."""
    return not is_window(request) and not request.cookies


def is_from_own_page(request: Request) -> bool:
    """Whether a page of ours sent this: nobody else can make a browser say so."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return is_ours(request.tenant, request.runtime.settings.web, request.headers.get("Origin", ""))


def keep_in_storage(request: Request, sent: Sent) -> Response:
    """Then on to the platform, whatever the storage says; a link for those without scripts."""
    return _converse(request, {"talk": sent.keep, "address": sent.address})


def ask_storage(request: Request, asking: Asking) -> Response:
    """The same launch once more, with what the storage answers; without scripts with nothing, which leads on too."""
    return _converse(request, {"talk": asking.talk, "address": request.path, "fields": asking.fields})


def _converse(request: Request, values: dict[str, Any]) -> Response:
    return render_page(request, "lti/storage.html", values)


def hand_over(request: Request, arrived: Arrived) -> Response:
    """Where cookies may not live: the way in is an address that works once."""
    with request.runtime.database.hot(request.tenant.id) as connection:
        token = Handover(connection).offer(arrived.session)
    response = see_other(request.route_path("lti_enter", token=token))
    set_cookie(request, response, PROBE, token, lifetime=LIFETIME)
    return response


@view_config(route_name="lti_enter", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def enter(_context: Any, request: Request) -> Response:
    """Goes in where a cookie can live: in a tab of its own, or in a frame that has just shown it."""
    allow_framing(request)
    token = request.matchdict["token"]
    if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
        return Response(status=204)
    if not _may_enter(request, token):
        return _one_click(request, token)
    with request.runtime.database.hot(request.tenant.id) as connection:
        arrived = Handover(connection).take(token)
    if arrived is None:
        return _too_late(request)
    response = see_other(request.route_path("activity", activity_id=arrived.activity_id))
    remember(request, response, arrived.session, SESSION_LIFETIME)
    set_cookie(request, response, PROBE, "")
    return response


def _may_enter(request: Request, token: str) -> bool:
    """An address somebody else sends signs nobody in: it must be our own button, or the browser that launched."""
    if request.cookies.get(cookie_name(request, PROBE)) == token:
        return True
    return not is_framed(request) and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"


def _one_click(request: Request, token: str) -> Response:
    with request.runtime.database.hot(request.tenant.id, write=False) as connection:
        about = Handover(connection).peek(token)
    if about is None:
        raise Refused("LTI_ENTRANCE")
    allow_framing(request, about.get("origin", ""))
    values = {"url": request.path, "problem": None, **frame_of(about)}
    return render_page(request, "lti/new_window.html", values)


def _too_late(request: Request) -> Response:
    """Whoever pressed the button twice is in already."""
    activity_id = request.identity.about.get("activity") if request.identity else None
    if activity_id is None:
        raise Refused("LTI_ENTRANCE")
    return see_other(request.route_path("activity", activity_id=activity_id))


def one_more_click(request: Request, url: str, code: str) -> Response:
    """A launch that failed for want of cookies: begun again in a tab of its own, or here once cookies are allowed."""
    problem = request.problem(code)
    return render_page(request, "lti/new_window.html", {"url": url, "problem": problem}, problem.status)


def includeme(config: Configurator) -> None:
    config.add_route("lti_enter", f"{ENTER_PATH}/{{token}}", house="academy")
    config.add_hot_path(f"{ENTER_PATH}/")
    config.scan(__name__)
