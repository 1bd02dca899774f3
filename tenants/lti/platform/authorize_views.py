"""The address tools send browsers to: ``/lti/authorize``, by GET or POST from another site."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.guards import counted_address
from saas.web.headers import allow_framing
from tenants.lti.platform.active_keys import ActiveKeys
from tenants.lti.platform.addresses import AUTHORIZE_PATH
from tenants.lti.platform.authorize import LTI_MANNERS, Answer, Authorization, ComeAgain, Visitor
from tenants.lti.platform.coming_again import AGAIN, may_return, send_again
from tenants.lti.platform.messages import MessageKinds
from tenants.lti.platform.posting import post_to_tool
from tenants.lti.tool.views import browser_of, may_log, pairs_of
from tenants.lti.wire.authorize import FIELDS


@view_defaults(route_name="lti_authorize", permission=NO_PERMISSION_REQUIRED, require_csrf=False)
class AuthorizePage:
    """Cross-site by nature: the hint, the session it is bound to and the proven redirect URI stand in for our token.

    ``again`` is the field that our own page adds when it sends the same once more.
    """

    manners = LTI_MANNERS
    again = AGAIN

    def __init__(self, _context: Any, request: Request) -> None:
        self.request = request
        allow_framing(request)

    @view_config(request_method=("GET", "POST"))
    def answer(self) -> Response:
        request = self.request
        if request.method == "HEAD" or "prefetch" in request.headers.get("Sec-Purpose", ""):
            return Response(status=204)
        pairs = pairs_of(request)
        authorization = Authorization(request.runtime, request.tenant, self._visitor(dict(pairs)), self.manners)
        try:
            request.registry.logins.hit(str(request.tenant.id), counted_address(request))
            answer = authorization.answer(pairs, log_refusal=lambda: may_log(request))
        except Refused as refusal:
            return show_problem(request, refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        if isinstance(answer, ComeAgain):
            return send_again(request, ((name, value) for name, value in pairs if name in FIELDS), self.again)
        if answer.code:
            request.runtime.metrics.refusals.labels(answer.code).inc()
        return self.post(answer)

    def post(self, answer: Answer) -> Response:
        """The page whose form goes to the proven redirect URI."""
        fields = answer.fields.items()
        return post_to_tool(self.request, answer.redirect_uri, fields, name=answer.tool_name, code=answer.code)

    def _visitor(self, sent: dict[str, str]) -> Visitor:
        request, identity = self.request, self.request.identity
        return Visitor(
            person_id=identity.id if identity else None,
            session_id=identity.session_id if identity else None,
            may_return=may_return(request, sent, self.again),
            browser=browser_of(request),
        )


def includeme(config: Configurator) -> None:
    config.registry.runtime.parts[MessageKinds] = MessageKinds()
    config.registry.runtime.parts[ActiveKeys] = ActiveKeys()
    config.add_route("lti_authorize", AUTHORIZE_PATH, house="academy")
    config.add_hot_path(AUTHORIZE_PATH)
    config.scan(__name__)
