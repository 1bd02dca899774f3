"""Forms of the operator."""

from wtforms import EmailField, StringField
from wtforms.validators import DataRequired, Optional

from saas.web.forms import Form, cleaned, compact
from saas.web.i18n import _


class AcademyForm(Form):
    name = StringField(_("Name"), [DataRequired(_("Enter the academy's name"))], filters=[cleaned])
    slug = StringField(
        _("Short name"),
        [DataRequired(_("Enter a short name"))],
        description=_("a–z, digits and hyphens; part of the address and of commands. It cannot be changed later."),
        filters=[compact],
    )
    admin_email = EmailField(
        _("Admin's e-mail"), [DataRequired(_("Enter the admin's e-mail address"))], filters=[compact]
    )
    host = StringField(
        _("Own host name"),
        [Optional()],
        description=_("Optional, like academy.example.org. Point its DNS here first."),
        filters=[compact],
    )


class SwitchForm(Form):
    reason = StringField(_("Reason"), [DataRequired(_("Say why; the academy's admin can read it"))], filters=[cleaned])
