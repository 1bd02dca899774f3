"""What comes next, on the learner's home, at a course and at a group."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request

from saas.web.rendering import render_block
from tenants.calendar.services import Calendar, in_course, in_group
from tenants.calendar.views import reading_of
from tenants.catalog.models import Course, CourseGroup

AT_HOME, AT_PLACES = 5, 3


def home_panel(request: Request, _subject: object) -> Markup | str:
    """Nothing where nothing comes: home is for what there is."""
    calendar = Calendar(request.db, request.identity)
    lines = reading_of(request).lines(calendar.coming(calendar.own, AT_HOME))
    return _rendered(request, lines, request.route_path("calendar"), at_home=True) if lines else ""


def course_panel(request: Request, course: Course) -> Markup:
    found = Calendar(request.db, request.identity).coming(in_course(course.id), AT_PLACES)
    address = request.route_path("course_calendar", course_id=course.id)
    return _rendered(request, reading_of(request).lines(found), address)


def group_panel(request: Request, group: CourseGroup) -> Markup:
    found = Calendar(request.db, request.identity).coming(in_group(group.id), AT_PLACES)
    address = request.route_path("group_calendar", group_id=group.id)
    return _rendered(request, reading_of(request).lines(found), address)


def _rendered(request: Request, lines: Any, address: str, *, at_home: bool = False) -> Markup:
    values = {"lines": lines, "address": address, "at_home": at_home}
    return Markup(render_block(request, "calendar/panel.html#panel", values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_panel("home.calendar", home_panel)
    config.add_panel("course.tools", course_panel)
    config.add_panel("group", group_panel)
