"""Calendars of courses, groups and people, and the feeds of them (docs/zoom.md)."""

from pyramid.config import Configurator

from tenants.calendar import models as models


def includeme(config: Configurator) -> None:
    """The pages, a module each."""
    config.include("tenants.calendar.feed_views")
    config.include("tenants.calendar.views")
    config.include("tenants.calendar.panels")
