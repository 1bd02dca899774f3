"""Forms of Integrations."""

from wtforms import TextAreaField
from wtforms.validators import Length, Optional

from saas.tenancy.requests import MESSAGE_LENGTH
from saas.web.forms import Form
from saas.web.i18n import _


class RequestForm(Form):
    message = TextAreaField(
        _("Message to the operator"),
        [Optional(), Length(max=MESSAGE_LENGTH)],
        description=_("What you want to use it for, or by when."),
        render_kw={"rows": 3},
    )
