"""The page a launch ends on where newcomers say once who they are: in a frame it leads to a window of its own."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.sessions import close_session, hash_token
from saas.web.rendering import page
from saas.web.sessions import cookie_name, is_framed, remember, set_cookie
from saas.web.views import View, see_other
from tenants.accounts.security import Identity
from tenants.lti.tool.introductions import LIFETIME, Introductions
from tenants.lti.tool.landing import SESSION_LIFETIME
from tenants.lti.tool.resuming import Resumption, person_in

#: A session another LMS opened is no proof of an account here.
OWN_WORD = frozenset({"password", "link"})


def ask_to_sign_in(request: Request, token: str, *, is_proven: bool = True) -> Response:
    """The answer to the launch; the cookie later shows that it is the same browser.

    ``is_proven``: it is known that this browser, and no page of somebody else in it, began the launch.
    """
    response = see_other(request.route_path("lti_introduction", token=token))
    if is_proven:
        set_cookie(request, response, _mark(token), token, lifetime=LIFETIME)
    return response


def _mark(token: str) -> str:
    return f"lti-who-{hash_token(token)[:12]}"


@view_defaults(route_name="lti_introduction", permission=NO_PERMISSION_REQUIRED)
class IntroductionPage(View):
    """The address names the launch; whoever says yes must have signed in here, and not by another LMS."""

    @view_config(request_method="GET", renderer=page("lti/introduction.html"), framable=True)
    def show(self) -> dict[str, Any]:
        token = self.request.matchdict["token"]
        introduction = Introductions(self.request.db).open(token)
        return {
            "introduction": introduction,
            "there": person_in(introduction),
            "me": None if is_framed(self.request) else self._signed_in(),
            "framed": is_framed(self.request),
            "problem": self.request.problem("LTI_PERSON_SIGN_IN"),
        }

    @view_config(request_method="POST", rate="20/5minutes")
    def confirm(self) -> Response:
        """Links and goes on to the activity; or a refusal, of which our admin hears where they must decide."""
        request, me, token = self.request, self._signed_in(), self.request.matchdict["token"]
        if me is None:
            raise Refused("WEB_FORBIDDEN")
        is_same_browser = request.cookies.get(cookie_name(request, _mark(token))) == token
        resumption = Resumption(request.runtime, request.tenant, token)
        landed = resumption.go_on(me.id, is_same_browser=is_same_browser)
        close_session(request.db, request.session_token)
        response = see_other(request.route_path("activity", activity_id=landed.activity_id))
        remember(request, response, landed.session, SESSION_LIFETIME)
        set_cookie(request, response, _mark(token), "")
        return response

    def _signed_in(self) -> Identity | None:
        identity: Identity | None = self.request.identity
        return identity if identity is not None and identity.origin in OWN_WORD else None


def includeme(config: Configurator) -> None:
    config.add_route("lti_introduction", "/lti/introductions/{token}", house="academy")
    config.scan(__name__)
