"""An activity's settings → Preview: the exact message, of what is saved or of what stands in the form."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.rendering import render_page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.link_forms import LINK_FORMS, LinkForm13
from tenants.lti.platform.links import ToolLinks
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.opening import returning
from tenants.lti.platform.preview import preview_of, unsaved_link
from tenants.lti.platform.tools import Tools
from tenants.lti.wire.substitution import MARK, VARIABLES


def outside_activity(request: Request) -> Activity:
    return Catalog(request.db).activity(uuid_in(request, "activity_id"))


@view_defaults(route_name="tool_preview", permission=Permission.AUTHOR)
class PreviewPage(View):
    context: Activity

    @property
    def links(self) -> ToolLinks:
        return ToolLinks(self.request.db, self.request.runtime.secrets, self.request.runtime.outbound)

    @view_config(request_method="GET")
    def saved(self) -> Response:
        if not self.context.is_outside:
            return self.go("activity", activity_id=self.context.id)
        link = self.links.of(self.context)
        if link is None:
            raise Refused("LTI_LINK_INCOMPLETE", seen=self.context.title)
        return self._page(link, is_saved=True)

    @view_config(request_method="POST")
    def entered(self) -> Response:
        """Nothing is saved. A form that cannot be read is shown on the settings page, which says what is wrong."""
        if not self.context.is_outside:
            return self.go("activity", activity_id=self.context.id)
        given = self.request.POST.get("lti_version", "")
        version = Protocol(given) if given in set(Protocol) else Protocol.LTI_13
        form: Any = LINK_FORMS[version].of(self.request)
        if isinstance(form, LinkForm13):
            form.offer(Tools(self.request.db, self.request.runtime.outbound).all())
        if not form.validate():
            raise Refused("LTI_LINK_INCOMPLETE", seen=self.context.title)
        known = self.links.of(self.context)
        link = unsaved_link(self.request.db, self.context, known, form.values(self.request.zone))
        if version is Protocol.LTI_13 and link.tool is None:
            raise Refused("LTI_LINK_INCOMPLETE", seen=self.context.title)
        return self._page(link, is_saved=False)

    def _page(self, link: ToolLink, *, is_saved: bool) -> Response:
        request = self.request
        person = request.db.get_one(Person, request.identity.id)
        seat = Seat(link.opens_in, request.locale_name, returning(request.tenant, self.context))
        values = {
            "activity": self.context,
            "preview": preview_of(request.db, request.tenant, self.context, link, person, seat),
            "variables": [(MARK + each.name, each.meaning, each.needs) for each in VARIABLES],
            "is_saved": is_saved,
        }
        return render_page(request, "lti/opening_preview.html", values)


def includeme(config: Configurator) -> None:
    path = "/activities/{activity_id}/tool-preview"
    config.add_route("tool_preview", path, factory=outside_activity, house="academy")
    config.scan(__name__)
