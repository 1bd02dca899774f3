"""Names and Role Provisioning Services 2.0 for Zoom: a place is found by its context id."""

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.lti.platform.doors import Knock, ServiceDoor, cursor_in, json_response, limit_in, link_next, problem_of
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.wire import nrps
from tenants.lti.wire.memberships_out import ContextOut, write_page
from tenants.zoom.ltipro.message import ROSTER_PATH, context_title, memberships_url
from tenants.zoom.ltipro.places import subject_of
from tenants.zoom.ltipro.roster import EVERYBODY, PlaceRoster, find_place_of, roles_asked
from tenants.zoom.ltipro.use import require_use

PAGE, LONGEST_PAGE = 200, 1000


class PlaceRosterService(ServiceDoor):
    """The token proves the sender; no cookie is looked at."""

    kind = ToolKind.ZOOM

    def require_feature(self) -> None:
        """`Refused` ZOOM_OFF where the operator has not enabled it; the academy's own switches come with the place."""
        if not self.request.tenant.has(ToolKind.ZOOM.value):
            raise Refused("ZOOM_OFF", seen=self.request.tenant.name)

    @view_config(
        route_name="zoom_memberships", request_method="GET", permission=NO_PERMISSION_REQUIRED, require_csrf=False
    )
    def index(self) -> Response:
        return self.serve(Service.ROSTER, [nrps.SCOPE], self._list)

    def _list(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        request, named = self.request, self.request.GET.get("rlid", "")
        place = find_place_of(session, tool, request.matchdict["context_id"])
        require_use(session, request.tenant, place.kind)
        if named not in ("", place.resource_link_id):
            raise Refused("CALL_NOT_YOURS", seen=f"link {named[:100]}", wanted="the place's own link")
        asked = request.GET.get("role", "")
        roles = roles_asked(asked) if asked else EVERYBODY
        after, limit = cursor_in(request), limit_in(request, PAGE, LONGEST_PAGE)
        page = PlaceRoster(session, tool, place).members(roles=roles, after=after, limit=limit)
        knock.seen = f"{len(page.members)} members"
        url = memberships_url(place.profile, place)
        context = ContextOut(place.context_id, context_title(subject_of(session, place)))
        response = json_response(write_page(url, context, page.members, resource_link_id=named), nrps.MEDIA_TYPE)
        if page.last is not None:
            link_next(response, request, url, page.last)
        return response


def includeme(config: Configurator) -> None:
    config.add_route("zoom_memberships", f"{ROSTER_PATH}/{{context_id}}/memberships", house="academy")
    config.add_problem_format("zoom_memberships", problem_of)
    config.scan(__name__)
