"""The platform form: what an admin pastes from the other LMS, in the customer's words."""

from wtforms import BooleanField, StringField, TextAreaField, URLField
from wtforms.validators import DataRequired, Length, Optional

from saas.web.forms import Form, cleaned, compact
from saas.web.i18n import _
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import TEXT_FIELDS, PlatformValues

_IDENTIFIER = {"autocomplete": "off", "spellcheck": "false"}


def lines(value: object) -> object:
    """One identifier per line or separated by commas, each without white space and invisible characters."""
    if not isinstance(value, str):
        return value
    parts = (compact(part) for part in value.replace(",", "\n").splitlines())
    return "\n".join(part for part in parts if part)


class PlatformForm(Form):
    name = StringField(
        _("Name"), [DataRequired(_("Enter a name; you can choose it yourself")), Length(max=200)], filters=[cleaned]
    )
    deployment_ids = TextAreaField(
        _("Tool deployment ID"),
        description=_("Several are possible, one per line."),
        filters=[lines],
        render_kw={"rows": 2, **_IDENTIFIER},
    )
    accept_new_deployments = BooleanField(_("Accept other deployment IDs of this platform as they come"))
    token_url = URLField(_("Access token URL"), [DataRequired(_("Enter the access token URL"))], filters=[compact])
    jwks_url = URLField(_("JWKS URL"), description=_("The platform's public keys."), filters=[compact])
    auth_url = URLField(
        _("OIDC URL"),
        [DataRequired(_("Enter the OIDC URL"))],
        description=_("Also called authentication URL."),
        filters=[compact],
    )
    issuer = StringField(
        _("Issuer"),
        [DataRequired(_("Enter the issuer"))],
        description=_("Exactly as the other system shows it; a slash at the end counts."),
        filters=[compact],
        render_kw=_IDENTIFIER,
    )
    client_id = StringField(
        _("Tool client ID"), [DataRequired(_("Enter the client ID"))], filters=[compact], render_kw=_IDENTIFIER
    )
    pasted_key = TextAreaField(
        _("Public key"),
        [Optional()],
        description=_("Only when the platform has no JWKS URL: its public key (PEM) or key set (JSON)."),
        render_kw={"rows": 4, **_IDENTIFIER},
    )
    token_audience = StringField(
        _("Token audience"),
        [Optional()],
        description=_("Only when the platform asks for one (Brightspace); otherwise it is the access token URL."),
        filters=[compact],
        render_kw=_IDENTIFIER,
    )
    is_active = BooleanField(_("Activated"))

    def values(self) -> PlatformValues:
        return PlatformValues(
            name=self.name.data,
            issuer=self.issuer.data,
            client_id=self.client_id.data,
            auth_url=self.auth_url.data,
            token_url=self.token_url.data,
            jwks_url=self.jwks_url.data or "",
            pasted_key=(self.pasted_key.data or "").strip(),
            token_audience=self.token_audience.data or "",
            deployment_ids=tuple((self.deployment_ids.data or "").split("\n")) if self.deployment_ids.data else (),
            accept_new_deployments=self.accept_new_deployments.data,
            is_active=self.is_active.data,
        )


def form_values(platform: Platform) -> dict[str, object]:
    shown = {name: getattr(platform, name) for name in (*TEXT_FIELDS, "accept_new_deployments", "is_active")}
    return {**shown, "deployment_ids": "\n".join(each.deployment_id for each in platform.deployments)}
