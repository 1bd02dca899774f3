"""A launch shown to somebody without an account here: the link, its end, and the page behind it."""

from dataclasses import replace
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.launches.models import LaunchShare
from tenants.lti.launches.services import steps_of
from tenants.lti.launches.sharing import Shares
from tenants.lti.launches.views import launch_in_address, pretty
from tenants.lti.wire.shared import personal_values, shared_check, shared_claims

SHARED_PATH = "/lti/shared-launches"
#: The address is the right: no cache keeps the page, no search engine lists it, no other site is told of it.
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


def share_in_address(request: Request) -> LaunchShare:
    return Shares(request.db).get(uuid_in(request, "share_id"))


@view_defaults(permission=Permission.INTEGRATE)
class SharePages(View):
    @view_config(route_name="launch_shares", request_method="POST", renderer=page("lti/launch_link.html"))
    def make(self) -> dict[str, Any]:
        """The link is shown once, on this answer; it is not kept in readable form."""
        share, token = Shares(self.request.db).make(self.context, self.request.identity.name)
        record(self.request, "lti.launch.shared", "", launch=str(self.context.id), share=str(share.id))
        return {"launch": self.context, "share": share, "link": f"{self.request.tenant.url}{SHARED_PATH}/{token}"}

    @view_config(route_name="launch_share_revoke", request_method="POST")
    def revoke(self) -> Response:
        launch_id = self.context.launch_id
        Shares(self.request.db).revoke(self.context)
        record(self.request, "lti.launch.unshared", "", launch=str(launch_id), share=str(self.context.id))
        self.request.flash(self.request.localizer.translate(_("The link opens nothing any more.")))
        return self.go("launch", launch_id=launch_id)


@view_config(
    route_name="launch_shared",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer=page("lti/launch_shared.html"),
)
def shared(request: Request) -> dict[str, Any]:
    """For the other system's admin. Nothing on it speaks of a person."""
    share, launch = Shares(request.db).open(request.matchdict["token"])
    request.response.headers.update(PRIVATE)
    personal = personal_values({**launch.login_shown, **launch.claims}, launch.person_name)
    return {
        "share": share,
        "launch": launch,
        "problem": request.problem(launch.code) if launch.code else None,
        "steps": [replace(step, check=shared_check(step.check, personal)) for step in steps_of(launch)],
        "claims": pretty(shared_claims(launch.claims, personal)),
        "login": pretty(shared_claims(launch.login_shown, personal)),
    }


def includeme(config: Configurator) -> None:
    base = "/integrations/launches"
    config.add_route("launch_shares", f"{base}/{{launch_id}}/links", factory=launch_in_address, house="academy")
    revoke = f"{base}/links/{{share_id}}/revoke"
    config.add_route("launch_share_revoke", revoke, factory=share_in_address, house="academy")
    config.add_route("launch_shared", f"{SHARED_PATH}/{{token}}", house="academy")
    config.scan(__name__)
