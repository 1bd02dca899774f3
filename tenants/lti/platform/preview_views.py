"""An activity's settings → Preview: the exact message, of what is saved or of what stands in the form."""

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.rendering import render_page
from saas.web.views import View
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.link_forms import LinkForm
from tenants.lti.platform.link_views import activity_in_address, link_form, link_values
from tenants.lti.platform.links import ToolLinks
from tenants.lti.platform.messages import Seat
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.opening import returning
from tenants.lti.platform.preview import Preview, preview_of, unsaved_link
from tenants.lti.wire.substitution import MARK, VARIABLES


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
        values = {
            "activity": self.context,
            "preview": self._preview(link),
            "variables": [(MARK + each.name, each.meaning, each.needs) for each in VARIABLES],
        }
        return render_page(self.request, "lti/opening_preview.html", values)

    @view_config(request_method="POST")
    def entered(self) -> Response:
        """The form as it was filled in, with the message below or with what is wrong; nothing is saved."""
        if not self.context.is_outside:
            return self.go("activity", activity_id=self.context.id)
        given = self.request.POST.get("lti_version", "")
        form = link_form(self.request, Protocol(given) if given in set(Protocol) else Protocol.LTI_13)
        known = self.links.of(self.context)
        shown = link_values(self.request, self.context, known, form)
        if not self._can_be_told(form, known):
            return render_page(self.request, "lti/link.html", shown, 422)
        link = unsaved_link(self.request.db, self.context, known, form.values(self.request.zone))
        return render_page(self.request, "lti/link.html", {**shown, "preview": self._preview(link)})

    def _can_be_told(self, form: LinkForm, known: ToolLink | None) -> bool:
        """Marks what is wrong at its field; the secret alone may be missing yet."""
        if not form.accepted():
            return False
        faults = self.links.faults(known, form.values(self.request.zone))
        faults.pop("secret", None)
        for name, text in faults.items():
            form.refuse(name, text)
        return not faults

    def _preview(self, link: ToolLink) -> Preview:
        request = self.request
        person = request.db.get_one(Person, request.identity.id)
        seat = Seat(link.opens_in, request.locale_name, returning(request.tenant, self.context))
        return preview_of(request.db, request.tenant, self.context, link, person, seat)


def includeme(config: Configurator) -> None:
    path = "/activities/{activity_id}/tool-preview"
    config.add_route("tool_preview", path, factory=activity_in_address, house="academy")
    config.scan(__name__)
