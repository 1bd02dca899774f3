"""Dynamic registration: the doors a tool knocks at, and the pages from which our admin sends it there."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.problems import Refused
from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.lti.availability import require_lti
from tenants.lti.platform.addresses import CONFIGURATION_PATH, REGISTRATION_PATH
from tenants.lti.platform.bearer import bearer_in
from tenants.lti.platform.doors import json_response, problem_of
from tenants.lti.platform.grants import ToolInvitation
from tenants.lti.platform.registration import Registrar, ToolInvitations, platform_self
from tenants.lti.tool.views import may_log
from tenants.lti.wire.tool_registration import Granted, configuration, error_answer, registration_answer


@view_defaults(permission=NO_PERMISSION_REQUIRED, require_csrf=False)
class RegistrationDoors:
    """Called by other systems: the token of an invitation proves who they are (RFC 7591 §3, RFC 7592 §2)."""

    def __init__(self, _context: Any, request: Request) -> None:
        self.request = request

    @view_config(route_name="lti_configuration", request_method="GET")
    def configuration(self) -> Response:
        try:
            require_lti(self.request.tenant)
        except Refused as refusal:
            return self._refused(refusal)
        response = json_response(configuration(platform_self(self.request.tenant)))
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @view_config(route_name="lti_registrations", request_method="POST", raw_body=True, rate="300/hour")
    def register(self) -> Response:
        return self._answer(lambda registrar: registrar.register(self.request.body), 201)

    @view_config(route_name="lti_registration", request_method="GET")
    def read(self) -> Response:
        return self._answer(lambda registrar: registrar.read(self._tool_id()))

    @view_config(route_name="lti_registration", request_method="PUT", raw_body=True, rate="300/hour")
    def change(self) -> Response:
        return self._answer(lambda registrar: registrar.change(self._tool_id(), self.request.body))

    def _tool_id(self) -> UUID:
        try:
            return UUID(self.request.matchdict["tool_id"])
        except ValueError:
            raise Refused("LTI13_TOOL_REG_TOKEN", seen="not of this tool") from None

    def _answer(self, act: Callable[[Registrar], Granted], status: int = 200) -> Response:
        request = self.request
        token = bearer_in(request.headers.get("Authorization", ""))
        registrar = Registrar(request.runtime, request.tenant, token, lambda: may_log(request))
        try:
            return json_response(registration_answer(act(registrar)), status=status)
        except Refused as refusal:
            return self._refused(refusal)

    def _refused(self, refusal: Refused) -> Response:
        problem = self.request.runtime.problems[refusal.code]
        self.request.runtime.metrics.refusals.labels(refusal.code).inc()
        said = error_answer(refusal.code, problem.title, refusal.seen, refusal.wanted)
        response = json_response({**said, "id": self.request.id}, status=problem.status)
        if problem.status == 401:
            response.headers["WWW-Authenticate"] = f'Bearer realm="{self.request.tenant.host}", error="invalid_token"'
        return response


def invitation_in_address(request: Request) -> ToolInvitation:
    require_lti(request.tenant)
    return ToolInvitations(request.db).get(uuid_in(request, "tool_invitation_id"))


@view_defaults(permission=Permission.INTEGRATE)
class InvitationPages(View):
    """``context`` is the invitation."""

    @view_config(route_name="lti_tool_invited", request_method="GET", renderer=page("lti/tool_invited.html#arrived"))
    def show(self) -> dict[str, Any]:
        """Asked for again until the tool has come or can come no more: 286 ends the asking."""
        values = arrival_of(self.context, clock.now())
        if self.request.htmx and not values["is_waiting"]:
            self.request.response.status_int = 286
        return {**values, "link": ""}


def arrival_of(invitation: ToolInvitation, now: datetime) -> dict[str, Any]:
    """What the page of an invitation says."""
    return {
        "invitation": invitation,
        "is_waiting": invitation.used_at is None and invitation.expires_at > now,
    }


def includeme(config: Configurator) -> None:
    config.add_route("lti_configuration", CONFIGURATION_PATH, house="academy")
    config.add_route("lti_registrations", REGISTRATION_PATH, house="academy")
    config.add_route("lti_registration", f"{REGISTRATION_PATH}/{{tool_id}}", house="academy")
    for name in ("lti_configuration", "lti_registrations", "lti_registration"):
        config.add_problem_format(name, problem_of)
    config.add_hot_path(REGISTRATION_PATH)
    config.add_route(
        "lti_tool_invited",
        "/integrations/lti-1.3/tools/invitations/{tool_invitation_id}",
        factory=invitation_in_address,
        house="academy",
    )
    config.scan(__name__)
    config.scan("tenants.lti.platform.registration_jobs", categories=["lyceum"])
