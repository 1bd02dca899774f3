"""Integrations → Content provider → LTI 1.3: the tools of the academy."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block, render_page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.availability import require_lti
from tenants.lti.entered import InvalidValues
from tenants.lti.platform.call_views import service_names
from tenants.lti.platform.custom_field import CHOICES
from tenants.lti.platform.models import Tool
from tenants.lti.platform.registration import ToolInvitations, beyond
from tenants.lti.platform.registration_views import arrival_of
from tenants.lti.platform.tool_forms import SERVICES, InviteForm, PasteForm, ToolForm, draft_values, form_values
from tenants.lti.platform.tool_health import ToolHealths
from tenants.lti.platform.tool_survey import survey
from tenants.lti.platform.tools import ALL_SCOPES, URL_FIELDS, Tools, our_values
from tenants.lti.selftest.titles import ADDRESSES
from tenants.lti.wire.custom_rows import rows_fault
from tenants.lti.wire.tool_configuration import read_draft
from tenants.lti.wire.tool_registration import scopes_beyond

FORM = page("lti/tool_form.html")
#: Checked on leaving them; an empty one is fine, but for the first.
CHECKED = (*URL_FIELDS, "redirect_urls", "custom")


def tool_in_address(request: Request) -> Tool:
    require_lti(request.tenant)
    return Tools(request.db, request.runtime.outbound).get(uuid_in(request, "tool_id"))


def show_faults(form: ToolForm, invalid: InvalidValues) -> None:
    for name, text in invalid.fields.items():
        form.refuse(name, text)


class ToolView(View):
    @property
    def tools(self) -> Tools:
        return Tools(self.request.db, self.request.runtime.outbound)

    def say(self, text: str) -> None:
        self.request.flash(self.request.localizer.translate(text))

    def saved(self, form: ToolForm, tool: Tool) -> Response:
        translate = self.request.localizer.translate
        said = translate(_("The tool is saved."))
        if form.cleaned_fields:
            removed = translate(_("Spaces or invisible characters were removed from:"))
            said += f" {removed} {', '.join(form.cleaned_fields)}"
        self.request.flash(said)
        return self.go("lti_tool", tool_id=tool.id)


@view_defaults(permission=Permission.INTEGRATE)
class NewTool(ToolView):
    """Three ways to a tool: entered, invited by its registration URL, or read from its configuration."""

    @view_config(route_name="lti_tool_new", request_method="GET", renderer=FORM)
    def new(self) -> dict[str, Any]:
        require_lti(self.request.tenant)
        return self._page(ToolForm.of(self.request))

    @view_config(route_name="lti_tool_new", request_method="POST", renderer=FORM)
    def create(self) -> Any:
        require_lti(self.request.tenant)
        form = ToolForm.of(self.request)
        if form.custom.is_edited:
            return self._page(form)
        if form.accepted():
            try:
                tool = self.tools.create(form.values())
                record(self.request, "lti.tool.created", tool.name, tool=str(tool.id))
                return self.saved(form, tool)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        return self._page(form)

    @view_config(route_name="lti_tool_paste", request_method="POST", renderer=FORM)
    def paste(self) -> dict[str, Any]:
        """Fills the form; nothing is saved."""
        require_lti(self.request.tenant)
        paste = PasteForm.of(self.request)
        draft = read_draft(paste.configuration.data or "") if paste.accepted() else None
        if draft is not None:
            missing = scopes_beyond(draft.scopes, ALL_SCOPES)
            return self._page(ToolForm(None, data=draft_values(draft)), beyond=missing, is_draft=True)
        if not paste.errors:
            paste.refuse("configuration", _("This is no LTI 1.3 configuration in JSON; ask the vendor for one"))
        self.request.response.status_int = 422
        return self._page(ToolForm(None), paste=paste)

    @view_config(route_name="lti_tool_invite", request_method="POST", renderer=page("lti/tool_invited.html"))
    def invite(self) -> Any:
        """The address with its token is shown once, on this answer; it is not kept in readable form."""
        require_lti(self.request.tenant)
        form = InviteForm.of(self.request)
        if form.accepted() and not (fault := self.tools.address_fault(form.url.data)):
            invitations = ToolInvitations(self.request.db)
            made, link = invitations.make(self.request.tenant, form.url.data, self.request.identity.name)
            record(self.request, "lti.tool.invited", form.url.data, invitation=str(made.id))
            return {**arrival_of(made, clock.now()), "link": link}
        if not form.errors:
            form.refuse("url", fault)
        return render_page(self.request, "lti/tool_form.html", self._page(ToolForm(None), invite=form), 422)

    @view_config(route_name="lti_tool_check", request_method="POST", renderer=page("lti/_field_check.html#verdict"))
    def check_field(self) -> dict[str, Any]:
        """One field, on leaving it; says what is wrong without calling anything."""
        name = self.request.matchdict["tool_field"]
        form = ToolForm.of(self.request)
        field = form[name]
        field.raw_data = [typed.replace("\r\n", "\n") for typed in field.raw_data if isinstance(field.data, str)]
        return {"fault": self._fault(name, form), "value": field.data or "", "field": field}

    def _fault(self, name: str, form: ToolForm) -> str:
        value = form[name].data or ""
        if name == "redirect_urls":
            return self.tools.redirects_fault(value.split())
        if name == "custom":
            return rows_fault(form.custom.data)
        return self.tools.address_fault(value) if value or name == "login_url" else ""

    def _page(self, form: ToolForm, **more: Any) -> dict[str, Any]:
        forms = {"invite": InviteForm(None), "paste": PasteForm(None), "beyond": (), "is_draft": False}
        return {
            "form": form,
            "tool": None,
            "ours": our_values(self.request.tenant),
            "variables": CHOICES,
            **forms,
            **more,
        }


@view_defaults(permission=Permission.INTEGRATE)
class ToolPages(ToolView):
    """``context`` is the tool."""

    @view_config(route_name="lti_tool", request_method="GET", renderer=page("lti/tool.html"))
    def show(self) -> dict[str, Any]:
        health = ToolHealths(self.request.db)
        invitation = ToolInvitations(self.request.db).of(self.context)
        return {
            "tool": self.context,
            "ours": our_values(self.request.tenant),
            "health": health.of([self.context])[self.context.id],
            "keys": health.keys(self.context),
            "launches": health.launches(self.context),
            "troubles": health.troubles(self.context),
            "activities": self.tools.activities(self.context),
            "twins": self.tools.twins(self.context),
            "services": SERVICES,
            "service_names": service_names(),
            "invitation": invitation,
            "beyond": beyond(invitation, self.context) if invitation else (),
        }

    @view_config(route_name="lti_tool_edit", request_method="GET", renderer=FORM)
    def edit(self) -> dict[str, Any]:
        return self._page(ToolForm.of(self.request, data=form_values(self.context)))

    @view_config(route_name="lti_tool_edit", request_method="POST", renderer=FORM)
    def save(self) -> Any:
        form = ToolForm.of(self.request)
        if form.custom.is_edited:
            return self._page(form)
        if form.accepted():
            try:
                self.tools.edit(self.context, form.values())
                record(self.request, "lti.tool.changed", self.context.name, tool=str(self.context.id))
                return self.saved(form, self.context)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        return self._page(form)

    def _page(self, form: ToolForm) -> dict[str, Any]:
        return {
            "form": form,
            "tool": self.context,
            "ours": our_values(self.request.tenant),
            "variables": CHOICES,
            "beyond": (),
            "is_draft": False,
        }

    @view_config(route_name="lti_tool_switch", request_method="POST")
    def switch(self) -> Response:
        on = self.request.POST.get("on") == "1"
        self.tools.switch(self.context, on=on)
        record(self.request, "lti.tool.activated" if on else "lti.tool.paused", self.context.name)
        return self.go("lti_tool", tool_id=self.context.id)

    @view_config(route_name="lti_tool_approve", request_method="POST")
    def approve(self) -> Response:
        self.tools.approve(self.context, version=self.request.POST.get("version", ""))
        record(self.request, "lti.tool.approved", self.context.name, tool=str(self.context.id))
        self.say(_("The tool is approved and active."))
        return self.go("lti_tool", tool_id=self.context.id)

    @view_config(route_name="lti_tool_decline", request_method="POST")
    def decline(self) -> Response:
        if self.context.approved_at is not None:
            raise Refused("WEB_CONFLICT")
        record(self.request, "lti.tool.declined", self.context.name, login_url=self.context.login_url)
        self.tools.delete(self.context)
        self.say(_("The tool is declined and gone."))
        return self.go("lti_platforms")

    @view_config(route_name="lti_tool_delete", request_method="GET", renderer=page("lti/tool_delete.html"))
    def confirm_delete(self) -> dict[str, Any]:
        return {"tool": self.context, "activities": self.tools.activities(self.context)}

    @view_config(route_name="lti_tool_delete", request_method="POST")
    def delete(self) -> Response:
        record(self.request, "lti.tool.deleted", self.context.name, client_id=self.context.client_id)
        self.tools.delete(self.context)
        self.say(_("The tool is deleted"))
        return self.go("lti_platforms")


@view_defaults(route_name="lti_tool_addresses", permission=Permission.INTEGRATE)
class AddressPages(View):
    """The tool's addresses, asked live. The tool is read in a transaction of its own, over before anybody is asked."""

    @view_config(request_method="GET", renderer=page("lti/tool_addresses.html"))
    def show(self) -> dict[str, Any]:
        return {"tool": self._tool(), "rows": (), "titles": ADDRESSES}

    @view_config(request_method="POST", renderer=page("lti/tool_addresses.html"), rate="60/hour")
    def ask(self) -> dict[str, Any]:
        tool = self._tool()
        return {"tool": tool, "rows": survey(self.request.runtime.outbound, tool), "titles": ADDRESSES}

    def _tool(self) -> Tool:
        require_lti(self.request.tenant)
        with self.request.runtime.database.transaction(self.request.tenant.id, write=False) as session:
            tool = Tools(session, self.request.runtime.outbound).get(uuid_in(self.request, "tool_id"))
            session.expunge_all()
            return tool


def tools_panel(request: Request, _subject: None) -> Markup:
    """On the page LTI 1.3, beside the platforms."""
    tools = Tools(request.db, request.runtime.outbound).all()
    values = {"tools": tools, "health": ToolHealths(request.db).of(tools)}
    return Markup(render_block(request, "lti/_tools.html#tools", values).strip())  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    base = "/integrations/lti-1.3/tools"
    config.add_panel("lti.tools", tools_panel)
    config.add_route("lti_tool_new", f"{base}/new", house="academy")
    config.add_route("lti_tool_paste", f"{base}/paste", house="academy")
    config.add_route("lti_tool_invite", f"{base}/invitations", house="academy")
    config.add_route("lti_tool_check", f"{base}/check/{{tool_field:{'|'.join(CHECKED)}}}", house="academy")
    config.add_route("lti_tool_addresses", f"{base}/{{tool_id}}/addresses", house="academy")
    for name, path in (
        ("lti_tool", ""),
        ("lti_tool_edit", "/edit"),
        ("lti_tool_switch", "/switch"),
        ("lti_tool_approve", "/approve"),
        ("lti_tool_decline", "/decline"),
        ("lti_tool_delete", "/delete"),
    ):
        config.add_route(name, f"{base}/{{tool_id}}{path}", factory=tool_in_address, house="academy")
    config.scan(__name__)
