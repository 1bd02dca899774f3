"""People of a connection: how newcomers are received, and what outside staff are here. For platforms and keys alike."""

import re
from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config, view_defaults
from wtforms import RadioField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from saas.web.forms import Form
from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View, see_other
from tenants.access import Permission
from tenants.accounts.names import email_key
from tenants.audit.services import record
from tenants.catalog.services import Catalog
from tenants.lti.entered import new_version
from tenants.lti.tool.admin_views import platform_in_address
from tenants.lti.tool.consumer_views import consumer_in_address, consumer_route
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.people_models import Newcomers, OutsideStaff

MOST_DOMAINS = 100
DOMAIN = re.compile(r"[^\W_]([^\W_]|-)*(\.[^\W_]([^\W_]|-)*)+")
NEWCOMERS = {
    Newcomers.MATCH.value: _("Find them by e-mail, else make an account"),
    Newcomers.CREATE.value: _("Make an account for everybody"),
    Newcomers.ASK.value: _("Ask them to sign in here once"),
    Newcomers.EXISTING.value: _("Only people who have an account here"),
}
STAFF_HERE = {
    OutsideStaff.LEARNER.value: _("Learners, like everybody who comes from there"),
    OutsideStaff.AUTHOR.value: _("Authors: they can change courses of this academy"),
}


def domains(value: object) -> object:
    """One per line or separated by commas or spaces, without the @ that people write before it."""
    if not isinstance(value, str):
        return value
    parts = re.split(r"[\s,;]+", value)
    return "\n".join(dict.fromkeys(part.strip().lstrip("@").casefold() for part in parts if part.strip().lstrip("@")))


class PeopleForm(Form):
    newcomers = RadioField(
        _("Somebody comes for the first time"), choices=[SelectChoice(*each) for each in NEWCOMERS.items()]
    )
    match_domains = TextAreaField(
        _("E-mail domains"),
        description=_(
            "Accounts are found by e-mail only in these domains, one per line (school.example). Empty: in all. "
            "Whoever has an address of another domain, and an account here, is asked to sign in once."
        ),
        filters=[domains],
        render_kw={"rows": 3, "autocomplete": "off", "spellcheck": "false"},
    )
    outside_staff = RadioField(
        _("Teachers and admins of the other LMS are here"), choices=[SelectChoice(*each) for each in STAFF_HERE.items()]
    )

    def validate_match_domains(self, field: TextAreaField) -> None:
        given = (field.data or "").split("\n") if field.data else []
        wrong = next(
            (each for each in given if not DOMAIN.fullmatch(each) or email_key(f"x@{each}") != f"x@{each}"), None
        )
        if wrong is not None:
            raise ValidationError(f"“{wrong[:60]}” is not a domain like school.example")
        if len(given) > MOST_DOMAINS:
            raise ValidationError(f"At most {MOST_DOMAINS} domains")


@view_defaults(permission=Permission.INTEGRATE, renderer=page("lti/people_policy.html"))
class PolicyPages(View):
    """``context`` is the connection."""

    @view_config(route_name="lti_platform_people", request_method="GET")
    @view_config(route_name="lti_key_people", request_method="GET")
    def show(self) -> dict[str, Any]:
        held = self.context
        return self._shown(
            PeopleForm.of(
                self.request,
                data={
                    "newcomers": held.newcomers.value,
                    "match_domains": "\n".join(held.match_domains),
                    "outside_staff": held.outside_staff.value,
                },
            )
        )

    @view_config(route_name="lti_platform_people", request_method="POST")
    @view_config(route_name="lti_key_people", request_method="POST")
    def save(self) -> Any:
        form = PeopleForm.of(self.request)
        if not form.accepted():
            self.request.response.status_int = 422
            return self._shown(form)
        held = self.context
        held.newcomers, held.outside_staff = Newcomers(form.newcomers.data), OutsideStaff(form.outside_staff.data)
        held.match_domains = form.match_domains.data.split("\n") if form.match_domains.data else []
        if isinstance(held, Platform):
            new_version(held)
        record(
            self.request,
            "lti.people_policy.changed",
            name_of(held),
            newcomers=held.newcomers.value,
            match_domains=held.match_domains,
            outside_staff=held.outside_staff.value,
        )
        self.request.flash(self.request.localizer.translate(_("Saved. It counts from the next launch on.")))
        return see_other(address_of(self.request, held))

    def _shown(self, form: Form) -> dict[str, Any]:
        held = self.context
        is_platform = isinstance(held, Platform)
        return {
            "form": form,
            "connection": held,
            "name": name_of(held),
            "platform": held if is_platform else None,
            "activity": None if is_platform else Catalog(self.request.db).activity(held.activity_id),
            "back_url": address_of(self.request, held),
        }


def name_of(held: Platform | ConsumerKey) -> str:
    return held.name if isinstance(held, Platform) else held.label


def address_of(request: Request, held: Platform | ConsumerKey) -> str:
    """The connection's own page."""
    if isinstance(held, Platform):
        return str(request.route_path("lti_platform", platform_id=held.id))
    return str(request.route_path("lti_key", **consumer_route(held)))


def people_panel(request: Request, held: Platform | ConsumerKey) -> Markup:
    """On the connection's page: its policy in words."""
    values = {
        "connection": held,
        "newcomers": NEWCOMERS,
        "staff_here": STAFF_HERE,
        "address": address_of(request, held),
    }
    shown = render_block(request, "lti/people_policy.html#summary", values)
    return Markup(shown)  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_route(
        "lti_platform_people",
        "/integrations/lti-1.3/platforms/{platform_id}/people",
        factory=platform_in_address,
        house="academy",
    )
    config.add_route(
        "lti_key_people",
        "/activities/{activity_id}/lti/keys/{consumer_id}/people",
        factory=consumer_in_address,
        house="academy",
    )
    config.add_panel("lti.platform", people_panel)
    config.add_panel("lti.consumer", people_panel)
    config.scan(__name__)
