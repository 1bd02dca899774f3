"""Forms of people and sign-in."""

from wtforms import EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

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
        _("E-mail"), [InputRequired(_("Enter your e-mail address"))], render_kw={"autocomplete": "username"}
    )
    password = PasswordField(
        _("Password"),
        [InputRequired(_("Enter your password")), Length(max=MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


class InviteForm(Form):
    email = EmailField(_("E-mail"), [InputRequired(_("Enter an e-mail address"))], filters=[cleaned])
    given_name = StringField(
        _("First name"), [InputRequired(_("Enter the first name")), Length(max=200)], filters=[cleaned]
    )
    family_name = StringField(
        _("Last name"), [InputRequired(_("Enter the last name")), Length(max=200)], filters=[cleaned]
    )
    role = SelectField(_("Role"), choices=[(role.value, ROLE_NAMES[role]) for role in ACADEMY_ROLES])


class ProfileForm(Form):
    given_name = StringField(
        _("First name"), [InputRequired(_("Enter your first name")), Length(max=200)], filters=[cleaned]
    )
    family_name = StringField(_("Last name"), [Optional(), Length(max=200)], filters=[cleaned])
    password = PasswordField(
        _("New password"),
        [Optional(), Length(MIN_LENGTH, MAX_LENGTH, _("Use 10 to 200 characters"))],
        description=_("Leave empty to keep it as it is. At least 10 characters; a short sentence is a good one."),
        render_kw={"autocomplete": "new-password"},
    )
