"""The form of a place: which Zoom profile, where it opens, and for a tool whether it is on."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from saas.web.forms import Form
from saas.web.i18n import _
from tenants.lti.platform.models import OpensIn
from tenants.zoom.ltipro.models import ZoomPlace, ZoomProfile

AS_PROFILE = "profile"


class PlaceForm(Form):
    """A course element is on as long as it is published, so it has no switch."""

    is_on = BooleanField(_("Zoom is on here"))
    profile_id = SelectField(_("Zoom profile"), choices=[])
    opens_in = RadioField(
        _("Opens in"),
        choices=[
            SelectChoice(AS_PROFILE, _("As the Zoom profile says")),
            SelectChoice(OpensIn.FRAME.value, _("A frame of the page")),
            SelectChoice(OpensIn.WINDOW.value, _("A new window")),
        ],
        default=AS_PROFILE,
    )

    def offer(self, profiles: Iterable[ZoomProfile], *, choose: str) -> None:
        """``choose``: the words of the choice of none."""
        off = self.profile_id.gettext(_("switched off"))
        named = (
            SelectChoice(str(each.id), each.name if each.is_active else f"{each.name} ({off})") for each in profiles
        )
        self.profile_id.choices = [SelectChoice("", choose), *named]

    @property
    def wanted(self) -> UUID | None:
        """The profile, once the form is valid."""
        return UUID(self.profile_id.data) if self.profile_id.data else None

    @property
    def target(self) -> OpensIn | None:
        return None if self.opens_in.data == AS_PROFILE else OpensIn(self.opens_in.data)


def form_values(place: ZoomPlace | None) -> dict[str, Any]:
    """What the fields show. A new place is off until somebody switches it on."""
    if place is None:
        return {"is_on": False, "profile_id": "", "opens_in": AS_PROFILE}
    opens_in = place.opens_in.value if place.opens_in else AS_PROFILE
    return {"is_on": place.is_on, "profile_id": str(place.profile_id), "opens_in": opens_in}
