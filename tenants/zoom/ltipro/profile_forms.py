"""The forms of Zoom: where it may be used, a profile, and the proof that somebody may see a token."""

from collections.abc import Sequence
from typing import Any

from wtforms import BooleanField, PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from saas.web.forms import Form, cleaned
from saas.web.i18n import _
from tenants.lti.platform.models import OpensIn
from tenants.zoom.ltipro.models import PlaceKind, ZoomProfile, ZoomUse
from tenants.zoom.ltipro.profile_values import (
    DOMAINS_LIMIT,
    KEY_LIMIT,
    NAME_LIMIT,
    ProfileValues,
    domains_fault,
    key_fault,
    mail_domain,
    unquoted,
)

_EXACT = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
PASSWORD_LIMIT = 1000


def cleaned_key(value: Any) -> Any:
    """As pasted, without what surrounds it and without invisible characters."""
    return unquoted(cleaned(value)) if isinstance(value, str) else value


def cleaned_lines(value: Any) -> Any:
    """One per line, without what surrounds each; what can be a domain already looks as it is kept."""
    if not isinstance(value, str):
        return value
    return "\n".join(filter(None, (_as_kept(unquoted(cleaned(line))) for line in value.splitlines())))


def _as_kept(line: str) -> str:
    try:
        return mail_domain(line)
    except ValueError:
        return line


class UseForm(Form):
    is_on = BooleanField(_("Zoom"))
    in_elements = BooleanField(_("Course element"))
    in_courses = BooleanField(_("Course tool"))
    in_groups = BooleanField(_("Group tool"))
    with_calendar = BooleanField(_("Zoom may write calendar entries"))

    @property
    def kinds(self) -> frozenset[PlaceKind]:
        chosen = {
            PlaceKind.ELEMENT: self.in_elements,
            PlaceKind.COURSE: self.in_courses,
            PlaceKind.GROUP: self.in_groups,
        }
        return frozenset(kind for kind, field in chosen.items() if field.data)


class ProfileForm(Form):
    name = StringField(
        _("Name"),
        [DataRequired(_("Enter a name; you can choose it yourself")), Length(max=NAME_LIMIT)],
        description=_("Authors see it where they choose a Zoom profile."),
        filters=[cleaned],
    )
    lti_key = StringField(
        _("LTI Key"),
        [DataRequired(_("Copy the LTI Key from Zoom")), Length(max=KEY_LIMIT)],
        description=_("In Zoom LTI Pro, open the credential and choose “Copy” next to LTI Key; paste it here."),
        filters=[cleaned_key],
        render_kw=_EXACT,
    )
    mail_domains = TextAreaField(
        _("Mail domains"),
        [Optional(), Length(max=DOMAINS_LIMIT)],
        description=_("One per line, like school.example. Authors with such an address get this profile first."),
        filters=[cleaned_lines],
        render_kw={"rows": 3, **_EXACT},
    )
    students_can_host = BooleanField(
        _("Students may schedule and host"),
        description=_("Notes what is set in the credential in Zoom; nothing here changes it there."),
    )
    send_name = BooleanField(
        _("Send names"),
        default=True,
        description=_("E-mail addresses are always sent: by them Zoom knows who has which account."),
    )
    with_roster = BooleanField(
        _("Zoom may read who takes part"),
        description=_("For Zoom's contacts of a course (Names and Roles). Not needed for meetings."),
    )
    opens_in = RadioField(
        _("Opens in"),
        choices=[
            SelectChoice(OpensIn.FRAME.value, _("A frame of the page")),
            SelectChoice(OpensIn.WINDOW.value, _("A new window")),
        ],
        default=OpensIn.FRAME.value,
        description=_("Browsers that keep other sites from setting cookies open Zoom only in a new window."),
    )
    is_default = BooleanField(
        _("Default profile"), description=_("Taken for every new place, unless another one is chosen there.")
    )

    def validate_lti_key(self, field: StringField) -> None:
        """Here as well as in `Profiles.faults`, so that it is said together with what else is wrong."""
        if fault := key_fault(field.data or ""):
            raise ValidationError(fault)

    def validate_mail_domains(self, field: TextAreaField) -> None:
        if fault := domains_fault((field.data or "").splitlines()):
            raise ValidationError(fault)

    def values(self) -> ProfileValues:
        return ProfileValues(
            name=self.name.data,
            lti_key=self.lti_key.data,
            mail_domains=tuple((self.mail_domains.data or "").splitlines()),
            students_can_host=self.students_can_host.data,
            with_roster=self.with_roster.data,
            send_name=self.send_name.data,
            opens_in=OpensIn(self.opens_in.data),
            is_default=self.is_default.data,
        )


class ProofForm(Form):
    current = PasswordField(
        _("Your password"),
        [InputRequired(_("Enter your password")), Length(max=PASSWORD_LIMIT)],
        description=_("Asked again, because whoever has the token can write into the calendars."),
        render_kw={"autocomplete": "current-password"},
    )


class ReassignForm(Form):
    to = SelectField(_("Give all places to"), choices=[])

    def offer(self, profiles: Sequence[ZoomProfile], inactive: str) -> None:
        """``inactive``: the word behind the name of a profile that opens nothing."""
        self.to.choices = [
            SelectChoice(str(each.id), each.name if each.is_active else f"{each.name} ({inactive})")
            for each in profiles
        ]


def use_values(use: ZoomUse | None) -> dict[str, bool]:
    """What the form shows at first; of an academy that never switched anything: off, and then everywhere."""
    names = ("in_elements", "in_courses", "in_groups", "with_calendar")
    known = {name: getattr(use, name) if use else True for name in names}
    return {"is_on": use is not None and use.is_on, **known}


def form_values(profile: ZoomProfile) -> dict[str, Any]:
    same = ("name", "lti_key", "students_can_host", "with_roster", "is_default")
    return {
        **{name: getattr(profile, name) for name in same},
        "mail_domains": "\n".join(profile.mail_domains),
        "send_name": profile.tool.send_name,
        "opens_in": profile.opens_in.value,
    }
