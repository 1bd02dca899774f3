"""Forms of Integrations."""

from wtforms import HiddenField, TextAreaField
from wtforms.validators import AnyOf, Length, Optional

from saas.tenancy.lifecycle import FEATURES
from saas.tenancy.requests import MESSAGE_LENGTH
from saas.web.forms import Form
from saas.web.i18n import _


class RequestForm(Form):
    feature = HiddenField(default="lti", validators=[AnyOf(FEATURES)])
    message = TextAreaField(
        _("Message to the operator"),
        [Optional(), Length(max=MESSAGE_LENGTH)],
        description=_("What you want to use it for, or by when."),
        render_kw={"rows": 3},
    )
