"""The page of a place: what is sent, Zoom in its frame or window, and for whoever may not, why not."""

from datetime import timedelta
from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.errors import show_problem
from saas.web.headers import CSP, content_policy
from saas.web.i18n import _
from saas.web.rendering import page, render_block, render_page, translate
from saas.web.sessions import cookie_name, is_framed, set_cookie
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.calendar.models import CalendarEvent
from tenants.catalog.group_views import group_in_address
from tenants.catalog.models import Activity, Course, CourseGroup
from tenants.catalog.views import course_in_address
from tenants.learning.views import activity_for_learner
from tenants.lti.platform.messages import MessageKinds, Seat
from tenants.lti.platform.models import OpensIn, ToolKind
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.posting import ancestors, post_to_tool
from tenants.lti.tool.views import browser_of
from tenants.lti.wire.launch13 import RESOURCE_LINK_REQUEST
from tenants.zoom.ltipro.launch import (
    FRAME_ALLOWS,
    ZOOM_HOSTS,
    Agreement,
    Entered,
    PlaceOpening,
    way_of_launch,
    zoom_origins,
)
from tenants.zoom.ltipro.message import place_message
from tenants.zoom.ltipro.models import PlaceKind, ZoomPlace
from tenants.zoom.ltipro.place_views import person_of, places_of
from tenants.zoom.ltipro.places import ROUTES, Places, Subject, course_of, opens_in_of
from tenants.zoom.ltipro.seats import PlaceRole
from tenants.zoom.ltipro.use import use_of

#: Where the subject has its own page.
HOMES = {PlaceKind.ELEMENT: "activity", PlaceKind.COURSE: "course", PlaceKind.GROUP: "group"}
KINDS = {name: kind for kind, (route, _place) in ROUTES.items() for name in (route, f"{route}_launch")}
ROLE_NAMES = {
    PlaceRole.LEARNER: _("Learner"),
    PlaceRole.COACH: _("Coach or author"),
    PlaceRole.ADMIN: _("Admin"),
}
#: Remembers that this browser opens Zoom in a window: many keep Zoom's cookies back in a frame.
COOKIE, REMEMBERED = "zoom-opens", timedelta(days=365)


@view_defaults(permission=Permission.LEARN, framable=True)
class PlacePlayer(View):
    """``context`` is the activity, the course or the group, by the route."""

    context: Subject

    def __init__(self, context: Subject, request: Request) -> None:
        super().__init__(context, request)
        self.kind = KINDS[request.matched_route.name]
        self.opening = PlaceOpening(request.db, request.runtime, request.tenant, self.kind, context)

    @view_config(route_name="zoom_meeting", request_method="GET")
    @view_config(route_name="zoom_course", request_method="GET")
    @view_config(route_name="zoom_group", request_method="GET")
    def show(self) -> Response:
        if self._is_none:
            return self.go("activity", activity_id=self.context.id)
        try:
            entered = self.opening.enter(person_of(self.request))
        except Refused as refusal:
            return self._closed(refusal)
        agreement = Agreement(self.request.db, entered)
        return self._ask(entered, agreement) if agreement.is_needed else self._play(entered)

    @view_config(route_name="zoom_meeting", request_method="POST")
    @view_config(route_name="zoom_course", request_method="POST")
    @view_config(route_name="zoom_group", request_method="POST")
    def agree(self) -> Response:
        """Agrees to what the page named; where more is sent by now, the page asks for that."""
        if not self._is_none:
            entered = self.opening.enter(person_of(self.request))
            Agreement(self.request.db, entered).give(self.request.POST.getall("share"))
        return self._go_back()

    @view_config(route_name="zoom_meeting_launch", request_method="POST")
    @view_config(route_name="zoom_course_launch", request_method="POST")
    @view_config(route_name="zoom_group_launch", request_method="POST")
    def launch(self) -> Response:
        """The page in the frame or window, whose form goes to Zoom at once; made for one use."""
        if self._is_none:
            return self._go_back()
        entered = self.opening.enter(person_of(self.request))
        if Agreement(self.request.db, entered).is_needed:
            return self._go_back()
        sitting = self._sitting(entered)
        begun = self.opening.begin(entered, sitting)
        tool, fields = entered.tool, begun.fields.items()
        response = post_to_tool(self.request, begun.login_url, fields, name=tool.name, link=begun.address)
        response.headers[CSP] = content_policy(ancestors(self.request), way_of_launch(self.request.tenant, entered))
        if self._is_chosen(entered, sitting.seat.opens_in):
            set_cookie(self.request, response, COOKIE, OpensIn.WINDOW.value, lifetime=REMEMBERED)
        return response

    def _is_chosen(self, entered: Entered, where: OpensIn) -> bool:
        """Somebody took the window where a frame was offered: what author or profile say chooses for nobody."""
        is_window = where is OpensIn.WINDOW and not is_framed(self.request)
        return is_window and opens_in_of(entered.place) is OpensIn.FRAME

    @property
    def _is_none(self) -> bool:
        return isinstance(self.context, Activity) and not self.context.is_meeting

    def _go_back(self) -> Response:
        route, name = ROUTES[self.kind]
        return self.go(route, **{name: self.context.id})

    def _home(self) -> str:
        path: str = self.request.route_path(HOMES[self.kind], **{ROUTES[self.kind][1]: self.context.id})
        return path

    def _closed(self, refusal: Refused) -> Response:
        """Why it does not open and who can do what, with the way back to where it was to be opened."""
        action = (translate(_("Back")), self._home())
        return show_problem(self.request, refusal.code, seen=refusal.seen, wanted=refusal.wanted, action=action)

    def _sitting(self, entered: Entered) -> Sitting:
        """The page says where it put Zoom."""
        request, where = self.request, self.request.POST.get("in", "")
        opens_in = OpensIn(where) if where in set(OpensIn) else opens_in_of(entered.place)
        back = request.route_path("zoom_return", place_id=entered.place.id)
        seat = Seat(opens_in, request.locale_name, f"{request.tenant.url}{back}")
        return Sitting(entered.person, request.identity.session_id, seat, browser_of(request))

    def _values(self, entered: Entered) -> dict[str, Any]:
        route, name = ROUTES[self.kind]
        where = {name: self.context.id}
        return {
            "subject": self.context,
            "course": course_of(self.context),
            "profile": entered.place.profile,
            "home": self._home(),
            "here": self.request.route_path(route, **where),
            "launch": self.request.route_path(f"{route}_launch", **where),
        }

    def _ask(self, entered: Entered, agreement: Agreement) -> Response:
        rows = agreement.table(self.context, translate(ROLE_NAMES[entered.role]))
        return render_page(self.request, "zoom/open_consent.html", {**self._values(entered), "rows": rows})

    def _play(self, entered: Entered) -> Response:
        request, origins = self.request, zoom_origins(entered.tool)
        in_frame, way = self._in_frame(entered.place), way_of_launch(request.tenant, entered)
        values = {**self._values(entered), "origins": origins, "in_frame": in_frame, "allows": FRAME_ALLOWS}
        response = render_page(request, "zoom/open.html", values)
        response.headers[CSP] = content_policy(ancestors(request), way, way)
        response.headers["Permissions-Policy"] = device_policy([*origins, ZOOM_HOSTS])
        if request.GET.get("in") == OpensIn.FRAME.value:
            set_cookie(request, response, COOKIE, "")
        return response

    def _in_frame(self, place: ZoomPlace) -> bool:
        """What the person chose last, else what author or profile say; in a frame there is no window of ours."""
        request = self.request
        if is_framed(request) or request.GET.get("in") == OpensIn.FRAME.value:
            return True
        remembered = request.cookies.get(cookie_name(request, COOKIE), "")
        return remembered != OpensIn.WINDOW.value and opens_in_of(place) is OpensIn.FRAME


def device_policy(origins: list[str]) -> str:
    """Camera and microphone for Zoom's frame, which the shell's header forbids everywhere else."""
    named = " ".join(("self", *(f'"{each}"' for each in origins)))
    return f"camera=({named}), microphone=({named}), geolocation=()"


def place_in_address(request: Request) -> ZoomPlace:
    return places_of(request).get(uuid_in(request, "place_id"))


@view_config(
    route_name="zoom_return",
    request_method="GET",
    permission=NO_PERMISSION_REQUIRED,
    renderer=page("zoom/open_back.html"),
    framable=True,
)
def come_back(context: ZoomPlace, request: Request) -> Any:
    """``launch_presentation_return_url``. In a frame our cookie may be missing, so this page asks for nobody."""
    route, where = Places.route_of(context)
    address = request.route_path(route, **where)
    if request.identity is not None and not is_framed(request):
        return Response(status=303, location=address)
    return {"address": address}


def activity_panel(request: Request, activity: Activity) -> Markup | str:
    """The activity's page, for whoever may see it; what keeps Zoom off is said on the next page. Guests see no tool."""
    if not activity.is_meeting or places_of(request).of_activity(activity) is None or person_of(request).is_guest:
        return ""
    return _shown(request, PlaceKind.ELEMENT, activity)


def course_panel(request: Request, course: Course) -> Markup | str:
    return _tool_panel(request, PlaceKind.COURSE, course)


def group_panel(request: Request, group: CourseGroup) -> Markup | str:
    return _tool_panel(request, PlaceKind.GROUP, group)


def _tool_panel(request: Request, kind: PlaceKind, subject: Subject) -> Markup | str:
    if kind not in use_of(request.db, request.tenant).kinds:
        return ""
    place = places_of(request).of(kind, subject)
    if place is None or not place.is_on or person_of(request).is_guest:
        return ""
    return _shown(request, kind, subject)


def _shown(request: Request, kind: PlaceKind, subject: Subject) -> Markup:
    route, name = ROUTES[kind]
    values = {"kind": kind.value, "open_url": request.route_path(route, **{name: subject.id})}
    return Markup(render_block(request, "zoom/place_tools.html#panel", values))  # noqa: S704 -- rendered with autoescape


def event_way(request: Request, event: CalendarEvent) -> str:
    """For the calendar: where an event that Zoom told us of is opened, so that it signs people in; none for guests."""
    if event.origin_id is None or person_of(request).is_guest:
        return ""
    kinds = ((PlaceKind.GROUP, event.group_id), (PlaceKind.ELEMENT, event.activity_id))
    kind, subject_id = next((each for each in kinds if each[1] is not None), (PlaceKind.COURSE, event.course_id))
    route, name = ROUTES[kind]
    path: str = request.route_path(route, **{name: subject_id})
    return path


def includeme(config: Configurator) -> None:
    config.registry.event_way = event_way
    config.registry.runtime.part(MessageKinds).add(RESOURCE_LINK_REQUEST, place_message, ToolKind.ZOOM)
    config.add_panel("activity.open", activity_panel)
    config.add_panel("course.tools", course_panel)
    config.add_panel("group", group_panel)
    for name, path, factory in (
        ("zoom_meeting", "/learn/{activity_id}/zoom", activity_for_learner),
        ("zoom_course", "/courses/{course_id}/zoom", course_in_address),
        ("zoom_group", "/groups/{group_id}/zoom", group_in_address),
    ):
        config.add_route(name, path, factory=factory, house="academy")
        config.add_route(f"{name}_launch", f"{path}/launch", factory=factory, house="academy")
    config.add_route("zoom_return", "/zoom/places/{place_id}/return", factory=place_in_address, house="academy")
    config.scan(__name__)
