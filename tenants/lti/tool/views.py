"""The addresses other LMSs call: login, launch, our public keys, and an activity's resource URL."""

from collections.abc import Sequence
from typing import Any

import orjson
from limits import parse
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.headers import allow_framing
from saas.web.rendering import render_page
from saas.web.sessions import is_framed, remember
from saas.web.views import see_other, uuid_in
from tenants.lti.keys import KeyRing
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.launch import STATE_LIFETIME, Launch
from tenants.lti.tool.login import Login, hash_state
from tenants.lti.tool.statements import ACTIVE_ADDRESSES

#: One browser may begin several launches at once; each has a cookie of its own.
STATE_COOKIE = "lti-"
#: What one address may leave in the log: honest schools share an address, so only refusals are counted.
LOGGED_REFUSALS = parse("120/minute")
#: Platforms may keep our key set this long; keys are published a day before they sign.
JWKS_SECONDS = 600


def pairs_of(request: Request) -> Sequence[tuple[str, str]]:
    """Query and form together, as text; a file where text belongs is dropped."""
    given = [*request.GET.items(), *(request.POST.items() if request.method == "POST" else ())]
    return [(name, value) for name, value in given if isinstance(value, str)]


def browser_of(request: Request) -> dict[str, Any]:
    """What helps to understand cookie trouble; no address, no full user agent."""
    agent = request.user_agent or ""
    known = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
    return {
        "family": next((name for mark, name in known if mark in agent), "another"),
        "framed": is_framed(request),
        "method": request.method,
    }


def may_log(request: Request) -> bool:
    try:
        request.registry.limiter.hit(LOGGED_REFUSALS, "lti.refused", str(request.tenant.id), request.client_addr or "")
    except Refused:
        return False
    return True


@view_defaults(permission=NO_PERMISSION_REQUIRED, require_csrf=False)
class Doors:
    """Cross-site by nature: state, nonce and signature prove the sender, not our CSRF token."""

    def __init__(self, _context: Any, request: Request) -> None:
        self.request = request
        allow_framing(request)

    @view_config(route_name="lti_login", request_method=("GET", "POST"))
    @view_config(route_name="lti_login_platform", request_method=("GET", "POST"))
    def login(self) -> Response:
        request = self.request
        platform_id = uuid_in(request, "platform_id") if "platform_id" in request.matchdict else None
        login = Login(request.runtime, request.tenant, browser_of(request))
        try:
            sent = login.begin(pairs_of(request), platform_id, log_refusal=lambda: may_log(request))
        except Refused as refusal:
            return show_refusal(request, refusal)
        response = Response(status=302, location=sent.address)
        set_state_cookie(request, response, sent.state, int(STATE_LIFETIME.total_seconds()))
        return response

    @view_config(route_name="lti_launch", request_method="POST")
    def launch(self) -> Response:
        request = self.request
        pairs = pairs_of(request)
        state = dict(pairs).get("state", "")
        cookie = request.cookies.get(state_cookie_name(request, state)) if state else None
        launch = Launch(request.runtime, request.tenant, browser_of(request), [cookie] if cookie else [])
        try:
            arrived = launch.arrive(pairs, log_refusal=lambda: may_log(request))
        except Refused as refusal:
            return self._refused(refusal, launch)
        response = see_other(request.route_path("activity", activity_id=arrived.activity_id))
        remember(request, response, arrived.session, SESSION_LIFETIME)
        set_state_cookie(request, response, state, 0)
        return response

    def _refused(self, refusal: Refused, launch: Launch) -> Response:
        """Blocked cookies and a platform that lost its own are mended by one click into a new window."""
        login = launch.conversation.login if launch.conversation else {}
        lost = refusal.code == "LTI13_PLATFORM_ERROR" and "login_required" in refusal.seen
        if login and (refusal.code == "LTI13_COOKIE" or lost):
            fields = {name: value for name, value in login.items() if value}
            problem = self.request.runtime.problems[refusal.code]
            values = {"fields": fields, "problem": problem, "action": self.request.route_path("lti_login")}
            return render_page(self.request, "lti/new_window.html", values, problem.status)
        return show_refusal(self.request, refusal)

    @view_config(route_name="lti_jwks", request_method="GET")
    def jwks(self) -> Response:
        keys = self.request.runtime.part(KeyRing).published(self.request.tenant.id)
        return Response(
            body=orjson.dumps({"keys": keys}),
            content_type="application/json",
            charset=None,
            headers={
                "Cache-Control": f"public, max-age={JWKS_SECONDS}",
                "Cross-Origin-Resource-Policy": "cross-origin",
            },
        )

    @view_config(route_name="lti_resource", request_method="GET")
    def resource(self) -> Response:
        """Opened outside a launch: the same activity for people who can sign in here."""
        return see_other(self.request.route_path("activity", activity_id=uuid_in(self.request, "activity_id")))


def show_refusal(request: Request, refusal: Refused) -> Response:
    return show_problem(request, refusal.code, seen=refusal.seen, wanted=refusal.wanted)


def state_cookie_name(request: Request, state: str) -> str:
    return request.registry.cookie_names(STATE_COOKIE + hash_state(state)[:12])


def set_state_cookie(request: Request, response: Response, state: str, seconds: int) -> None:
    """Must come back on a POST from another site, hence ``SameSite=None``; partitioned inside a frame.

    Browsers take ``Secure`` from localhost over plain http, too, so development works.
    """
    partitioned = "; Partitioned" if is_framed(request) else ""
    name = state_cookie_name(request, state)
    cookie = (
        f"{name}={state if seconds else ''}; Path=/; HttpOnly; Secure; SameSite=None; Max-Age={seconds}{partitioned}"
    )
    response.headerlist.append(("Set-Cookie", cookie))


def frame_origins(request: Request) -> Sequence[str]:
    """Who may frame this academy: the sites of its active platforms."""
    with request.runtime.database.hot(request.tenant.id, write=False) as connection:
        rows = connection.run(ACTIVE_ADDRESSES).all()
    return sorted(filter(None, {origin_of(address) for row in rows for address in row}))


def includeme(config: Configurator) -> None:
    for name, path in (
        ("lti_login", "/lti/login"),
        ("lti_login_platform", "/lti/login/{platform_id}"),
        ("lti_launch", "/lti/launch"),
        ("lti_jwks", "/lti/jwks"),
        ("lti_resource", "/lti/activities/{activity_id}"),
    ):
        config.add_route(name, path, house="academy")
    for path in ("/lti/login", "/lti/launch", "/lti/jwks"):
        config.add_hot_path(path)
    config.set_frame_origins(frame_origins)
    config.scan(__name__)
