"""Integrations → Content provider → LTI 1.3: the platforms of the academy."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.availability import require_lti
from tenants.lti.entered import InvalidValues
from tenants.lti.keys import KeyRing
from tenants.lti.launches.services import LaunchLog
from tenants.lti.tool.addresses import activities_url, jwks_url, launch_url, login_url, picker_url
from tenants.lti.tool.forms import PlatformForm, form_values
from tenants.lti.tool.key_health import key_troubles
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import URL_FIELDS, Platforms


def platform_in_address(request: Request) -> Platform:
    require_lti(request.tenant)
    return Platforms(request.db, request.runtime.outbound).get(uuid_in(request, "platform_id"))


@view_defaults(permission=Permission.INTEGRATE)
class PlatformPages(View):
    """``context`` is the platform where the address names one."""

    @property
    def platforms(self) -> Platforms:
        return Platforms(self.request.db, self.request.runtime.outbound)

    @view_config(route_name="lti_platforms", request_method="GET", renderer=page("lti/platforms.html"))
    def index(self) -> dict[str, Any]:
        require_lti(self.request.tenant)
        platforms = self.platforms.all()
        ids = [each.id for each in platforms]
        return {
            "platforms": platforms,
            "health": LaunchLog(self.request.db).health(ids),
            "key_troubles": key_troubles(self.request.db, ids),
        }

    @view_config(route_name="lti_platform_new", request_method="GET", renderer=page("lti/platform_form.html"))
    def new(self) -> dict[str, Any]:
        require_lti(self.request.tenant)
        return {
            "form": PlatformForm.of(self.request),
            "platform": None,
            "ours": our_values(self.request),
            "notices": [],
        }

    @view_config(route_name="lti_platform_new", request_method="POST", renderer=page("lti/platform_form.html"))
    def create(self) -> Any:
        require_lti(self.request.tenant)
        ours, form = our_values(self.request), PlatformForm.of(self.request)
        if form.accepted():
            try:
                platform = self.platforms.create(form.values())
                record(self.request, "lti.platform.created", platform.name, platform=str(platform.id))
                return self._saved(form, platform)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        return {"form": form, "platform": None, "ours": ours, "notices": form.cleaned_fields}

    @view_config(route_name="lti_platform", request_method="GET", renderer=page("lti/platform.html"))
    def show(self) -> dict[str, Any]:
        log = LaunchLog(self.request.db)
        health = log.health([self.context.id]).get(self.context.id)
        recent = log.recent(platform_id=self.context.id, limit=5)
        return {
            "platform": self.context,
            "ours": our_values(self.request, self.context),
            "health": health,
            "key_trouble": key_troubles(self.request.db, [self.context.id]).get(self.context.id),
            "launches": recent,
        }

    @view_config(route_name="lti_platform_edit", request_method="GET", renderer=page("lti/platform_form.html"))
    def edit(self) -> dict[str, Any]:
        form = PlatformForm.of(self.request, data=form_values(self.context))
        return {"form": form, "platform": self.context, "ours": our_values(self.request, self.context), "notices": []}

    @view_config(route_name="lti_platform_edit", request_method="POST", renderer=page("lti/platform_form.html"))
    def save(self) -> Any:
        form = PlatformForm.of(self.request)
        if form.accepted():
            try:
                self.platforms.edit(self.context, form.values())
                record(self.request, "lti.platform.changed", self.context.name, platform=str(self.context.id))
                return self._saved(form, self.context)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        ours = our_values(self.request, self.context)
        return {"form": form, "platform": self.context, "ours": ours, "notices": form.cleaned_fields}

    def _saved(self, form: PlatformForm, platform: Platform) -> Response:
        translate = self.request.localizer.translate
        said = translate(_("The platform is saved."))
        if form.cleaned_fields:
            said += (
                " "
                + translate(_("Spaces or invisible characters were removed from:"))
                + " "
                + ", ".join(map(translate, form.cleaned_fields))
            )
        self.request.flash(said)
        return self.go("lti_platform", platform_id=platform.id)

    @view_config(route_name="lti_platform_switch", request_method="POST")
    def switch(self) -> Response:
        on = self.request.POST.get("on") == "1"
        self.platforms.switch(self.context, on=on)
        record(self.request, "lti.platform.activated" if on else "lti.platform.paused", self.context.name)
        return self.go("lti_platform", platform_id=self.context.id)

    @view_config(route_name="lti_platform_delete", request_method="GET", renderer=page("lti/platform_delete.html"))
    def confirm_delete(self) -> dict[str, Any]:
        return {"platform": self.context}

    @view_config(route_name="lti_platform_delete", request_method="POST")
    def delete(self) -> Response:
        record(
            self.request,
            "lti.platform.deleted",
            self.context.name,
            issuer=self.context.issuer,
            client_id=self.context.client_id,
        )
        self.platforms.delete(self.context)
        self.request.flash(self.request.localizer.translate(_("The platform is deleted")))
        return self.go("lti_platforms")

    @view_config(route_name="lti_check_field", request_method="POST", renderer=page("lti/_field_check.html#verdict"))
    def check_field(self) -> dict[str, Any]:
        """One address, on leaving its field; says what is wrong without calling it."""
        name = self.request.matchdict["field"]
        form = PlatformForm.of(self.request)
        value = form[name].data or ""
        optional = name == "jwks_url" and not value
        return {"fault": "" if optional else self.platforms.address_fault(value), "value": value, "field": form[name]}


def show_faults(form: PlatformForm, invalid: InvalidValues) -> None:
    for name, text in invalid.fields.items():
        form.refuse(name, text)


def our_values(request: Request, platform: Platform | None = None) -> dict[str, str]:
    """What the other side needs of us."""
    academy = request.tenant
    return {
        "login_url": login_url(academy),
        "login_url_own": login_url(academy, platform.id) if platform else "",
        "redirect_uri": launch_url(academy),
        "tool_url": activities_url(academy),
        "deep_linking_url": picker_url(academy),
        "jwks_url": jwks_url(academy),
        "public_key": request.runtime.part(KeyRing).public_pem(academy.id),
        "domain": academy.host,
    }


def includeme(config: Configurator) -> None:
    base = "/integrations/lti-1.3/platforms"
    config.add_route("lti_platforms", "/integrations/lti-1.3", house="academy")
    config.add_route("lti_platform_new", f"{base}/new", house="academy")
    config.add_route("lti_check_field", f"{base}/check/{{field:{'|'.join(URL_FIELDS)}}}", house="academy")
    for name, path in (
        ("lti_platform", ""),
        ("lti_platform_edit", "/edit"),
        ("lti_platform_switch", "/switch"),
        ("lti_platform_delete", "/delete"),
    ):
        config.add_route(name, f"{base}/{{platform_id}}{path}", factory=platform_in_address, house="academy")
    config.scan(__name__)
