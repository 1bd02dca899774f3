"""Check Zoom connection on the screen: begun with a form's values, watched, cancelled, run again; and the health."""

from typing import Any

import sqlalchemy as sa
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.jobs.outbox import later
from saas.web.rendering import page, render_block
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.zoom.ltipro.check import Checks, Draft, Report
from tenants.zoom.ltipro.check_lines import Finding, Outcome
from tenants.zoom.ltipro.check_watch import WATCHED, Watch
from tenants.zoom.ltipro.health import Healths
from tenants.zoom.ltipro.models import ZoomCheck, ZoomPlace, ZoomProfile
from tenants.zoom.ltipro.places import Places
from tenants.zoom.ltipro.profile_forms import cleaned_key
from tenants.zoom.ltipro.profile_views import profile_in_address
from tenants.zoom.ltipro.profiles import require_zoom

REPORT = page("zoom/check.html#report")
#: Places a report offers to open Zoom at.
SHOWN = 5


def checks_of(request: Request) -> Checks:
    return Checks(request.db, request.runtime, request.tenant)


def check_in_address(request: Request) -> ZoomCheck:
    require_zoom(request.tenant)
    return checks_of(request).get(uuid_in(request, "check_id"))


class CheckView(View):
    def begin(self, draft: Draft) -> Response:
        somebody = self.request.identity
        check, is_new = checks_of(self.request).begin(draft, somebody.name, somebody.id)
        if is_new:
            later(self.request.db, "zoom.check_connection", check_id=check.id)
            about = {"profile": str(draft.profile.id)} if draft.profile else {}
            record(self.request, "zoom.check.run", check.values["name"], check=str(check.id), **about)
        return self.go("zoom_check", check_id=check.id)

    def drafted(self, profile: ZoomProfile | None) -> Draft:
        """The form as it stands, nothing of it judged; what it leaves out is as saved."""
        given = self.request.POST
        name, key = (profile.name, profile.lti_key) if profile else ("", "")
        return Draft(cleaned_key(given.get("name", name)), cleaned_key(given.get("lti_key", key)), profile)


@view_defaults(permission=Permission.INTEGRATE, request_method="POST", rate="60/hour")
class BeginCheck(CheckView):
    @view_config(route_name="zoom_check_new")
    def of_new(self) -> Response:
        require_zoom(self.request.tenant)
        return self.begin(self.drafted(None))

    @view_config(route_name="zoom_profile_check")
    def of_profile(self) -> Response:
        return self.begin(self.drafted(self.context))

    @view_config(route_name="zoom_check_again")
    def again(self) -> Response:
        """With the same values."""
        kept, profile = self.context.values, _profile_of(self.request, self.context)
        return self.begin(Draft(kept["name"], kept["lti_key"], profile))


@view_defaults(permission=Permission.INTEGRATE)
class CheckPages(CheckView):
    """``context`` is the check."""

    @view_config(route_name="zoom_check", request_method="GET", renderer=REPORT)
    def show(self) -> dict[str, Any]:
        """Asked for again while the check runs; 286 ends the asking."""
        report = checks_of(self.request).report(self.context)
        if self.request.htmx and not report.busy:
            self.request.response.status_int = 286
        return self._launch(report)

    @view_config(route_name="zoom_check_launch", request_method="GET", renderer=page("zoom/check_launch.html#state"))
    def launch(self) -> dict[str, Any]:
        """Step 9, asked for again until it has gone well, at most for a while. What the report lacks reloads it."""
        report = checks_of(self.request).report(self.context)
        values = self._launch(report)
        if self.request.htmx and not values["watching"]:
            self.request.response.status_int = 286
        if self.request.htmx and values["report"] is not report:
            self.request.response.headers["HX-Refresh"] = "true"
        return values

    @view_config(route_name="zoom_check_cancel", request_method="POST")
    def cancel(self) -> Response:
        checks_of(self.request).cancel(self.context.id)
        return self.go("zoom_check", check_id=self.context.id)

    def _launch(self, report: Report) -> dict[str, Any]:
        profile = _profile_of(self.request, report.check)
        if profile is None:
            return {"report": report, "profile": None, "watch": None, "watching": False, "places": ()}
        watch = Watch.of(self.request.db, profile, report.check)
        finding = watch.finding(clock.now())
        is_recent = report.check.person_id is not None and report.check.started_at > clock.now() - WATCHED
        return {
            "report": report if finding is None or report.shows(finding) else self._noted(report, finding),
            "profile": profile,
            "watch": watch,
            "watching": is_recent and (finding is None or finding.outcome is not Outcome.OK),
            "places": places_to_open(self.request, profile),
        }

    def _noted(self, report: Report, finding: Finding) -> Report:
        """In a transaction of its own: the request only reads."""
        request = self.request
        with request.runtime.database.transaction(request.tenant.id) as session:
            checks = Checks(session, request.runtime, request.tenant)
            checks.note_launch(report.check.id, finding)
            noted = checks.report(checks.get(report.check.id))
            session.expunge_all()
            return noted


def places_to_open(request: Request, profile: ZoomProfile) -> list[tuple[str, str]]:
    """Titles and addresses of a few places of the profile that are switched on."""
    query = sa.select(ZoomPlace).where(ZoomPlace.profile_id == profile.id, ZoomPlace.is_on)
    places = request.db.scalars(query.order_by(ZoomPlace.created_at, ZoomPlace.id).limit(SHOWN)).all()
    return [(_title(request, place), _address(request, place)) for place in places]


def _title(request: Request, place: ZoomPlace) -> str:
    subject = Places(request.db, request.tenant, request.runtime).subject_of(place)
    return str(subject.title)


def _address(request: Request, place: ZoomPlace) -> str:
    route, values = Places.route_of(place)
    return str(request.route_path(route, **values))


def _profile_of(request: Request, check: ZoomCheck) -> ZoomProfile | None:
    return request.db.get(ZoomProfile, check.profile_id) if check.profile_id else None


def health_panel(request: Request, profile: ZoomProfile) -> Markup:
    """On the profile's page: how it goes, how the last check ended, and the ways to check and to the trace."""
    health = Healths(request.db).of([profile])[profile.id]
    unknown = Healths(request.db).unknown_calls(profile, health)
    values = {
        "profile": profile,
        "health": health,
        "unknown": unknown,
        "report": checks_of(request).latest(profile.id),
    }
    return _shown(request, "zoom/health.html#card", values)


def form_panel(request: Request, profile: ZoomProfile | None) -> Markup:
    """In the profile's form: a check of what stands there, in a window of its own, so that nothing typed is lost."""
    route, values = ("zoom_profile_check", {"profile_id": profile.id}) if profile else ("zoom_check_new", {})
    return _shown(request, "zoom/check_button.html#button", {"address": request.route_path(route, **values)})


def _shown(request: Request, name: str, values: dict[str, Any]) -> Markup:
    return Markup(render_block(request, name, values).strip())  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    base = "/integrations/zoom"
    config.add_route("zoom_check_new", f"{base}/checks", house="academy")
    of_profile = f"{base}/profiles/{{profile_id}}/check"
    config.add_route("zoom_profile_check", of_profile, factory=profile_in_address, house="academy")
    for name, path in (
        ("zoom_check", ""),
        ("zoom_check_again", "/again"),
        ("zoom_check_cancel", "/cancel"),
        ("zoom_check_launch", "/launch"),
    ):
        config.add_route(name, f"{base}/checks/{{check_id}}{path}", factory=check_in_address, house="academy")
    config.add_panel("zoom.profile", health_panel)
    config.add_panel("zoom.profile.form", form_panel)
    config.scan(__name__)
    config.scan("tenants.zoom.ltipro.jobs", categories=["lyceum"])
