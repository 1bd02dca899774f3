"""The forms of an outside tool: what an admin gets from its vendor, in the customer's words."""

from typing import Any

from wtforms import BooleanField, SelectMultipleField, StringField, TextAreaField, URLField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from saas.web.forms import Form, cleaned, compact
from saas.web.i18n import _
from tenants.lti.platform.custom_field import ParameterRows
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tools import ALL_SCOPES, NAME_LIMIT, NO_KEYS, ToolValues
from tenants.lti.wire import ags, nrps
from tenants.lti.wire.tool_configuration import Draft
from tenants.lti.wire.tool_registration import MAX_DOCUMENT

_EXACT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
#: What each scope lets the tool do, in the order of `ALL_SCOPES`.
SERVICES = {
    ags.LINE_ITEM_SCOPE: _("Make and change its grade columns"),
    ags.LINE_ITEM_READ_SCOPE: _("Read its grade columns"),
    ags.RESULT_SCOPE: _("Read results in its grade columns"),
    ags.SCORE_SCOPE: _("Send scores"),
    nrps.SCOPE: _("Read who takes part in its activities"),
}


def addresses(value: object) -> object:
    """One address per line, each without white space and invisible characters."""
    if not isinstance(value, str):
        return value
    return "\n".join(filter(None, map(compact, value.splitlines())))


class InviteForm(Form):
    url = URLField(
        _("Registration URL"),
        [DataRequired(_("Enter the tool's registration URL"))],
        description=_("From the tool's vendor; also called dynamic registration URL or initiation URL."),
        filters=[compact],
    )


class PasteForm(Form):
    configuration = TextAreaField(
        _("Configuration (JSON)"),
        [DataRequired(_("Paste the configuration")), Length(max=MAX_DOCUMENT, message=_("This is too long"))],
        description=_("It fills the fields below for you to look at; nothing is saved before you do."),
        render_kw={"rows": 4, **_EXACT},
    )


class ToolForm(Form):
    name = StringField(
        _("Name"),
        [DataRequired(_("Enter a name; you can choose it yourself")), Length(max=NAME_LIMIT)],
        description=_("You can choose this name yourself. Authors and learners see it."),
        filters=[cleaned],
    )
    login_url = URLField(
        _("OIDC URL"),
        [DataRequired(_("Enter the OIDC URL"))],
        description=_("Also called login URL, initiate login URL or authentication URL."),
        filters=[compact],
    )
    jwks_url = URLField(
        _("JWKS URL"),
        description=_("The tool's public keys. Without one, paste the key under “Rarely needed”."),
        filters=[compact],
    )
    pasted_key = TextAreaField(
        _("Public key"),
        [Optional()],
        description=_("Only when the tool has no JWKS URL: its public key (PEM) or key set (JSON)."),
        render_kw={"rows": 4, **_EXACT},
    )
    redirect_urls = TextAreaField(
        _("Redirect URIs"),
        [Optional()],
        description=_("One per line, exactly as the tool names them; without any, only the Resource URL is allowed."),
        filters=[addresses],
        render_kw={"rows": 2, **_EXACT},
    )
    target_url = URLField(
        _("Target URL"),
        [Optional()],
        description=_("What an activity opens that has no Resource URL of its own."),
        filters=[compact],
    )
    deep_link_url = URLField(
        _("Deep linking URL"),
        [Optional()],
        description=_("Where content is chosen in the tool; empty when it has no such page."),
        filters=[compact],
    )
    icon_url = URLField(
        _("Icon"), [Optional()], description=_("An address; the picture is never fetched."), filters=[compact]
    )
    custom = ParameterRows(
        _("Additional parameters"),
        description=_("Sent with every activity of the tool. Empty rows are left out."),
    )
    send_name = BooleanField(_("Send the learner's name"), default=True)
    send_email = BooleanField(_("Send the learner's e-mail address"), default=True)
    scopes = SelectMultipleField(
        _("Services granted"),
        choices=[SelectChoice(scope, SERVICES[scope]) for scope in ALL_SCOPES],
        default=list(ALL_SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    is_active = BooleanField(_("Activated"))

    def validate_jwks_url(self, field: URLField) -> None:
        """Here as well as in `Tools.faults`, so that it is said together with what else is missing."""
        if not field.data and not self.pasted_key.data:
            raise ValidationError(NO_KEYS)

    def values(self) -> ToolValues:
        return ToolValues(
            name=self.name.data,
            login_url=self.login_url.data,
            jwks_url=self.jwks_url.data or "",
            pasted_key=(self.pasted_key.data or "").strip(),
            redirect_urls=tuple((self.redirect_urls.data or "").split()),
            target_url=self.target_url.data or "",
            deep_link_url=self.deep_link_url.data or "",
            icon_url=self.icon_url.data or "",
            custom=self.custom.data,
            scopes=tuple(self.scopes.data or ()),
            send_name=self.send_name.data,
            send_email=self.send_email.data,
            is_active=self.is_active.data,
        )

    @property
    def has_more(self) -> bool:
        """Whether something under the disclosure is filled in or faulty, so that it stands open."""
        names = ("pasted_key", "target_url", "deep_link_url", "icon_url", "custom")
        is_filled = any(self[name].data or self[name].errors for name in names)
        return is_filled or self.custom.is_edited or bool(self.scopes.errors)


def form_values(tool: Tool) -> dict[str, Any]:
    same = ("name", "login_url", "jwks_url", "pasted_key", "target_url", "deep_link_url", "icon_url")
    return {
        **{name: getattr(tool, name) for name in (*same, "send_name", "send_email", "is_active")},
        "redirect_urls": "\n".join(tool.redirect_urls),
        "custom": tool.custom,
        "scopes": list(tool.scopes),
    }


def draft_values(draft: Draft) -> dict[str, Any]:
    """What the form shows of a pasted configuration; scopes we do not have are left out."""
    same = ("name", "login_url", "jwks_url", "target_url", "deep_link_url", "icon_url")
    return {
        **{name: getattr(draft, name) for name in same},
        "pasted_key": "" if draft.jwks_url else draft.pasted_key,
        "redirect_urls": "\n".join(draft.redirect_urls),
        "custom": draft.custom,
        "scopes": [scope for scope in ALL_SCOPES if scope in draft.scopes],
        "send_name": draft.send_name is not False,
        "send_email": draft.send_email is not False,
    }
