"""The addresses other LMSs call: login, launch, our public keys, and an activity's resource URL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from limits import parse
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.addresses import add_query
from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.guards import OwnRate, counted_address
from saas.web.headers import allow_framing
from saas.web.i18n import _
from saas.web.rendering import translate
from saas.web.sessions import is_framed, remember
from saas.web.views import see_other, uuid_in
from tenants.lti.keys import KeyRing
from tenants.lti.own_question import is_own_question
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.deep_linking import Picking
from tenants.lti.tool.frame_views import (
    ask_storage,
    hand_over,
    is_from_own_page,
    is_window,
    keep_in_storage,
    may_lose_cookies,
    one_more_click,
)
from tenants.lti.tool.introduction_views import ask_to_sign_in
from tenants.lti.tool.introductions import SignInAsked
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.launch import STATE_LIFETIME, Asking, Launch, Proofs
from tenants.lti.tool.login import Login, hash_state
from tenants.lti.tool.review import Reviewing
from tenants.lti.tool.statements import ACTIVE_ADDRESSES
from tenants.lti.wire.dialects import frames_of
from tenants.lti.wire.storage import NONCE_FIELD, STATE_FIELD

#: One browser may begin several launches at once; each has a cookie of its own.
STATE_COOKIE = "lti-"
#: Refusals of a launch that a new login may well mend.
BEGIN_AGAIN = frozenset({"LTI13_STATE", "LTI13_EXPIRED", "LTI13_TOO_OLD", "LTI13_NONCE", "LTI13_JWKS_UNREACHABLE"})
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
    """Of strangers only so much, and nothing of what we ask ourselves."""
    if is_own_question(request):
        return False
    try:
        request.registry.limiter.hit(LOGGED_REFUSALS, "lti.refused", str(request.tenant.id), counted_address(request))
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
            request.registry.logins.hit(str(request.tenant.id), counted_address(request))
            sent = login.begin(pairs_of(request), platform_id, log_refusal=lambda: may_log(request))
        except Refused as refusal:
            return show_refusal(request, refusal)
        if sent.keep is not None and may_lose_cookies(request):
            response = keep_in_storage(request, sent)
        else:
            response = Response(status=302, location=sent.address)
        set_state_cookie(request, response, sent.state, int(STATE_LIFETIME.total_seconds()))
        return response

    @view_config(route_name="lti_launch", request_method="POST")
    def launch(self) -> Response:
        request = self.request
        pairs = pairs_of(request)
        state = dict(pairs).get("state", "")
        launch = Launch(request.runtime, request.tenant, browser_of(request), proofs_of(request, dict(pairs)))
        try:
            arrived = launch.arrive(pairs, log_refusal=lambda: may_log(request))
        except Refused as refusal:
            return Refusal(request, refusal, launch).page()
        if isinstance(arrived, Asking):
            return ask_storage(request, arrived)
        if isinstance(arrived, Picking | Reviewing):
            page = "lti_pick" if isinstance(arrived, Picking) else "lti_review"
            response = see_other(request.route_path(page, token=arrived.token))
        elif not launch.proofs.cookies:
            response = hand_over(request, arrived)
        else:
            response = see_other(request.route_path("activity", activity_id=arrived.activity_id))
            remember(request, response, arrived.session, SESSION_LIFETIME)
        set_state_cookie(request, response, state, 0)
        return response

    @view_config(route_name="lti_jwks", request_method="GET")
    def jwks(self) -> Response:
        keys = self.request.runtime.part(KeyRing).published(self.request.tenant.id)
        response = Response(body=orjson.dumps({"keys": keys}), content_type="application/json", charset=None)
        response.headers["Cache-Control"] = f"public, max-age={JWKS_SECONDS}"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @view_config(route_name="lti_resource", request_method="GET")
    def resource(self) -> Response:
        """Opened outside a launch: the same activity for people who can sign in here."""
        return see_other(self.request.route_path("activity", activity_id=uuid_in(self.request, "activity_id")))


def proofs_of(request: Request, posted: Mapping[str, str]) -> Proofs:
    """Answers of platform storage count from our own page alone: whoever begins a login knows what they should be."""
    state = posted.get("state", "")
    cookie = request.cookies.get(state_cookie_name(request, state)) if state else None
    answered = STATE_FIELD in posted and is_from_own_page(request)
    stored = {name: posted.get(name, "") for name in (STATE_FIELD, NONCE_FIELD)} if answered else None
    return Proofs([cookie] if cookie else [], stored, may_ask=not is_window(request))


def show_refusal(request: Request, refusal: Refused, **ways: Any) -> Response:
    if isinstance(refusal, SignInAsked):
        return ask_to_sign_in(request, refusal.token)
    return show_problem(request, refusal.code, seen=refusal.seen, wanted=refusal.wanted, **ways)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused launch as a page that leads on wherever something can: never into a loop, always one click."""

    request: Request
    refusal: Refused
    launch: Launch

    def page(self) -> Response:
        again = self._again()
        if again and self._needs_a_window():
            return one_more_click(self.request, again, self.refusal.code)
        retry = again if self.refusal.code in BEGIN_AGAIN else None
        return show_refusal(self.request, self.refusal, retry_url=retry, action=self._onward())

    def _needs_a_window(self) -> bool:
        """Blocked cookies: ours, or the platform's own, so that it does not know its person any more."""
        lost = self.refusal.code == "LTI13_PLATFORM_ERROR" and "login_required" in self.refusal.seen
        return (lost and not is_window(self.request)) or self.refusal.code == "LTI13_COOKIE"

    def _again(self) -> str | None:
        """Our login address with what the platform had sent to it."""
        begun = self.launch.begun
        if begun is None or begun.platform_id is None or not begun.login:
            return None
        fields = {name: value for name, value in begun.login.items() if value is not None}
        return add_query(self.request.route_path("lti_login_platform", platform_id=begun.platform_id), fields)

    def _onward(self) -> tuple[str, str] | None:
        """Who came back to a launch of their own (the browser's Back) may simply go on."""
        begun, identity = self.launch.begun, self.request.identity
        if begun is None or begun.activity_id is None or identity is None or identity.id != begun.person_id:
            return None
        return translate(_("Go on")), self.request.route_path("activity", activity_id=begun.activity_id)


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
    """Who may frame this academy: the sites of its active platforms and consumers, and where this session came from."""
    with request.runtime.database.hot(request.tenant.id, write=False) as connection:
        rows = connection.run(ACTIVE_ADDRESSES)
    addresses = {address for row in rows for address in row}
    around = request.identity.about.get("origin", "") if request.identity else ""
    clouds = {pattern for address in addresses for pattern in frames_of(address)}
    return sorted(filter(None, {*map(origin_of, addresses), around, *clouds}))


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
    config.include("tenants.lti.tool.views11")
    config.include("tenants.lti.tool.frame_views")
    config.set_frame_origins(frame_origins)
    config.registry.logins = OwnRate(parse(config.registry.runtime.settings.limits.logins))
    config.scan(__name__)
