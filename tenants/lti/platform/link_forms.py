"""The forms of an activity that opens an outside tool, in the customer's words: one per version of LTI."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from wtforms import BooleanField, DateField, RadioField, SelectField, StringField, TextAreaField, URLField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, ValidationError

from saas.web.forms import Form, cleaned, compact
from saas.web.i18n import _
from tenants.lti.launches.models import Protocol
from tenants.lti.platform.custom_field import ParameterRows
from tenants.lti.platform.links import LinkValues, new_resource_link_id
from tenants.lti.platform.models import OpensIn, Tool, ToolLink
from tenants.lti.wire.vendor_mail import MAIL_LIMIT

_EXACT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_ONE_DAY = timedelta(days=1)
_FIRST_YEAR, _LAST_YEAR = 2000, 2099


def sane_date(_form: Form, field: DateField) -> None:
    """A day whose end every calendar and time zone has."""
    if field.data and not _FIRST_YEAR <= field.data.year <= _LAST_YEAR:
        raise ValidationError(_("Enter a date of this century"))


class MailForm(Form):
    mail = TextAreaField(
        _("The vendor's e-mail"),
        [Length(max=MAIL_LIMIT, message=_("This is too long to be such an e-mail"))],
        description=_("Paste all of it. What is found is shown in the fields below; nothing is saved before you do."),
        render_kw={"rows": 6, **_EXACT},
    )


class _LinkForm(Form):
    """What both versions ask; ``lti_version`` says which of the two forms it is."""

    lti_version = RadioField(
        _("LTI"),
        choices=[SelectChoice(Protocol.LTI_12.value, _("LTI 1.2")), SelectChoice(Protocol.LTI_13.value, _("LTI 1.3"))],
    )
    custom = ParameterRows(
        _("Additional parameters"),
        description=_("A value may be a variable, such as $Person.name.full. Empty rows are left out."),
    )
    opens_in = RadioField(
        _("Opens in"),
        choices=[
            SelectChoice(OpensIn.FRAME.value, _("A frame of the page")),
            SelectChoice(OpensIn.WINDOW.value, _("A new window")),
        ],
        default=OpensIn.FRAME.value,
    )
    results_until = DateField(
        _("Accept results until"),
        [Optional(), sane_date],
        description=_("The last day; empty: for as long as the activity is."),
    )

    def _both(self, zone: ZoneInfo) -> dict[str, Any]:
        """The end of a day is that of the academy's ``zone``."""
        last = self.results_until.data
        return {
            "url": self.url.data or "",
            "custom": self.custom.data,
            "opens_in": OpensIn(self.opens_in.data),
            "results_until": datetime.combine(last + _ONE_DAY, time(), zone) if last else None,
        }


class LinkForm12(_LinkForm):
    key = StringField(_("Key"), filters=[cleaned], render_kw=_EXACT)
    secret = StringField(_("Secret"), filters=[cleaned], render_kw=_EXACT)
    url = URLField(_("Launch-URL"), filters=[compact], render_kw=_EXACT)
    resource_link_id = StringField(
        _("Resource-link"),
        description=_("Enter anything here; this field must not be empty. It doesn't matter what you enter."),
        filters=[cleaned],
        render_kw=_EXACT,
    )
    send_name = BooleanField(_("Send the learner's name"))
    send_email = BooleanField(_("Send the learner's e-mail address"))

    def values(self, zone: ZoneInfo) -> LinkValues:
        return LinkValues(
            Protocol.LTI_12,
            resource_link_id=self.resource_link_id.data or "",
            key=self.key.data or "",
            secret=self.secret.data or "",
            send_name=self.send_name.data,
            send_email=self.send_email.data,
            **self._both(zone),
        )


class LinkForm13(_LinkForm):
    """The tool's own switches say what of a person is sent."""

    tool_id = SelectField(_("Tool"), choices=[])
    url = URLField(
        _("Resource URL"),
        description=_("The address of what is opened, from the other system. Empty: the one the tool has for all."),
        filters=[compact],
        render_kw=_EXACT,
    )

    def offer(self, tools: Iterable[Tool]) -> None:
        off = self.tool_id.gettext(_("switched off"))
        named = (SelectChoice(str(each.id), each.name if each.is_active else f"{each.name} ({off})") for each in tools)
        self.tool_id.choices = [SelectChoice("", self.tool_id.gettext(_("Choose the tool"))), *named]

    def values(self, zone: ZoneInfo) -> LinkValues:
        tool_id = UUID(self.tool_id.data) if self.tool_id.data else None
        return LinkValues(Protocol.LTI_13, tool_id=tool_id, **self._both(zone))


LinkForm = LinkForm12 | LinkForm13
_CARRIED = ("url", "opens_in", "tool_id", "key", "secret", "resource_link_id")
LINK_FORMS: dict[Protocol, type[LinkForm12] | type[LinkForm13]] = {
    Protocol.LTI_12: LinkForm12,
    Protocol.LTI_13: LinkForm13,
}


def form_values(link: ToolLink | None, version: Protocol, zone: ZoneInfo) -> dict[str, Any]:
    """What the fields show of a link, never its secret; a new one gets a resource link to keep or to change."""
    if link is None:
        return {
            "lti_version": version.value,
            "resource_link_id": new_resource_link_id(),
            "send_name": True,
            "send_email": True,
        }
    until = link.results_until
    names = ("resource_link_id", "key", "send_name", "send_email", "url")
    return {
        **{name: getattr(link, name) for name in names},
        "lti_version": version.value,
        "tool_id": str(link.tool_id or ""),
        "custom": link.custom,
        "opens_in": link.opens_in.value,
        "results_until": (until.astimezone(zone) - _ONE_DAY).date() if until else None,
    }


def typed_values(sent: Mapping[str, str]) -> dict[str, Any]:
    """What the other version's form had in its fields, but for its rows; a switch is off by not being sent."""
    typed: dict[str, Any] = {name: sent[name] for name in _CARRIED if sent.get(name)}
    with suppress(ValueError):
        typed["results_until"] = date.fromisoformat(sent.get("results_until", ""))
    if "key" in sent:
        typed |= {name: name in sent for name in ("send_name", "send_email")}
    return typed
