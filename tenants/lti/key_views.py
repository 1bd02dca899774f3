"""Integrations → LTI 1.3 → Keys: when they rotate, who must be told, and all of them replaced in an emergency."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.availability import require_lti
from tenants.lti.keys import PUBLISHED_BEHIND, ROTATE_AFTER, Keys
from tenants.lti.pasted_keys import WARNED_AHEAD, PastedKeys
from tenants.lti.tool.addresses import jwks_url
from tenants.lti.tool.admin_views import platform_in_address
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms


def pasted_keys(request: Request) -> PastedKeys:
    return PastedKeys(request.db, request.runtime.secrets)


@view_defaults(permission=Permission.INTEGRATE)
class KeyPages(View):
    @view_config(route_name="lti_signing_keys", request_method="GET", renderer=page("lti/keys.html"))
    def index(self) -> dict[str, Any]:
        require_lti(self.request.tenant)
        keys = Keys(self.request.db, self.request.runtime.secrets)
        platforms = Platforms(self.request.db, self.request.runtime.outbound).all()
        return {
            "keys": keys.all(),
            "due_at": keys.due_at(),
            "holding": pasted_keys(self.request).all(),
            "platforms": platforms,
            "jwks_url": jwks_url(self.request.tenant),
            "days": {"rotate": ROTATE_AFTER.days, "behind": PUBLISHED_BEHIND.days, "warned": WARNED_AHEAD.days},
        }

    @view_config(route_name="lti_replace_keys", request_method="POST")
    def replace_all(self) -> Response:
        """One action: the old keys are gone when the answer is here."""
        require_lti(self.request.tenant)
        keys = Keys(self.request.db, self.request.runtime.secrets)
        old = [row.kid for row in keys.all()]
        new = keys.replace_all()
        record(self.request, "lti.keys.replaced", new.kid, removed=old)
        self.request.flash(
            self.request.localizer.translate(_("All keys are replaced; the old ones are worth nothing."))
        )
        return self.go("lti_signing_keys")

    @view_config(route_name="lti_pasted_key", request_method="POST")
    def note(self) -> Response:
        """Whether the platform holds a pasted key, or reads our JWKS URL."""
        pasted = pasted_keys(self.request)
        if self.request.POST.get("on") == "1":
            kid = pasted.note(self.context.id).kid
            record(self.request, "lti.pasted_key.noted", self.context.name, platform=str(self.context.id), kid=kid)
        else:
            pasted.drop(self.context.id)
            record(self.request, "lti.pasted_key.dropped", self.context.name, platform=str(self.context.id))
        return self.go("lti_platform", platform_id=self.context.id)


def platforms_panel(request: Request, _subject: None) -> Markup:
    """On the list: the way to the keys, and who must paste anew."""
    return _shown(request, "lti/key_notices.html#notices", {"urgent": pasted_keys(request).urgent(), "on_list": True})


def warning_panel(request: Request, platform: Platform) -> Markup:
    holding = pasted_keys(request).holding(platform.id)
    urgent = [holding] if holding and holding.urgency != "none" else []
    return _shown(request, "lti/key_notices.html#notices", {"urgent": urgent, "on_list": False})


def pasted_panel(request: Request, platform: Platform) -> Markup:
    """At the end of the platform's page: does it hold a pasted key?"""
    values = {"platform": platform, "pasted": pasted_keys(request).of(platform.id)}
    return _shown(request, "lti/key_notices.html#pasted", values)


def _shown(request: Request, name: str, values: dict[str, Any]) -> Markup:
    return Markup(render_block(request, name, values).strip())  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    base = "/integrations/lti-1.3"
    config.add_route("lti_signing_keys", f"{base}/keys", house="academy")
    config.add_route("lti_replace_keys", f"{base}/keys/replace", house="academy")
    path = f"{base}/platforms/{{platform_id}}/pasted-key"
    config.add_route("lti_pasted_key", path, factory=platform_in_address, house="academy")
    config.add_panel("lti.platforms", platforms_panel)
    config.add_panel("lti.platform.questions", warning_panel)
    config.add_panel("lti.platform", pasted_panel)
    config.scan(__name__)
