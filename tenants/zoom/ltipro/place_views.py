"""Where authors and coaches set Zoom up: in an activity's settings, on the course's page, in a group's settings."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from saas.db.scope import ScopedSession
from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block, render_page, translate
from saas.web.views import View, see_other
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.audit.services import record
from tenants.catalog.group_views import led_group
from tenants.catalog.models import Activity, Course, CourseGroup
from tenants.catalog.services import TITLE_LENGTH, Catalog, Publishing
from tenants.catalog.views import activity_in_address, course_in_address
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.place_forms import PlaceForm, form_values
from tenants.zoom.ltipro.places import ROUTES, Places, PlaceValues, Subject, Suggestion, Why, course_of, find_place
from tenants.zoom.ltipro.profiles import Profiles
from tenants.zoom.ltipro.use import require_use, use_of

ANCHOR = "zoom"
#: Who saves the settings, and the page the form stands on.
SETTINGS = {
    PlaceKind.ELEMENT: ("zoom_meeting_settings", "activity_settings"),
    PlaceKind.COURSE: ("zoom_course_settings", "course"),
    PlaceKind.GROUP: ("zoom_group_settings", "group_edit"),
}
KINDS = {route: kind for kind, (route, _page) in SETTINGS.items()}
NAMES = {
    PlaceKind.ELEMENT: _("Course element"),
    PlaceKind.COURSE: _("Course tool"),
    PlaceKind.GROUP: _("Group tool"),
}
#: Refusals that the form shows at the profile.
AT_PROFILE = ("ZOOM_PROFILE_NONE", "ZOOM_PROFILE_CHOICE")


def places_of(request: Request) -> Places:
    return Places(request.db, request.tenant, request.runtime)


def person_of(request: Request) -> Person:
    found: Person = request.db.get_one(Person, request.identity.id)
    return found


class PlaceSettings(View):
    """``context`` is the activity, the course or the group, by the route."""

    context: Subject

    def __init__(self, context: Subject, request: Request) -> None:
        super().__init__(context, request)
        self.kind = KINDS[request.matched_route.name]

    @view_config(route_name="zoom_meeting_settings", request_method="GET", permission=Permission.AUTHOR)
    @view_config(route_name="zoom_course_settings", request_method="GET", permission=Permission.AUTHOR)
    @view_config(route_name="zoom_group_settings", request_method="GET", permission=Permission.LEARN)
    def settings(self) -> Response:
        """The form has its place among the settings; its own address only takes it."""
        return see_other(settings_page(self.request, self.kind, self.context))

    @view_config(
        route_name="zoom_meeting_settings", request_method="POST", permission=Permission.AUTHOR,
        renderer=page("zoom/place.html"),
    )  # fmt: skip
    @view_config(
        route_name="zoom_course_settings", request_method="POST", permission=Permission.AUTHOR,
        renderer=page("zoom/place.html"),
    )  # fmt: skip
    @view_config(
        route_name="zoom_group_settings", request_method="POST", permission=Permission.LEARN,
        renderer=page("zoom/place.html"),
    )  # fmt: skip
    def save(self) -> Any:
        """Another profile is asked about first: what was planned with the old one stays in its Zoom account."""
        if isinstance(self.context, Activity) and not self.context.is_meeting:
            raise Refused("WEB_NOT_FOUND")
        request, form = self.request, place_form(self.request, self.kind)
        require_use(request.db, request.tenant, self.kind)
        place = places_of(request).of(self.kind, self.context)
        if form.accepted():
            profile = Profiles(request.db, request.runtime, request.tenant).get(form.wanted) if form.wanted else None
            if place and profile and profile.id != place.profile_id and request.POST.get("confirmed") != "1":
                return self._ask(form, place, profile)
            try:
                return self._saved(form, place, profile)
            except Refused as refusal:
                if refusal.code not in AT_PROFILE:
                    raise
                problem = request.problem(refusal.code)
                form.refuse("profile_id", f"{problem.title}. {problem.remedy}")
        request.response.status_int = 422
        return place_values(request, self.kind, self.context, form)

    def _ask(self, form: PlaceForm, place: ZoomPlace, profile: ZoomProfile) -> Response:
        values = {**place_values(self.request, self.kind, self.context, form), "now": place.profile, "then": profile}
        response: Response = render_page(self.request, "zoom/place_change.html", values)
        return response

    def _saved(self, form: PlaceForm, place: ZoomPlace | None, profile: ZoomProfile | None) -> Response:
        is_on = self.kind is PlaceKind.ELEMENT or form.is_on.data
        if place is None and not is_on:
            self.request.flash(translate(_("Zoom stays off here.")))
            return self.settings()
        places, person = places_of(self.request), person_of(self.request)
        suggestion = places.choose(person) if place is None and profile is None else None
        kept = places.save(self.kind, self.context, PlaceValues(profile, form.target, is_on), person)
        seen = {"place": str(kept.id), "kind": kept.kind.value, "profile": kept.profile.name, "is_on": kept.is_on}
        record(self.request, "zoom.place.saved", self.context.title, **seen)
        self.request.flash(" ".join(filter(None, (translate(_("Saved")) + ".", why(suggestion)))))
        return self.settings()


@view_config(route_name="zoom_meeting_copy", request_method="POST", permission=Permission.AUTHOR)
def copy_meeting(context: Activity, request: Request) -> Response:
    """A draft of its own, with a place of its own: its meetings are not those of this one."""
    if not context.is_meeting:
        raise Refused("WEB_NOT_FOUND")
    title = translate(_("Copy of ${title}", mapping={"title": context.title}))[:TITLE_LENGTH]
    made = Catalog(request.db).copy_activity(context, title)
    places_of(request).copy(context, made)
    record(request, "activity.copied", context.title, activity=str(made.id))
    request.flash(translate(_("This is the copy. Check its settings, then publish it.")))
    return see_other(request.route_path("activity_settings", activity_id=made.id))


def settings_page(request: Request, kind: PlaceKind, subject: Subject) -> str:
    _save, route = SETTINGS[kind]
    address: str = request.route_path(route, **{ROUTES[kind][1]: subject.id}, _anchor=ANCHOR)
    return address


def place_form(request: Request, kind: PlaceKind, place: ZoomPlace | None = None) -> PlaceForm:
    """As it was sent, or with what there is; without JavaScript the same."""
    sent = request.method == "POST" and request.matched_route.name in KINDS
    form = PlaceForm.of(request) if sent else PlaceForm(data=form_values(place))
    if kind is PlaceKind.ELEMENT:
        del form.is_on
    choose = translate(_("Keep the one in use") if place else _("As suggested"))
    form.offer(Profiles(request.db, request.runtime, request.tenant).all(), choose=choose)
    return form


def why(suggestion: Suggestion | None) -> str:
    """Which profile, and why, in words; empty where nothing is suggested."""
    if suggestion is None:
        return ""
    words = {
        Why.DEFAULT: _("Zoom profile ${name}: it is the academy's default.", mapping={"name": suggestion.profile.name}),
        Why.DOMAIN: _(
            "Zoom profile ${name}: it is for addresses at ${domain}, as yours is.",
            mapping={"name": suggestion.profile.name, "domain": suggestion.domain},
        ),
        Why.ONLY: _("Zoom profile ${name}: it is the only one.", mapping={"name": suggestion.profile.name}),
    }
    return translate(words[suggestion.why])


def place_values(request: Request, kind: PlaceKind, subject: Subject, form: PlaceForm | None = None) -> dict[str, Any]:
    """What the form's page and its place among the settings show. Without a ``form``, the place as it is."""
    places = places_of(request)
    place = places.of(kind, subject)
    opening, name = ROUTES[kind]
    return {
        "kind": kind.value,
        "kind_name": translate(NAMES[kind]),
        "subject": subject,
        "course": course_of(subject),
        "place": place,
        "form": form or place_form(request, kind, place),
        "why": "" if place else why(places.choose(person_of(request))),
        "closed": _closed(request, kind),
        "address": request.route_path(SETTINGS[kind][0], **{name: subject.id}),
        "open_url": request.route_path(opening, **{name: subject.id}),
        "settings_url": settings_page(request, kind, subject),
    }


def _closed(request: Request, kind: PlaceKind) -> Any:
    """The problem that keeps Zoom off here, whoever asks; None where there is none."""
    try:
        require_use(request.db, request.tenant, kind)
    except Refused as refusal:
        return request.problem(refusal.code)
    return None


def meeting_panel(request: Request, activity: Activity) -> Markup | str:
    """Settings of an activity."""
    return _shown(request, "zoom/place.html#panel", PlaceKind.ELEMENT, activity) if activity.is_meeting else ""


def meeting_state_panel(request: Request, activity: Activity) -> Markup | str:
    """Content of an activity: there is nothing to write, but a place to look at."""
    return _shown(request, "zoom/meeting_state.html#panel", PlaceKind.ELEMENT, activity) if activity.is_meeting else ""


def course_panel(request: Request, course: Course) -> Markup | str:
    return _tool_panel(request, PlaceKind.COURSE, course)


def group_panel(request: Request, group: CourseGroup) -> Markup | str:
    return _tool_panel(request, PlaceKind.GROUP, group)


def _tool_panel(request: Request, kind: PlaceKind, subject: Subject) -> Markup | str:
    """Nothing where Zoom is off; what was set up stays, and says that it is off."""
    is_on = kind in use_of(request.db, request.tenant).kinds
    if not is_on and places_of(request).of(kind, subject) is None:
        return ""
    return _shown(request, "zoom/place.html#panel", kind, subject)


def _shown(request: Request, name: str, kind: PlaceKind, subject: Subject) -> Markup:
    return Markup(render_block(request, name, place_values(request, kind, subject)))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    def refuse_without_place(session: ScopedSession, publishing: Publishing) -> None:
        activity = publishing.activity
        if activity.is_meeting and find_place(session, PlaceKind.ELEMENT, activity) is None:
            raise Refused("ZOOM_PLACE_MISSING", seen=activity.title, wanted="a Zoom profile")

    config.registry.runtime.events.subscribe(Publishing, refuse_without_place)
    config.registry.meetings_on = lambda request: PlaceKind.ELEMENT in use_of(request.db, request.tenant).kinds
    config.add_panel("activity.settings", meeting_panel)
    config.add_panel("activity.content", meeting_state_panel)
    config.add_panel("course.settings", course_panel)
    config.add_panel("group.settings", group_panel)
    for name, path, factory in (
        ("zoom_meeting_settings", "/activities/{activity_id}/zoom", activity_in_address),
        ("zoom_meeting_copy", "/activities/{activity_id}/zoom/copy", activity_in_address),
        ("zoom_course_settings", "/courses/{course_id}/zoom/settings", course_in_address),
        ("zoom_group_settings", "/groups/{group_id}/zoom/settings", led_group),
    ):
        config.add_route(name, path, factory=factory, house="academy")
    config.scan(__name__)
