"""Integrations → LTI 1.3: invitations, and the questions that only an admin answers."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View, own_path, see_other, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.availability import require_lti
from tenants.lti.launches.models import Launch
from tenants.lti.tool.addresses import invitation_url
from tenants.lti.tool.invitations import Invitations
from tenants.lti.tool.models import Deployment, Platform
from tenants.lti.tool.platforms import Platforms
from tenants.lti.tool.questions import Questions
from tenants.lti.tool.sharing_models import Invitation


def waiting_platform(request: Request) -> Platform:
    require_lti(request.tenant)
    return Platforms(request.db, request.runtime.outbound).get(uuid_in(request, "platform_id"))


def asked_deployment(request: Request) -> Deployment:
    require_lti(request.tenant)
    return Questions(request.db).deployment(uuid_in(request, "deployment_id"))


def invitation_in_address(request: Request) -> Invitation:
    require_lti(request.tenant)
    return Invitations(request.db).get(uuid_in(request, "invitation_id"))


@view_defaults(permission=Permission.INTEGRATE)
class QuestionPages(View):
    @view_config(route_name="lti_invite", request_method="POST", renderer=page("lti/invited.html"))
    def invite(self) -> dict[str, Any]:
        """The link is shown once, on this answer; it is not kept in readable form."""
        require_lti(self.request.tenant)
        invitation, token = Invitations(self.request.db).make(self.request.identity.name)
        record(self.request, "lti.invitation.made", "", invitation=str(invitation.id))
        return {"invitation": invitation, "link": invitation_url(self.request.tenant, token)}

    @view_config(route_name="lti_invitation_withdraw", request_method="POST")
    def withdraw(self) -> Response:
        Invitations(self.request.db).withdraw(self.context)
        record(self.request, "lti.invitation.withdrawn", "", invitation=str(self.context.id))
        return self._back(_("The link is void."))

    @view_config(route_name="lti_platform_approve", request_method="POST")
    def approve(self) -> Response:
        Questions(self.request.db).approve(self.context, version=self.request.POST.get("version", ""))
        record(self.request, "lti.platform.approved", self.context.name, platform=str(self.context.id))
        self.request.flash(self.request.localizer.translate(_("The platform is approved and active.")))
        return self.go("lti_platform", platform_id=self.context.id)

    @view_config(route_name="lti_platform_decline", request_method="POST")
    def decline(self) -> Response:
        if self.context.approved_at is not None:
            raise Refused("WEB_CONFLICT")
        record(self.request, "lti.platform.declined", self.context.name, issuer=self.context.issuer)
        Platforms(self.request.db, self.request.runtime.outbound).delete(self.context)
        return self._back(_("The platform is declined and gone."))

    @view_config(route_name="lti_deployment_accept", request_method="POST")
    def accept_deployment(self) -> Response:
        platform = Questions(self.request.db).accept(self.context)
        record(self.request, "lti.deployment.accepted", platform.name, deployment=self.context.deployment_id)
        return self._back(_("The deployment is accepted."))

    @view_config(route_name="lti_deployment_decline", request_method="POST")
    def decline_deployment(self) -> Response:
        platform = Questions(self.request.db).decline(self.context)
        record(self.request, "lti.deployment.declined", platform.name, deployment=self.context.deployment_id)
        return self._back(_("The deployment is declined and not asked about again."))

    def _back(self, said: str) -> Response:
        """To the page the question stood on."""
        self.request.flash(self.request.localizer.translate(said))
        return see_other(own_path(self.request.POST.get("back"), self.request.route_path("lti_platforms")))


def academy_panel(request: Request, _subject: None) -> Markup:
    """On the list of platforms: what waits for an answer, and links that are out."""
    questions = Questions(request.db)
    values = {
        "waiting": questions.platforms(),
        "asked": questions.deployments(),
        "invitations": Invitations(request.db).pending(),
    }
    return _shown(request, "lti/questions.html#academy", values)


def platform_panel(request: Request, platform: Platform) -> Markup:
    waiting = [platform] if platform.approved_at is None else []
    asked = Questions(request.db).deployments(platform.id)
    return _shown(request, "lti/questions.html#questions", {"waiting": waiting, "asked": asked})


def launch_panel(request: Request, launch: Launch) -> Markup:
    """In the inspector of a launch that an unlisted deployment stopped."""
    is_about_it = launch.code == "LTI13_DEPLOYMENT" and launch.platform_id is not None
    asked = Questions(request.db).deployments(launch.platform_id) if is_about_it else ()
    return _shown(request, "lti/questions.html#questions", {"waiting": [], "asked": asked})


def _shown(request: Request, name: str, values: dict[str, Any]) -> Markup:
    return Markup(render_block(request, name, values).strip())  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_panel("lti.platforms", academy_panel)
    config.add_panel("lti.platform.questions", platform_panel)
    config.add_panel("lti.launch", launch_panel)
    base = "/integrations/lti-1.3"
    config.add_route("lti_invite", f"{base}/invitations", house="academy")
    for name, path, factory in (
        ("lti_invitation_withdraw", "/invitations/{invitation_id}/withdraw", invitation_in_address),
        ("lti_platform_approve", "/platforms/{platform_id}/approve", waiting_platform),
        ("lti_platform_decline", "/platforms/{platform_id}/decline", waiting_platform),
        ("lti_deployment_accept", "/deployments/{deployment_id}/accept", asked_deployment),
        ("lti_deployment_decline", "/deployments/{deployment_id}/decline", asked_deployment),
    ):
        config.add_route(name, f"{base}{path}", factory=factory, house="academy")
    config.scan(__name__)
