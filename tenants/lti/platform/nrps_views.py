"""Names and Role Provisioning Services 2.0 for tools."""

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config

from saas.db.scope import ScopedSession
from tenants.catalog.models import Course
from tenants.lti.platform.addresses import SERVICES_PATH, memberships_url
from tenants.lti.platform.columns import Columns
from tenants.lti.platform.doors import Knock, ServiceDoor, cursor_in, json_response, limit_in, link_next, problem_of
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import Tool
from tenants.lti.platform.roster import Page, Roster
from tenants.lti.wire import nrps
from tenants.lti.wire.memberships_out import ContextOut, read_role, write_page

PAGE, LONGEST_PAGE = 200, 1000


class RosterService(ServiceDoor):
    """The token proves the sender; no cookie is looked at."""

    @view_config(
        route_name="lti_memberships",
        request_method="GET",
        permission=NO_PERMISSION_REQUIRED,
        require_csrf=False,
    )
    def index(self) -> Response:
        return self.serve(Service.ROSTER, [nrps.SCOPE], self._list)

    def _list(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        request = self.request
        columns = Columns(session, tool, self.id_in("course_id"))
        columns.enter()
        asked, named = request.GET.get("role", ""), request.GET.get("rlid", "")
        link, role = columns.link(named) if named else None, read_role(asked)
        knock.link_id = link.id if link else None
        after, limit = cursor_in(request), limit_in(request, PAGE, LONGEST_PAGE)
        nobody = bool(asked) and role is None
        roster = Roster(session, tool, columns.course_id)
        page = Page((), None) if nobody else roster.page(link=link, role=role, after=after, limit=limit)
        knock.seen = f"{len(page.members)} members"
        course = session.get_one(Course, columns.course_id)
        url = memberships_url(request.tenant, course.id)
        context = ContextOut(str(course.id), course.title)
        document = write_page(url, context, page.members, resource_link_id=named)
        response = json_response(document, nrps.MEDIA_TYPE)
        if page.last is not None:
            link_next(response, request, url, page.last)
        return response


def includeme(config: Configurator) -> None:
    config.add_route("lti_memberships", f"{SERVICES_PATH}/{{course_id}}/memberships", house="academy")
    config.add_problem_format("lti_memberships", problem_of)
    config.scan(__name__)
