"""Settings of an activity → LTI: which tool it opens, with which credentials. The Content tab says how that stands."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block, translate
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.models import Activity
from tenants.catalog.services import TITLE_LENGTH, Catalog, Publishing
from tenants.lti.availability import require_lti
from tenants.lti.entered import InvalidValues
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.custom_field import CHOICES
from tenants.lti.platform.link_forms import LINK_FORMS, LinkForm, LinkForm13, MailForm, form_values, typed_values
from tenants.lti.platform.links import OVERLAP, ToolLinks, is_complete
from tenants.lti.platform.models import ToolLink
from tenants.lti.platform.tool_health import ToolHealths
from tenants.lti.platform.tools import Tools
from tenants.lti.wire.vendor_mail import VendorMail, read_vendor_mail


def links_of(request: Request) -> ToolLinks:
    return ToolLinks(request.db, request.runtime.secrets, request.runtime.outbound)


def activity_in_address(request: Request) -> Activity:
    require_lti(request.tenant)
    return Catalog(request.db).activity(uuid_in(request, "activity_id"))


@view_config(route_name="lti_link", request_method="GET", permission=Permission.AUTHOR)
def settings(request: Request) -> Response:
    """The form has its place among the settings; its own address only takes it."""
    address = request.route_path("activity_settings", activity_id=request.context.id, _anchor="lti-link")
    return Response(status=303, location=address)


@view_defaults(permission=Permission.AUTHOR)
class LinkPages(View):
    """``context`` is the activity, whose content is a tool's."""

    context: Activity

    def __init__(self, context: Activity, request: Request) -> None:
        super().__init__(context, request)
        if not context.is_outside:
            raise Refused("WEB_NOT_FOUND")
        self.links = links_of(request)
        self.link = self.links.of(context)

    @view_config(route_name="lti_link", request_method="POST", renderer=page("lti/link.html"))
    def save(self) -> Any:
        form = link_form(self.request, self._version())
        if form.accepted():
            try:
                return self._saved(form, self.links.save(self.context, form.values(self.request.zone)))
            except InvalidValues as invalid:
                for name, text in invalid.fields.items():
                    form.refuse(name, text)
        self.request.response.status_int = 422
        return link_values(self.request, self.context, self.link, form)

    def _saved(self, form: LinkForm, link: ToolLink) -> Response:
        seen = {"version": link.lti_version.value, "url": link.url, "key": link.key, "tool": str(link.tool_id or "")}
        record(self.request, "lti.link.saved", self.context.title, activity=str(self.context.id), **seen)
        said = translate(_("The LTI settings are saved."))
        if form.cleaned_fields:
            removed = translate(_("Spaces or invisible characters were removed from:"))
            said += f" {removed} {', '.join(form.cleaned_fields)}"
        self.request.flash(said)
        return self.go("activity_settings", activity_id=self.context.id)

    @view_config(route_name="lti_link_fields", request_method="POST", renderer=page("lti/link.html#panel"))
    def fields(self) -> dict[str, Any]:
        """The fields of the version that was chosen, with what was typed already; saves nothing."""
        version = self._version()
        values = {**form_values(self.link, version, self.request.zone), **typed_values(self.request.POST)}
        form = _offering(self.request, LINK_FORMS[version](data=values))
        form.custom.take(self.request.POST)
        return link_values(self.request, self.context, self.link, form)

    @view_config(route_name="lti_link_mail", request_method="POST", renderer=page("lti/link.html"), rate="60/minute")
    def read_mail(self) -> dict[str, Any]:
        """What a vendor's e-mail says, in the fields, for review; saves nothing."""
        mail = MailForm.of(self.request)
        if not mail.accepted():
            self.request.response.status_int = 422
            return {**link_values(self.request, self.context, self.link), "mail": mail}
        found = read_vendor_mail(mail.mail.data or "")
        kept = form_values(self.link, Protocol.LTI_12, self.request.zone)
        form = LINK_FORMS[Protocol.LTI_12](data={**kept, **_said(found)})
        return {**link_values(self.request, self.context, self.link, form), "found": found}

    @view_config(
        route_name="lti_link_reveal",
        request_method="POST",
        permission=Permission.INTEGRATE,
        renderer=page("lti/link_secret.html#box"),
    )
    def reveal(self) -> dict[str, Any]:
        """The one place where the secret is shown: asked for by POST, in the audit log, kept by no cache."""
        link = self._kept()
        record(self.request, "lti.link.revealed", self.context.title, key=link.key)
        self.request.response.cache_control = "no-store"
        values = link_values(self.request, self.context, link)
        return {**values, "secret": self.links.reveal(link), "hide_url": values["settings_url"]}

    @view_config(route_name="lti_link_end", request_method="GET", renderer=page("lti/link_end.html"))
    def confirm_end(self) -> Any:
        link = self.link
        settings_url = self.request.route_path("activity_settings", activity_id=self.context.id, _anchor="lti-link")
        if link is None or not link.sealed_previous:
            return Response(status=303, location=settings_url)
        return {"activity": self.context, "until": link.previous_until, "settings_url": settings_url}

    @view_config(route_name="lti_link_end", request_method="POST")
    def end_previous(self) -> Response:
        link = self._kept()
        self.links.end_previous(link)
        record(self.request, "lti.link.previous_ended", self.context.title, key=link.key)
        self.request.flash(translate(_("The old secret has ended.")))
        return self.go("activity_settings", activity_id=self.context.id)

    @view_config(route_name="lti_link_copy", request_method="POST")
    def copy(self) -> Response:
        title = translate(_("Copy of ${title}", mapping={"title": self.context.title}))[:TITLE_LENGTH]
        made = Catalog(self.request.db).copy_activity(self.context, title)
        if self.link is not None:
            self.links.copy(self.link, made)
        record(self.request, "activity.copied", self.context.title, activity=str(made.id))
        self.request.flash(translate(_("This is the copy. Check its settings, then publish it.")))
        return self.go("activity_settings", activity_id=made.id)

    def _version(self) -> Protocol:
        try:
            return Protocol(self.request.POST.get("lti_version", ""))
        except ValueError:
            raise Refused("WEB_BAD_REQUEST") from None

    def _kept(self) -> ToolLink:
        """The link, where it has a secret."""
        if self.link is None or not self.link.sealed_secret:
            raise Refused("WEB_NOT_FOUND")
        return self.link


def link_form(request: Request, version: Protocol, **values: Any) -> LinkForm:
    return _offering(request, LINK_FORMS[version].of(request, **values))


def _offering(request: Request, form: LinkForm) -> LinkForm:
    if isinstance(form, LinkForm13):
        form.offer(Tools(request.db, request.runtime.outbound).all())
    return form


def _said(found: VendorMail) -> dict[str, Any]:
    """Only what the e-mail says; what it does not mention stays as it is."""
    said = {name: getattr(found, name) for name in ("key", "secret", "url", "resource_link_id", "custom")}
    return {name: value for name, value in said.items() if value}


def link_values(
    request: Request, activity: Activity, link: ToolLink | None, form: LinkForm | None = None
) -> dict[str, Any]:
    """What the form's page and its place among the settings show. Without a ``form``, the link as it is."""
    version = link.lti_version if link else Protocol.LTI_13
    if form is None:
        form = _offering(request, LINK_FORMS[version](data=form_values(link, version, request.zone)))
    until = link.previous_until if link else None
    return {
        "activity": activity,
        "link": link,
        "form": form,
        "legacy": not isinstance(form, LinkForm13),
        "mail": MailForm(),
        "found": None,
        "preview": None,
        "secret": None,
        "overlap": until if link and link.sealed_previous else None,
        "days": OVERLAP.days,
        "variables": CHOICES,
        "is_complete": is_complete(link),
        "settings_url": request.route_path("activity_settings", activity_id=activity.id),
    }


def connection_panel(request: Request, activity: Activity) -> Markup | str:
    if not activity.is_outside:
        return ""
    if not request.tenant.has("lti"):
        return _rendered(request, "lti/link_locked.html#panel", {"activity": activity})
    return _rendered(request, "lti/link.html#panel", link_values(request, activity, links_of(request).of(activity)))


def state_panel(request: Request, activity: Activity) -> Markup | str:
    if not activity.is_outside:
        return ""
    link = links_of(request).of(activity)
    healths = ToolHealths(request.db)
    values = {
        "activity": activity,
        "link": link,
        "is_complete": is_complete(link),
        "health": healths.of_link(link) if link else None,
        "troubles": healths.troubles(link)[:1] if link else (),
    }
    return _rendered(request, "lti/link_state.html#panel", values)


def _rendered(request: Request, name: str, values: dict[str, Any]) -> Markup:
    return Markup(render_block(request, name, values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    runtime = config.registry.runtime

    def refuse_incomplete(session: ScopedSession, publishing: Publishing) -> None:
        if not publishing.activity.is_outside:
            return
        if not is_complete(ToolLinks(session, runtime.secrets, runtime.outbound).of(publishing.activity)):
            raise Refused("LTI_LINK_INCOMPLETE", seen=publishing.activity.title)

    runtime.events.subscribe(Publishing, refuse_incomplete)
    config.add_panel("activity.connection", connection_panel)
    config.add_panel("activity.content", state_panel)
    base = "/activities/{activity_id}/lti-link"
    for name, path in (
        ("lti_link", ""),
        ("lti_link_fields", "/fields"),
        ("lti_link_mail", "/mail"),
        ("lti_link_reveal", "/reveal"),
        ("lti_link_end", "/end-previous"),
        ("lti_link_copy", "/copy"),
    ):
        config.add_route(name, f"{base}{path}", factory=activity_in_address, house="academy")
    config.scan(__name__)
