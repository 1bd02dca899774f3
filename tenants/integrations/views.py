"""One page that says what is connected and what needs somebody; and the part of it that greets admins at home."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config

from saas.problems import Refused
from saas.tenancy.lifecycle import FEATURES
from saas.tenancy.models import FeatureRequest, RequestState
from saas.tenancy.requests import Requests, ask
from saas.web.i18n import _
from saas.web.rendering import page, render_block, render_page
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.grades.services import Channels
from tenants.integrations.forms import RequestForm
from tenants.integrations.services import Pulse, first_steps, pulse
from tenants.zoom.ltipro.wizard import summary_of

#: Where a feature is asked for, and what it is called there.
PAGES = {"lti": "integrations", "zoom": "zoom"}
LABELS = {"lti": "LTI", "zoom": "Zoom"}


def pulse_of(request: Request) -> Pulse:
    return pulse(request.db, request.runtime.outbound, request.runtime.part(Channels))


class Integrations(View):
    @view_config(
        route_name="integrations",
        request_method="GET",
        permission=Permission.INTEGRATE,
        renderer=page("integrations/index.html"),
    )
    def index(self) -> dict[str, Any]:
        return self._shown(RequestForm.of(self.request))

    @view_config(
        route_name="feature_request",
        request_method="POST",
        permission=Permission.INTEGRATE,
        renderer=page("integrations/index.html"),
        rate="20/hour",
    )
    def ask(self) -> Any:
        """Nothing happens twice: what is on, or asked already, is not asked again."""
        form = RequestForm.of(self.request)
        if not form.accepted():
            return self._refused(form)
        feature, message = form.feature.data, form.message.data or ""
        asked = latest_request(self.request, feature)
        if not self.request.tenant.has(feature) and (asked is None or asked.state is not RequestState.OPEN):
            ask(self.request.db, feature, message, self.request.identity.name)
            record(self.request, f"{feature}.requested", message=message)
        self.request.flash(self.request.localizer.translate(_("Your request is with the operator")))
        return self.go(PAGES[feature])

    def _refused(self, form: Any) -> Any:
        """Where it was asked; Zoom's own page is another feature's, so the form is shown alone."""
        if form.feature.errors:
            raise Refused("FEATURE_UNKNOWN", seen=(form.feature.data or "")[:40], wanted=", ".join(FEATURES))
        if form.feature.data != "lti":
            return render_page(self.request, "integrations/request.html", request_values(self.request, form), 422)
        self.request.response.status_int = 422
        return self._shown(form)

    def _shown(self, form: Any) -> dict[str, Any]:
        on = self.request.tenant.has("lti")
        zoom = summary_of(self.request.db, self.request.tenant)
        return {
            "lti_on": on,
            "zoom_on": zoom.is_offered,
            "zoom": zoom,
            "pulse": pulse_of(self.request),
            **request_values(self.request, form),
        }


def request_values(request: Request, form: Any) -> dict[str, Any]:
    """Of `integrations/_request.html`."""
    feature = form.feature.data
    return {"form": form, "asked": latest_request(request, feature), "feature": feature, "label": LABELS[feature]}


def latest_request(request: Request, feature: str) -> FeatureRequest | None:
    """What this academy asked last. Requests are the shell's, since the operator reads those of all academies."""
    with request.runtime.database.shell(write=False) as session:
        found = Requests(session).latest(request.tenant.id, feature)
        session.expunge_all()
        return found


def zoom_request_panel(request: Request, _subject: None) -> Markup:
    """On Zoom's page while the operator has not switched it on."""
    values = request_values(request, RequestForm(None, data={"feature": "zoom"}))
    return Markup(render_block(request, "integrations/request.html#panel", values))  # noqa: S704 -- rendered with autoescape


def home_panel(request: Request, _subject: None) -> Markup | str:
    """For admins: what needs them, how it goes, and the first steps while some are left."""
    if not request.identity.may(Permission.INTEGRATE):
        return ""
    features = {"lti_on": request.tenant.has("lti"), "zoom_on": request.tenant.has("zoom")}
    values = {**features, "pulse": pulse_of(request), "steps": first_steps(request.db)}
    return Markup(render_block(request, "integrations/home.html#panel", values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_route("integrations", "/integrations", house="academy")
    config.add_route("feature_request", "/integrations/request", house="academy")
    config.add_panel("home", home_panel)
    config.add_panel("zoom.request", zoom_request_panel)
    config.scan(__name__)
