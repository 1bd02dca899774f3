"""One page that says what is connected and what needs somebody; and the part of it that greets admins at home."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config

from saas.tenancy.models import FeatureRequest, RequestState
from saas.tenancy.requests import Requests, ask
from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.grades.services import Channels
from tenants.integrations.forms import RequestForm
from tenants.integrations.services import Pulse, first_steps, pulse


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
        form, asked = RequestForm.of(self.request), latest_request(self.request)
        if not form.accepted():
            self.request.response.status_int = 422
            return self._shown(form)
        if not self.request.tenant.has("lti") and (asked is None or asked.state is not RequestState.OPEN):
            ask(self.request.db, "lti", form.message.data or "", self.request.identity.name)
            record(self.request, "lti.requested", message=form.message.data or "")
        self.request.flash(self.request.localizer.translate(_("Your request is with the operator")))
        return self.go("integrations")

    def _shown(self, form: Any) -> dict[str, Any]:
        on = self.request.tenant.has("lti")
        return {"lti_on": on, "pulse": pulse_of(self.request), "form": form, "asked": latest_request(self.request)}


def latest_request(request: Request) -> FeatureRequest | None:
    """What this academy asked last. Requests are the shell's, since the operator reads those of all academies."""
    with request.runtime.database.shell(write=False) as session:
        found = Requests(session).latest(request.tenant.id, "lti")
        session.expunge_all()
        return found


def home_panel(request: Request, _subject: None) -> Markup | str:
    """For admins: what needs them, how it goes, and the first steps while some are left."""
    if not request.identity.may(Permission.INTEGRATE):
        return ""
    values = {"lti_on": request.tenant.has("lti"), "pulse": pulse_of(request), "steps": first_steps(request.db)}
    return Markup(render_block(request, "integrations/home.html#panel", values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_route("integrations", "/integrations", house="academy")
    config.add_route("feature_request", "/integrations/request", house="academy")
    config.add_panel("home", home_panel)
    config.scan(__name__)
