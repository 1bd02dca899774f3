"""The public side of an invitation: dynamic registration, and the set-up page for the other LMS's admin.

The token in the address is the proof; the page shows our public values and what has arrived, and asks for theirs.
"""

from typing import Any

from limits import parse
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults
from wtforms import StringField, URLField
from wtforms.validators import DataRequired, Length

from saas.jobs.outbox import later
from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.forms import Form, cleaned, compact
from saas.web.guards import counted_address
from saas.web.headers import allow_framing
from saas.web.i18n import _
from saas.web.rendering import page, render_page
from saas.web.views import View, see_other
from tenants.audit.services import note
from tenants.lti.entered import InvalidValues
from tenants.lti.tool.addresses import (
    REGISTER_PATH,
    activities_url,
    invitation_url,
    jwks_url,
    launch_url,
    login_url,
    picker_url,
)
from tenants.lti.tool.invitations import Invitations, register
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import PlatformValues
from tenants.lti.tool.registration import Registration
from tenants.lti.tool.sharing_models import Invitation
from tenants.lti.wire.setup_sheets import GENERIC, SHEETS, Ours, Sheet, Theirs
from tenants.lti.wire.storage import close_messages

#: Each makes us fetch an address of the sender's choice; an invitation is given back when nothing came of it.
REGISTRATIONS = parse("30/hour")
_NEEDED = _("This value is needed")
_IDENTIFIER = {"autocomplete": "off", "spellcheck": "false"}


class SetupForm(Form):
    """Their values; the page gives each the label it has in their product."""

    name = StringField(_("Name of your learning system"), [DataRequired(_NEEDED), Length(max=200)], filters=[cleaned])
    issuer = StringField(_("Issuer"), [DataRequired(_NEEDED)], filters=[compact], render_kw=_IDENTIFIER)
    client_id = StringField(_("Client ID"), [DataRequired(_NEEDED)], filters=[compact], render_kw=_IDENTIFIER)
    deployment_id = StringField(
        _("Deployment ID"),
        description=_("If you do not have it yet, leave it out: the academy is asked at the first launch."),
        filters=[compact],
        render_kw=_IDENTIFIER,
    )
    auth_url = URLField(_("Authentication request URL"), [DataRequired(_NEEDED)], filters=[compact])
    token_url = URLField(_("Access token URL"), [DataRequired(_NEEDED)], filters=[compact])
    jwks_url = URLField(_("Public keyset URL"), [DataRequired(_NEEDED)], filters=[compact])

    def values(self) -> PlatformValues:
        deployment = self.deployment_id.data or ""
        return PlatformValues(
            name=self.name.data,
            issuer=self.issuer.data,
            client_id=self.client_id.data,
            auth_url=self.auth_url.data,
            token_url=self.token_url.data,
            jwks_url=self.jwks_url.data,
            deployment_ids=(deployment,) if deployment else (),
        )


def sheet_of(request: Request, invitation: Invitation) -> tuple[str, Sheet]:
    name = request.params.get("product", "") or invitation.product
    return (name, SHEETS[name]) if name in SHEETS else ("generic", GENERIC)


def known_values(sheet: Sheet, platform: Platform | None) -> dict[str, str]:
    """What stands in the form at first: entered before, or the same in every installation of the product."""
    if platform is None:
        return {theirs.value: value for theirs, value in sheet.fixed.items()}
    deployments = [each.deployment_id for each in platform.deployments]
    names = ("name", "issuer", "client_id", "auth_url", "token_url", "jwks_url")
    return {**{name: getattr(platform, name) for name in names}, "deployment_id": next(iter(deployments), "")}


@view_defaults(route_name="lti_invitation", permission=NO_PERMISSION_REQUIRED)
class SetupPage(View):
    @property
    def token(self) -> str:
        return str(self.request.matchdict["token"])

    @view_config(request_method="GET")
    def open(self) -> Any:
        """An LMS comes with the address of its description; a person comes without."""
        if "openid_configuration" in self.request.GET or "registration_token" in self.request.GET:
            return self._register()
        return self._page(None)

    def _register(self) -> Any:
        allow_framing(self.request)
        pairs = list(self.request.GET.items())
        try:
            self.request.registry.limiter.hit(
                REGISTRATIONS, "lti.register", str(self.request.tenant.id), counted_address(self.request)
            )
            done = Registration(self.request.runtime, self.request.tenant, self.token).run(pairs)
        except Refused as refusal:
            return show_problem(self.request, refusal.code, seen=refusal.seen, wanted=refusal.wanted)
        values = {"done": done, "messages": close_messages(), "watch_url": self.request.path}
        return render_page(self.request, "lti/registered.html", values)

    @view_config(request_method="POST", rate="30/hour")
    def enter(self) -> Any:
        """Their values; as long as our admin has not decided, they may be mended."""
        invitations = Invitations(self.request.db)
        invitation = invitations.by_token(self.token, lock=True)
        platform = invitations.marks(invitation).platform
        if platform:
            self.request.db.refresh(platform, with_for_update=True)
        if platform.approved_at if platform else invitation.used_at:
            raise Refused("LTI13_REG_LINK", seen="decided already, or being used")
        form = SetupForm.of(self.request)
        if form.accepted():
            try:
                self._keep(invitation, form)
                return see_other(self.request.path)
            except InvalidValues as invalid:
                for name, text in invalid.fields.items():
                    form.refuse("deployment_id" if name == "deployment_ids" else name, text)
        return self._page(form, 422)

    def _keep(self, invitation: Invitation, form: SetupForm) -> None:
        request = self.request
        if not request.tenant.has("lti"):
            raise Refused("LTI_NOT_AVAILABLE", seen="LTI is off for this academy")
        invitation.product = sheet_of(request, invitation)[0]
        platform = register(request.db, request.runtime.outbound, invitation, form.values())
        later(request.db, "lti.look_for_keys", platform_id=platform.id)
        note(request.db, f"LTI: {platform.issuer}", "lti.platform.registered", platform.name, platform=str(platform.id))

    def _page(self, form: SetupForm | None, status: int = 200) -> Any:
        invitations = Invitations(self.request.db)
        invitation = invitations.by_token(self.token)
        marks = invitations.marks(invitation)
        name, sheet = sheet_of(self.request, invitation)
        values = {
            "invitation": invitation,
            "marks": marks,
            "product": name,
            "products": SHEETS,
            "sheet": sheet,
            "form": form or SetupForm.of(self.request, data=known_values(sheet, marks.platform)),
            "their_labels": {theirs.value: sheet.theirs[theirs] for theirs in Theirs},
            "ours": our_values(self.request),
            "link": invitation_url(self.request.tenant, self.token),
            "may_enter": not marks.was_declined and (marks.platform is None or marks.platform.approved_at is None),
        }
        return render_page(self.request, "lti/setup.html", values, status)


@view_config(
    route_name="lti_invitation_marks",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer=page("lti/setup_marks.html#marks"),
)
def marks(request: Request) -> dict[str, Any]:
    """Asked for again until nothing more is to come: 286 ends the asking."""
    invitations = Invitations(request.db)
    found = invitations.marks(invitations.by_token(request.matchdict["token"]))
    if request.htmx and found.all_done:
        request.response.status_int = 286
    return {"marks": found, "token": request.matchdict["token"]}


def our_values(request: Request) -> dict[Ours, str]:
    academy = request.tenant
    return {
        Ours.LOGIN_URL: login_url(academy),
        Ours.REDIRECT_URL: launch_url(academy),
        Ours.TARGET_URL: activities_url(academy),
        Ours.JWKS_URL: jwks_url(academy),
        Ours.PICKER_URL: picker_url(academy),
    }


def includeme(config: Configurator) -> None:
    config.add_route("lti_invitation", f"{REGISTER_PATH}/{{token}}", house="academy")
    config.add_route("lti_invitation_marks", f"{REGISTER_PATH}/{{token}}/marks", house="academy")
    config.scan(__name__)
