"""Integrations → Launch log, and the inspector of one launch."""

import json
from datetime import datetime
from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config, view_defaults

from saas.web.rendering import page
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.lti.launches.models import Launch, Outcome
from tenants.lti.launches.services import PAGE, LaunchLog, steps_of


def launch_in_address(request: Request) -> Launch:
    return LaunchLog(request.db).get(uuid_in(request, "launch_id"))


def outcome_of(text: str) -> Outcome | None:
    return Outcome(text) if text in set(Outcome) else None


def moment_of(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


@view_defaults(permission=Permission.INTEGRATE)
class LaunchPages(View):
    @view_config(route_name="launches", request_method="GET", renderer=page("lti/launches.html#list"))
    def index(self) -> dict[str, Any]:
        wanted = self.request.GET.get("outcome", "")
        before = moment_of(self.request.GET.get("before", ""))
        rows = LaunchLog(self.request.db).recent(outcome=outcome_of(wanted), before=before)
        older = rows[-1].started_at if len(rows) == PAGE else None
        return {"launches": rows, "outcome": wanted, "older": older, "problems": self.request.runtime.problems}

    @view_config(route_name="launch", request_method="GET", renderer=page("lti/launch.html"))
    def show(self) -> dict[str, Any]:
        problem = self.request.runtime.problems[self.context.code] if self.context.code else None
        claims = json.dumps(self.context.claims, indent=2, ensure_ascii=False) if self.context.claims else ""
        login = json.dumps(self.context.login_shown, indent=2, ensure_ascii=False) if self.context.login_shown else ""
        return {
            "launch": self.context,
            "steps": steps_of(self.context),
            "problem": problem,
            "claims": claims,
            "login": login,
        }


def includeme(config: Configurator) -> None:
    config.add_route("launches", "/integrations/launches", house="academy")
    config.add_route("launch", "/integrations/launches/{launch_id}", factory=launch_in_address, house="academy")
    config.scan(__name__)
