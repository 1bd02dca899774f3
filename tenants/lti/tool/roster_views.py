"""Integrations → LTI 1.3 → Roster: read who is in the course there, look at the difference, enrol."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.jobs.outbox import later
from saas.web.rendering import page, render_block
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.models import Activity
from tenants.lti.availability import require_lti
from tenants.lti.tool.models import Platform, ResourceLink
from tenants.lti.tool.rosters import ENROLLED_ON_REQUEST, PAGE, Rosters
from tenants.lti.tool.sharing_models import Change, PullState, RosterPull


def link_in_address(request: Request) -> ResourceLink:
    require_lti(request.tenant)
    return Rosters(request.db).link(uuid_in(request, "link_id"))


def pull_in_address(request: Request) -> RosterPull:
    require_lti(request.tenant)
    return Rosters(request.db).pull(uuid_in(request, "pull_id"))


@view_defaults(permission=Permission.INTEGRATE)
class RosterPages(View):
    @property
    def rosters(self) -> Rosters:
        return Rosters(self.request.db)

    @view_config(route_name="lti_roster", request_method="GET", renderer=page("lti/roster.html"))
    def link(self) -> dict[str, Any]:
        return {**self._about(self.context), "pulls": self.rosters.pulls(self.context)}

    @view_config(route_name="lti_roster", request_method="POST")
    def read(self) -> Response:
        pull = self.rosters.start(self.context, self.request.identity.name)
        later(self.request.db, "lti.read_roster", pull_id=pull.id)
        record(self.request, "lti.roster.read", self.context.context_title, link=str(self.context.id))
        return self.go("lti_roster_pull", pull_id=pull.id)

    @view_config(route_name="lti_roster_pull", request_method="GET", renderer=page("lti/roster_pull.html#state"))
    def show(self) -> dict[str, Any]:
        """Asked for again while something goes on; 286 ends the asking."""
        pull = self.context
        busy = pull.state in (PullState.READING, PullState.ENROLLING)
        if self.request.htmx and not busy:
            self.request.response.status_int = 286
        counts = self.rosters.counts(pull)
        wanted = self.request.GET.get("change", "")
        change = Change(wanted) if wanted in set(Change) else None
        number = int(text) if (text := self.request.GET.get("page", "1")).isdecimal() and 0 < len(text) < 6 else 1
        total = counts.get(change, 0) if change else sum(counts.values())
        return {
            **self._about(self.rosters.link(pull.resource_link_id)),
            "pull": pull,
            "busy": busy,
            "counts": counts,
            "change": wanted if change else "",
            "page": max(number, 1),
            "pages": -(-total // PAGE),
            "entries": self.rosters.entries(pull, change, max(number, 1)) if not busy else (),
            "absent": self.rosters.absent(pull) if pull.state in (PullState.READY, PullState.DONE) else 0,
            "to_enrol": sum(counts.get(each, 0) for each in ENROLLED_ON_REQUEST),
            "problem": self.request.problem(pull.code) if pull.code else None,
        }

    @view_config(route_name="lti_roster_pull", request_method="POST")
    def enrol(self) -> Response:
        self.rosters.ask_to_enrol(self.context)
        record(self.request, "lti.roster.enrolled", "", pull=str(self.context.id))
        return self.go("lti_roster_pull", pull_id=self.context.id)

    def _about(self, link: ResourceLink) -> dict[str, Any]:
        return {
            "link": link,
            "platform": self.request.db.get_one(Platform, link.platform_id),
            "activity": self.request.db.get_one(Activity, link.activity_id),
        }


def rosters_panel(request: Request, platform: Platform) -> Markup:
    links = Rosters(request.db).links(platform.id)
    shown = render_block(request, "lti/roster_links.html#links", {"links": links}) if links else ""
    return Markup(shown)  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    base = "/integrations/lti-1.3"
    config.add_route("lti_roster", f"{base}/links/{{link_id}}/roster", factory=link_in_address, house="academy")
    config.add_route("lti_roster_pull", f"{base}/rosters/{{pull_id}}", factory=pull_in_address, house="academy")
    config.add_panel("lti.platform", rosters_panel)
    config.scan(__name__)
