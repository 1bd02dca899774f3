"""The launch address of LTI 1.2."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.problems import Refused
from saas.web.guards import counted_address
from saas.web.headers import allow_framing
from saas.web.i18n import _
from saas.web.rendering import translate
from saas.web.sessions import is_framed, remember
from saas.web.views import see_other, uuid_in
from tenants.lti.tool.addresses import origin_of
from tenants.lti.tool.deep_linking import Picking
from tenants.lti.tool.frame_views import hand_over
from tenants.lti.tool.introduction_views import ask_to_sign_in
from tenants.lti.tool.introductions import SignInAsked
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.launch11 import FormLaunch, Posted
from tenants.lti.tool.views import browser_of, may_log, show_refusal
from tenants.lti.wire.form11 import MAX_FORM
from tenants.lti.wire.launch11 import return_address


@view_config(
    route_name="lti_launch12",
    request_method=("GET", "POST"),
    permission=NO_PERMISSION_REQUIRED,
    require_csrf=False,
    raw_body=True,
    max_body=2 * MAX_FORM,
)
def launch12(_context: Any, request: Request) -> Response:
    """Cross-site by nature: the consumer's signature and a nonce prove the sender, not our CSRF token."""
    allow_framing(request)
    launch = FormLaunch(request.runtime, request.tenant, browser_of(request), uuid_in(request, "activity_id"))
    posted = Posted(request.method, request.content_type or "", request.body, request.query_string)
    try:
        request.registry.logins.hit(str(request.tenant.id), counted_address(request))
        arrived = launch.arrive(posted, log_refusal=lambda: may_log(request))
    except SignInAsked as asked:
        return ask_to_sign_in(request, asked.token, is_proven=is_from_lms(request, launch))
    except Refused as refusal:
        return show_refusal(request, refusal, action=way_back(request, launch, refusal))
    if isinstance(arrived, Picking):
        return see_other(request.route_path("lti_pick", token=arrived.token))
    if is_framed(request) and not request.cookies:
        return hand_over(request, arrived)
    response = see_other(request.route_path("activity", activity_id=arrived.activity_id))
    remember(request, response, arrived.session, SESSION_LIFETIME)
    return response


def is_from_lms(request: Request, launch: FormLaunch) -> bool:
    """Whether a page of the LMS posted it. There is no login to prove the browser: a signed form that was kept back
    can be posted by anybody's page in anybody's browser, but not in the name of the LMS's site.
    """
    site = origin_of(request.headers.get("Origin", ""))
    return bool(site) and launch.proven is not None and site == origin_of(launch.proven.return_url)


def way_back(request: Request, launch: FormLaunch, refusal: Refused) -> tuple[str, str] | None:
    """To the course, with what to tell there; only where the signature has proven whose address it is."""
    if launch.proven is None or not launch.proven.return_url:
        return None
    problem = request.problem(refusal.code)
    log = f"{refusal.code}: {problem.cause} {refusal.seen}".strip()
    url = return_address(launch.proven.return_url, error=f"{problem.title}. {problem.remedy}", log=log)
    return translate(_("Back to your course")), url


def includeme(config: Configurator) -> None:
    """A slash at the end is let in, so that the log can say that it is what spoils the signature."""
    config.add_route("lti_launch12", "/lti/launch/{activity_id:[^/]+}{slash:/?}", house="academy")
    config.scan(__name__)
