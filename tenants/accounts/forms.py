"""Forms of people and sign-in."""

from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from saas.web.forms import Form, cleaned
from saas.web.i18n import _
from tenants.access import Role
from tenants.accounts.passwords import MAX_LENGTH, MIN_LENGTH
from tenants.accounts.services import ACADEMY_ROLES

ROLE_NAMES = {
    Role.LEARNER: _("Learner"),
    Role.AUTHOR: _("Author"),
    Role.ADMIN: _("Admin"),
    Role.OPERATOR: _("Operator"),
}


class SignInForm(Form):
    email = EmailField(
        _("E-mail"), [DataRequired(_("Enter your e-mail address"))], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _("Password"),
        [DataRequired(_("Enter your password")), Length(max=MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


class InviteForm(Form):
    email = EmailField(_("E-mail"), [DataRequired(_("Enter an e-mail address"))], filters=[cleaned])
    given_name = StringField(
        _("First name"), [DataRequired(_("Enter the first name")), Length(max=200)], filters=[cleaned]
    )
    family_name = StringField(
        _("Last name"), [DataRequired(_("Enter the last name")), Length(max=200)], filters=[cleaned]
    )
    role = SelectField(_("Role"), choices=[SelectChoice(role.value, ROLE_NAMES[role]) for role in ACADEMY_ROLES])


class ProfileForm(Form):
    given_name = StringField(
        _("First name"), [DataRequired(_("Enter your first name")), Length(max=200)], filters=[cleaned]
    )
    family_name = StringField(_("Last name"), [Optional(), Length(max=200)], filters=[cleaned])
    current = PasswordField(
        _("Current password"),
        [Optional(), Length(max=MAX_LENGTH)],
        description=_("Only to change it."),
        render_kw={"autocomplete": "current-password"},
    )
    password = PasswordField(
        _("New password"),
        [Optional(), Length(MIN_LENGTH, MAX_LENGTH, _("Use 10 to 200 characters"))],
        description=_("Leave empty to keep it as it is. At least 10 characters; a short sentence is a good one."),
        render_kw={"autocomplete": "new-password"},
    )
