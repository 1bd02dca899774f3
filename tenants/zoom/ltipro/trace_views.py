"""The trace of a Zoom profile: one timeline, filtered and paged by its address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from pyramid.config import Configurator
from pyramid.view import view_config

from saas.searching import words_in
from saas.web.i18n import _
from saas.web.rendering import page, translate
from saas.web.views import View
from tenants.access import Permission
from tenants.lti.launches.filters import position_in, read_as
from tenants.zoom.ltipro.profile_views import profile_in_address
from tenants.zoom.ltipro.trace import PAGE, Entry, Kind, Trace, Wanted

NAMES = ("kind", "outcome", "person")
OUTCOMES = {"refused": True, "done": False}
KINDS: Mapping[str, str] = {
    Kind.LAUNCH.value: _("Launch"),
    Kind.TOKEN.value: _("Access token"),
    Kind.ROSTER.value: _("Roster"),
    Kind.CALENDAR.value: _("Calendar call"),
    Kind.KEYS.value: _("Public keys"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """As they stand in the address; what cannot be read narrows nothing. ``wanted``: what they mean."""

    shown: Mapping[str, str]
    wanted: Wanted

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        shown = {name: words_in(given, name) for name in NAMES}
        wanted = Wanted(
            kind=read_as(Kind, shown["kind"]),
            refused=OUTCOMES.get(shown["outcome"]),
            person=shown["person"],
            before=read_as(position_in, given.get("before", "")),
        )
        return cls(shown, wanted)

    @property
    def narrowed(self) -> bool:
        return any(self.shown.values())

    def after(self, last: Entry) -> dict[str, str]:
        """The query of the next page."""
        kept = {name: value for name, value in self.shown.items() if value}
        return {**kept, "before": f"{last.at.isoformat()}_{last.id}"}


class TracePage(View):
    """``context`` is the profile."""

    @view_config(
        route_name="zoom_trace",
        request_method="GET",
        permission=Permission.INTEGRATE,
        renderer=page("zoom/trace.html#list"),
    )
    def show(self) -> dict[str, Any]:
        filters = Filters.of(self.request.GET)
        entries = Trace(self.request.db).find(self.context, filters.wanted)
        return {
            "profile": self.context,
            "entries": entries,
            "filters": filters,
            "kinds": {kind: translate(name) for kind, name in KINDS.items()},
            "older": filters.after(entries[-1]) if len(entries) == PAGE else None,
        }


def includeme(config: Configurator) -> None:
    path = "/integrations/zoom/profiles/{profile_id}/trace"
    config.add_route("zoom_trace", path, factory=profile_in_address, house="academy")
    config.scan(__name__)
