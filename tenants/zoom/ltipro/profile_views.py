"""Integrations → External tools → Zoom: where it may be used, and the profiles with their wizard."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.web.i18n import _
from saas.web.rendering import page, render_page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.entered import InvalidValues
from tenants.zoom.ltipro.addresses import ZoomAddresses, instance_url
from tenants.zoom.ltipro.check_watch import WATCHED
from tenants.zoom.ltipro.health import Health, Healths
from tenants.zoom.ltipro.models import ZoomProfile, ZoomUse
from tenants.zoom.ltipro.profile_forms import (
    ProfileForm,
    ReassignForm,
    UseForm,
    form_values,
    use_values,
)
from tenants.zoom.ltipro.profiles import Profiles, require_zoom
from tenants.zoom.ltipro.tokens import GRACE, grace_ends
from tenants.zoom.ltipro.usage import usage_of
from tenants.zoom.ltipro.use import switch_use, use_of
from tenants.zoom.ltipro.wizard import all_arrived, arrivals_of, doors, require_root, state_of

FORM = page("zoom/profile_form.html")
#: Places on a page.
PAGE = 50
INDEX = page("zoom/index.html")


def profile_in_address(request: Request) -> ZoomProfile:
    require_zoom(request.tenant)
    return profiles_of(request).get(uuid_in(request, "profile_id"))


def profiles_of(request: Request) -> Profiles:
    return Profiles(request.db, request.runtime, request.tenant)


def health_of(request: Request, profile: ZoomProfile) -> Health:
    return Healths(request.db).of([profile])[profile.id]


def profile_page(request: Request, profile: ZoomProfile) -> dict[str, Any]:
    """What every page about a profile has at hand. ``root_problem``: why Zoom could never reach us, or None."""
    base = profile.issuer
    return {
        "profile": profile,
        "zoom": request.runtime.part(ZoomAddresses),
        "base": base,
        "own_base": instance_url(request.tenant),
        "root_problem": request.problem("ZOOM_PATH_PREFIX") if request.script_name else None,
        "grace_until": grace_ends(profile, clock.now()),
        "grace_days": GRACE.days,
    }


def profile_values(request: Request, profile: ZoomProfile) -> dict[str, Any]:
    """The profile's own page."""
    profiles = profiles_of(request)
    health = health_of(request, profile)
    return {
        **profile_page(request, profile),
        **marks_values(request, profile, health),
        "state": state_of(profile, health),
        "use": use_of(request.db, request.tenant),
        "twins": profiles.twins(profile),
        **usage_values(request, profile),
        "doors": doors(profile.issuer),
        "token": None,
        "cleaned": (),
    }


def usage_values(request: Request, profile: ZoomProfile, text: str = "") -> dict[str, Any]:
    """A page of the places that use it; ``text``: which, from 1, as the address has it. ``total``: of all places."""
    profiles = profiles_of(request)
    total = profiles.count(profile)
    pages = max(1, -(-total // PAGE))
    number = min(max(1, int(text) if text.isdecimal() and len(text) < 6 else 1), pages)
    places = profiles.places(profile, offset=(number - 1) * PAGE, limit=PAGE)
    return {"usage": usage_of(request.db, places), "page": number, "pages": pages, "total": total}


def marks_until(request: Request) -> int:
    """In seconds since 1970: how long a page that was opened now, or that says since when it is open, asks again."""
    latest = int((clock.now() + WATCHED).timestamp())
    text = request.GET.get("until", "")
    return min(int(text), latest) if text.isdecimal() and len(text) < 12 else latest


def marks_values(request: Request, profile: ZoomProfile, health: Health) -> dict[str, Any]:
    """What has arrived from Zoom. ``is_over``: it is not asked for again, either because all has or for the time."""
    arrivals = arrivals_of(request.db, profile, health)
    with_calendar = use_of(request.db, request.tenant).with_calendar
    return {
        "profile": profile,
        "arrivals": arrivals,
        "with_calendar": with_calendar,
        "until": (until := marks_until(request)),
        "is_over": all_arrived(profile, arrivals, with_calendar=with_calendar) or until < clock.now().timestamp(),
    }


def with_token(request: Request, profile: ZoomProfile, token: str, cleaned: Sequence[str] = ()) -> Response:
    """The profile's page with its token in clear: on this one answer, which no cache keeps.

    ``cleaned``: labels of the fields that were not taken exactly as they were pasted.
    """
    response: Response = render_page(
        request, "zoom/profile.html", {**profile_values(request, profile), "token": token, "cleaned": cleaned}
    )
    response.cache_control = "no-store"
    return response


class ZoomView(View):
    @property
    def profiles(self) -> Profiles:
        return profiles_of(self.request)

    def say(self, text: str) -> None:
        self.request.flash(self.request.localizer.translate(text))

    def note(self, action: str, profile: ZoomProfile, **about: Any) -> None:
        record(self.request, f"zoom.profile.{action}", profile.name, profile=str(profile.id), **about)

    def back(self, profile: ZoomProfile) -> Response:
        return self.go("zoom_profile", profile_id=profile.id)


@view_defaults(route_name="zoom", permission=Permission.INTEGRATE, renderer=INDEX)
class ZoomPage(ZoomView):
    @view_config(request_method="GET")
    def show(self) -> dict[str, Any]:
        use = self.request.db.scalar(sa.select(ZoomUse))
        return self._page(UseForm(None, data=use_values(use)))

    @view_config(request_method="POST")
    def save(self) -> Any:
        require_zoom(self.request.tenant)
        form = UseForm.of(self.request)
        form.validate()
        switches = {"is_on": form.is_on.data, "with_calendar": form.with_calendar.data}
        switch_use(self.request.db, kinds=form.kinds, **switches)
        record(self.request, "zoom.switched", **switches, kinds=sorted(form.kinds))
        self.say(_("Saved"))
        return self.go("zoom")

    def _page(self, form: UseForm) -> dict[str, Any]:
        profiles = self.profiles.all()
        healths = Healths(self.request.db).of(profiles)
        return {
            "form": form,
            "is_offered": self.request.tenant.has("zoom"),
            "root_problem": self.request.problem("ZOOM_PATH_PREFIX") if self.request.script_name else None,
            "profiles": profiles,
            "healths": healths,
            "states": {each.id: state_of(each, healths[each.id]) for each in profiles},
            "counts": self.profiles.counts(),
            "own_base": instance_url(self.request.tenant),
        }


@view_defaults(route_name="zoom_profile_new", permission=Permission.INTEGRATE, renderer=FORM)
class NewProfile(ZoomView):
    """Not where Zoom could not reach us: `Refused` ZOOM_PATH_PREFIX."""

    @view_config(request_method="GET")
    def new(self) -> dict[str, Any]:
        self._require()
        return self._page(ProfileForm(None, data={"send_name": True}))

    @view_config(request_method="POST")
    def create(self) -> Any:
        self._require()
        form = ProfileForm.of(self.request)
        if form.accepted():
            try:
                profile, token = self.profiles.create(form.values())
                self.note("created", profile, client_id=profile.tool.client_id)
                return with_token(self.request, profile, token, form.cleaned_fields)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        return self._page(form)

    def _require(self) -> None:
        require_zoom(self.request.tenant)
        require_root(self.request.script_name)

    def _page(self, form: ProfileForm) -> dict[str, Any]:
        return {"form": form, "profile": None, "own_base": instance_url(self.request.tenant)}


def show_faults(form: ProfileForm, invalid: InvalidValues) -> None:
    for name, text in invalid.fields.items():
        form.refuse(name, text)


@view_defaults(permission=Permission.INTEGRATE)
class ProfilePages(ZoomView):
    """``context`` is the profile."""

    @view_config(route_name="zoom_profile", request_method="GET", renderer=page("zoom/profile.html"))
    def show(self) -> dict[str, Any]:
        return profile_values(self.request, self.context)

    @view_config(route_name="zoom_profile_marks", request_method="GET", renderer=page("zoom/profile_marks.html#marks"))
    def marks(self) -> dict[str, Any]:
        """Asked for again until nothing more is to come, at most for a while: 286 ends the asking."""
        values = marks_values(self.request, self.context, health_of(self.request, self.context))
        if self.request.htmx and values["is_over"]:
            self.request.response.status_int = 286
        return values

    @view_config(route_name="zoom_profile_places", request_method="GET", renderer=page("zoom/profile_places.html"))
    def places(self) -> dict[str, Any]:
        return {"profile": self.context, **usage_values(self.request, self.context, self.request.GET.get("page", ""))}

    @view_config(route_name="zoom_profile_edit", request_method="GET", renderer=FORM)
    def edit(self) -> dict[str, Any]:
        return self._form_page(ProfileForm(None, data=form_values(self.context)))

    @view_config(route_name="zoom_profile_edit", request_method="POST", renderer=FORM)
    def save(self) -> Any:
        form = ProfileForm.of(self.request)
        if form.accepted():
            try:
                self.profiles.edit(self.context, form.values())
                self.note("changed", self.context)
                self._say_saved(form)
                return self.back(self.context)
            except InvalidValues as invalid:
                show_faults(form, invalid)
        self.request.response.status_int = 422
        return self._form_page(form)

    def _form_page(self, form: ProfileForm) -> dict[str, Any]:
        return {"form": form, **profile_page(self.request, self.context)}

    def _say_saved(self, form: ProfileForm) -> None:
        translate = self.request.localizer.translate
        said = translate(_("The Zoom profile is saved."))
        if form.cleaned_fields:
            removed = translate(_("Spaces, quotes or invisible characters were removed from:"))
            said += f" {removed} {', '.join(form.cleaned_fields)}"
        self.request.flash(said)

    @view_config(route_name="zoom_profile_switch", request_method="POST")
    def switch(self) -> Response:
        on = self.request.POST.get("on") == "1"
        self.profiles.switch(self.context, on=on)
        self.note("activated" if on else "deactivated", self.context)
        return self.back(self.context)

    @view_config(route_name="zoom_profile_copy", request_method="POST")
    def copy(self) -> Response:
        require_root(self.request.script_name)
        made, token = self.profiles.copy(self.context)
        self.note("copied", made, of=str(self.context.id), client_id=made.tool.client_id)
        return with_token(self.request, made, token)

    @view_config(route_name="zoom_profile_address", request_method="POST")
    def address(self) -> Response:
        require_root(self.request.script_name)
        before = self.context.issuer
        self.profiles.know_address(self.context)
        self.note("moved", self.context, before=before, now=self.context.issuer)
        self.say(_("From now on Zoom is addressed as this academy is called now."))
        return self.back(self.context)

    @view_config(route_name="zoom_profile_delete", request_method="GET", renderer=page("zoom/profile_delete.html"))
    def confirm_delete(self) -> dict[str, Any]:
        return self._delete_page(self._reassign_form())

    @view_config(route_name="zoom_profile_delete", request_method="POST")
    def delete(self) -> Response:
        self.note("deleted", self.context, client_id=self.context.tool.client_id)
        self.profiles.delete(self.context)
        self.say(_("The Zoom profile is deleted"))
        return self.go("zoom")

    @view_config(route_name="zoom_profile_reassign", request_method="POST", renderer=page("zoom/profile_delete.html"))
    def reassign(self) -> Any:
        form = self._reassign_form()
        if not form.accepted():
            self.request.response.status_int = 422
            return self._delete_page(form)
        to = next(each for each in self.profiles.all() if str(each.id) == form.to.data)
        number = self.profiles.reassign(self.context, to)
        self.note("reassigned", self.context, to=str(to.id), places=number)
        self.say(_("All places have been given to the other profile."))
        return self.back(self.context)

    def _reassign_form(self) -> ReassignForm:
        form = ReassignForm.of(self.request)
        others = [each for each in self.profiles.all() if each.id != self.context.id]
        form.offer(others, self.request.localizer.translate(_("inactive")))
        return form

    def _delete_page(self, form: ReassignForm) -> dict[str, Any]:
        return {"profile": self.context, "form": form, **usage_values(self.request, self.context)}


def includeme(config: Configurator) -> None:
    base = "/integrations/zoom"
    config.add_route("zoom", base, house="academy")
    config.add_route("zoom_profile_new", f"{base}/profiles/new", house="academy")
    for name, path in (
        ("zoom_profile", ""),
        ("zoom_profile_marks", "/marks"),
        ("zoom_profile_places", "/places"),
        ("zoom_profile_edit", "/edit"),
        ("zoom_profile_switch", "/switch"),
        ("zoom_profile_copy", "/copy"),
        ("zoom_profile_address", "/address"),
        ("zoom_profile_delete", "/delete"),
        ("zoom_profile_reassign", "/reassign"),
        ("zoom_profile_token", "/token"),
        ("zoom_profile_rotate", "/rotate"),
    ):
        config.add_route(name, f"{base}/profiles/{{profile_id}}{path}", factory=profile_in_address, house="academy")
    config.scan(__name__)
    config.scan("tenants.zoom.ltipro.token_views")
