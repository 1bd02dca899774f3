"""Integrations → What tools asked: the log of our services, and of one tool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config, view_defaults

from saas.web.i18n import _
from saas.web.rendering import page, render_block, translate
from saas.web.views import View
from tenants.access import Permission
from tenants.catalog.models import Activity
from tenants.lti.launches.filters import position_in, read_as
from tenants.lti.platform.log import PAGE, Call, Service, ServiceCalls, Wanted
from tenants.lti.platform.models import Tool, ToolLink
from tenants.lti.platform.tools import Tools

#: Calls on a tool's own page.
SHOWN = 5
NAMES = ("tool", "link", "service", "outcome", "code")
OUTCOMES = {"refused": True, "done": False}
SERVICES = {
    Service.TOKEN: _("Access token"),
    Service.SCORE: _("Score"),
    Service.LINE_ITEM: _("Grade columns"),
    Service.RESULT: _("Results"),
    Service.ROSTER: _("Roster"),
    Service.OUTCOME: _("Result (LTI 1.2)"),
    Service.CONTENT: _("Choice of content"),
    Service.REGISTRATION: _("Registration"),
    Service.CALENDAR: _("Calendar (Zoom)"),
    Service.KEYS: _("Key set read (Zoom)"),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """As they stand in the address; what cannot be read narrows nothing. ``wanted``: what they mean."""

    shown: Mapping[str, str]
    wanted: Wanted

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Self:
        shown = {name: given.get(name, "").strip() for name in NAMES}
        wanted = Wanted(
            tool_id=read_as(UUID, shown["tool"]),
            tool_link_id=read_as(UUID, shown["link"]),
            service=read_as(Service, shown["service"]),
            refused=OUTCOMES.get(shown["outcome"]),
            code=shown["code"].upper(),
            before=read_as(position_in, given.get("before", "")),
        )
        return cls(shown, wanted)

    @property
    def narrowed(self) -> bool:
        return any(self.shown.values())

    def after(self, last: Call) -> dict[str, str]:
        """The query of the next page."""
        kept = {name: value for name, value in self.shown.items() if value}
        return {**kept, "before": f"{last.row.at.isoformat()}_{last.row.id}"}


@view_defaults(permission=Permission.INTEGRATE)
class CallPages(View):
    @view_config(route_name="lti_calls", request_method="GET", renderer=page("lti/calls.html#list"))
    def index(self) -> dict[str, Any]:
        filters = Filters.of(self.request.GET)
        calls = ServiceCalls(self.request.db).find(filters.wanted)
        tools = Tools(self.request.db, self.request.runtime.outbound).all()
        return {
            "calls": calls,
            "filters": filters,
            "about": self._activity(filters.wanted.tool_link_id),
            "older": filters.after(calls[-1]) if len(calls) == PAGE else None,
            "service_names": service_names(),
            "tools": [(str(each.id), each.name) for each in tools],
        }

    def _activity(self, link_id: UUID | None) -> Activity | None:
        """Whose link the log is narrowed to."""
        link = self.request.db.get(ToolLink, link_id) if link_id else None
        return link.activity if link else None


def service_names() -> dict[str, str]:
    return {service.value: translate(name) for service, name in SERVICES.items()}


def tool_panel(request: Request, tool: Tool) -> Markup:
    """On the tool's page: its last calls, and the way to all of them."""
    calls = ServiceCalls(request.db).find(Wanted(tool_id=tool.id), SHOWN)
    values = {"calls": calls, "tool": tool, "service_names": service_names()}
    return Markup(render_block(request, "lti/calls_panel.html#panel", values).strip())  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_panel("lti.tool", tool_panel)
    config.add_route("lti_calls", "/integrations/tool-calls", house="academy")
    config.scan(__name__)
