"""Integrations → Launch log, the inspector of one launch, and the launch judged again."""

import json
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.rendering import page, translate
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.catalog.models import Activity
from tenants.lti.launches.filters import Filters
from tenants.lti.launches.letter import Letter
from tenants.lti.launches.models import Direction, Launch
from tenants.lti.launches.services import PAGE, LaunchLog, Step, steps_of
from tenants.lti.launches.sharing import Shares
from tenants.lti.platform.models import Tool, ToolKind
from tenants.lti.platform.tools import Tools
from tenants.lti.selftest.again import judge_again
from tenants.lti.tool.consumers import Consumers
from tenants.lti.tool.models11 import ConsumerKey
from tenants.lti.tool.platforms import Platforms


def launch_in_address(request: Request) -> Launch:
    return LaunchLog(request.db).get(uuid_in(request, "launch_id"))


@view_defaults(permission=Permission.INTEGRATE)
class LaunchPages(View):
    @view_config(route_name="launches", request_method="GET", renderer=page("lti/launches.html#list"))
    def index(self) -> dict[str, Any]:
        filters = Filters.of(self.request.GET, self.request.zone)
        rows = LaunchLog(self.request.db).find(filters.wanted)
        older = filters.after(rows[-1]) if len(rows) == PAGE else None
        return {"launches": rows, "filters": filters, "older": older, "connections": self._connections()}

    def _connections(self) -> list[tuple[str, str]]:
        """What the log can be narrowed to, by name."""
        platforms = Platforms(self.request.db, self.request.runtime.outbound).all()
        keys = Consumers(self.request.db, self.request.runtime.secrets).all()
        listed = [(f"platform:{each.id}", each.name) for each in platforms]
        tools = Tools(self.request.db, self.request.runtime.outbound).all()
        listed += [(f"tool:{each.id}", each.name) for each in tools]
        return listed + [(f"key:{each.id}", f"{each.label} (LTI 1.2, {each.activity.title})") for each in keys]

    @view_config(route_name="launch", request_method="GET", renderer=page("lti/launch.html"))
    def show(self) -> dict[str, Any]:
        launch, steps = self.context, steps_of(self.context)
        return {
            "launch": launch,
            "steps": steps,
            "problem": self.request.problem(launch.code) if launch.code else None,
            "letter": letter_about(self.request, launch, steps),
            "claims": pretty(launch.claims),
            "login": pretty(launch.login_shown),
            "lms_url": self._lms_url(),
            "shares": Shares(self.request.db).of(launch),
        }

    @view_config(route_name="launch_again", request_method="GET", renderer=page("lti/launch_again.html"))
    def again(self) -> dict[str, Any]:
        """Reads, judges and forgets: a GET, although a transaction is begun and undone. What we opened is theirs to
        judge.
        """
        if self.context.direction is Direction.OUT:
            raise Refused("WEB_NOT_FOUND")
        again = judge_again(self.request.runtime, self.request.tenant, self.context)
        problem = self.request.problem(again.code) if again.code else None
        failed = next((step.check for step in again.steps if step.judged and step.check.passed is False), None)
        return {"launch": self.context, "again": again, "problem": problem, "failed": failed}

    def _lms_url(self) -> str:
        """The page of the platform, tool or key, if it is still there."""
        launch = self.context
        if launch.direction is Direction.OUT:
            return self._tool_url()
        if launch.platform_id is not None:
            return str(self.request.route_path("lti_platform", platform_id=launch.platform_id))
        key = self.request.db.get(ConsumerKey, launch.consumer_key_id) if launch.consumer_key_id else None
        if key is None:
            return ""
        return str(self.request.route_path("lti_key", activity_id=key.activity_id, consumer_id=key.id))

    def _tool_url(self) -> str:
        """Of LTI 1.2: the page of the activity, whose settings are all there is."""
        launch = self.context
        tool = self.request.db.get(Tool, launch.tool_id) if launch.tool_id else None
        if tool is not None and tool.kind is ToolKind.LTI:
            return str(self.request.route_path("lti_tool", tool_id=launch.tool_id))
        known = launch.activity_id and self.request.db.get(Activity, launch.activity_id)
        return str(self.request.route_path("activity", activity_id=launch.activity_id)) if known else ""


def letter_about(request: Request, launch: Launch, steps: list[Step]) -> str:
    """For the other admin; empty where nothing was refused."""
    if not launch.code:
        return ""
    failed = next((step.check for step in steps if step.check.passed is False), None)
    return Letter(request.db, request.tenant, launch, request.problem(launch.code), failed, translate).text()


def pretty(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) if values else ""


def includeme(config: Configurator) -> None:
    base = "/integrations/launches"
    config.add_route("launches", base, house="academy")
    config.add_route("launch", f"{base}/{{launch_id}}", factory=launch_in_address, house="academy")
    config.add_route("launch_again", f"{base}/{{launch_id}}/again", factory=launch_in_address, house="academy")
    config.scan(__name__)
    config.include("tenants.lti.launches.share_views")
