"""The calendars of a person, a course and a group, and the page of an event."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View, own_path, see_other, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.calendar.agenda import Month, Reading
from tenants.calendar.feed_views import feed_section
from tenants.calendar.services import Calendar, Calendars, Entry, Span, hide, in_course, in_group, unhide
from tenants.catalog.group_views import group_in_address
from tenants.catalog.models import Course, CourseGroup
from tenants.catalog.views import course_in_address

#: What comes is shown up to so many; a month has pages of as many.
PER_PAGE = 50
_PAGE_DIGITS = 4


def entry_in_address(request: Request) -> Entry | None:
    """`Refused` WEB_NOT_FOUND for whoever may not see it; strangers are sent to sign in first."""
    if request.identity is None:
        return None
    return Calendar(request.db, request.identity).event(uuid_in(request, "event_id"))


def reading_of(request: Request) -> Reading:
    """A place is asked once for its way, however many of its events are shown."""
    ways: dict[Any, str] = {}

    def way(entry: Entry) -> str:
        event = entry.event
        if event.origin_id not in ways:
            ways[event.origin_id] = request.registry.event_way(request, event) if event.origin_id else ""
        return ways[event.origin_id]

    return Reading(request.zone, request.locale_name, clock.now(), way)


class AgendaView(View):
    """``?month=2026-03`` shows that month; anything else, what comes."""

    def agenda(self, calendars: Calendars, route: str, **values: Any) -> dict[str, Any]:
        request, reading = self.request, reading_of(self.request)
        month = Month.read(request.GET.get("month", ""))
        number = self._page() if month else 1
        since, until = month.span(request.zone) if month else (reading.midnight(), None)
        span = Span(since, until, limit=PER_PAGE + 1, offset=PER_PAGE * (number - 1))
        found = Calendar(request.db, request.identity).find(calendars, span)
        shown, has_more = found[:PER_PAGE], len(found) > PER_PAGE

        def address(at: Month | None, at_page: int = 1) -> str:
            query = {"month": str(at)} if at else {}
            return request.route_path(route, **values, _query=query | ({"page": at_page} if at_page > 1 else {}))

        this = month or Month.at(reading.now, request.zone)
        last = Month.at(shown[-1].event.starts_at, request.zone) if shown else this
        return {
            "days": reading.days(shown),
            "month": month.label(request.locale_name) if month else "",
            "coming_url": address(None),
            "earlier_url": address(month.before if month else this) if not month or month.before else "",
            "later_url": address(month.after) if month and month.after else address(last) if has_more else "",
            "previous_url": address(month, number - 1) if number > 1 else "",
            "next_url": address(month, number + 1) if month and has_more else "",
            "zone": request.zone.key.replace("_", " "),
            "back": request.path_qs,
        }

    def _page(self) -> int:
        said = self.request.GET.get("page", "")
        return max(1, int(said)) if said.isascii() and said.isdecimal() and len(said) <= _PAGE_DIGITS else 1


@view_defaults(permission=Permission.LEARN)
class CalendarPages(AgendaView):
    @view_config(route_name="calendar", request_method="GET", renderer=page("calendar/calendar.html"))
    def own(self) -> dict[str, Any]:
        calendar = Calendar(self.request.db, self.request.identity)
        return {**self.agenda(calendar.own, "calendar"), **feed_section(self.request)}

    @view_config(route_name="course_calendar", request_method="GET", renderer=page("calendar/course.html"))
    def course(self) -> dict[str, Any]:
        course: Course = self.context
        shown = self.agenda(in_course(course.id), "course_calendar", course_id=course.id)
        return {**shown, "course": course}

    @view_config(route_name="group_calendar", request_method="GET", renderer=page("calendar/group.html"))
    def group(self) -> dict[str, Any]:
        group: CourseGroup = self.context
        shown = self.agenda(in_group(group.id), "group_calendar", group_id=group.id)
        return {**shown, "group": group}


@view_defaults(permission=Permission.LEARN)
class EventPages(View):
    """``context`` is the `Entry`."""

    context: Entry

    @view_config(route_name="calendar_event", request_method="GET", renderer=page("calendar/event.html"))
    def show(self) -> dict[str, Any]:
        line = reading_of(self.request).line(self.context)
        return {"line": line, "zone": self.request.zone.key.replace("_", " "), "back": self.request.path_qs}

    @view_config(route_name="calendar_event_hide", request_method="POST")
    def switch(self) -> Response:
        event, hides = self.context.event, self.request.POST.get("on") == "1"
        if not self.context.may_hide:
            raise Refused("WEB_FORBIDDEN")
        (hide if hides else unhide)(event)
        record(self.request, "calendar.event_hidden" if hides else "calendar.event_shown", event.title)
        said = _("Hidden from learners") if hides else _("Shown to learners again")
        self.request.flash(self.request.localizer.translate(said))
        fallback = self.request.route_path("calendar_event", event_id=event.id)
        return see_other(own_path(self.request.POST.get("back"), fallback))


def includeme(config: Configurator) -> None:
    """``registry.event_way(request, event)`` says where an event is opened in an address of ours, or "": who has
    events puts a function of its own in its place.
    """
    config.registry.event_way = lambda _request, _event: ""
    config.add_route("calendar", "/calendar", house="academy")
    config.add_route("course_calendar", "/courses/{course_id}/calendar", factory=course_in_address, house="academy")
    config.add_route("group_calendar", "/groups/{group_id}/calendar", factory=group_in_address, house="academy")
    for name, path in (("calendar_event", ""), ("calendar_event_hide", "/hide")):
        config.add_route(name, f"/calendar/events/{{event_id}}{path}", factory=entry_in_address, house="academy")
    config.scan(__name__)
