"""The self-test of a platform, of a key or of a tool: run it, watch it, read the report."""

from typing import Any

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from saas.jobs.outbox import later
from saas.web.rendering import page, render_block
from saas.web.views import see_other
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.platform.models import Tool
from tenants.lti.platform.tool_views import tool_in_address
from tenants.lti.selftest.services import SelfTests, Subject
from tenants.lti.tool.admin_views import platform_in_address
from tenants.lti.tool.consumer_views import consumer_in_address
from tenants.lti.tool.models import Platform
from tenants.lti.tool.models11 import ConsumerKey

REPORT = page("lti/self_test.html#report")


@view_config(route_name="lti_self_test", request_method="GET", permission=Permission.INTEGRATE, renderer=REPORT)
@view_config(route_name="lti_tool_self_test", request_method="GET", permission=Permission.INTEGRATE, renderer=REPORT)
@view_config(route_name="lti_key_self_test", request_method="GET", permission=Permission.AUTHOR, renderer=REPORT)
def show(subject: Subject, request: Request) -> dict[str, Any]:
    """Asked for again while the test runs; 286 ends the asking."""
    report = SelfTests(request.db).latest(subject)
    if request.htmx and not (report and report.busy):
        request.response.status_int = 286
    return {
        "activity": subject.activity if isinstance(subject, ConsumerKey) else None,
        "report": report,
        "back": address_of(request, subject),
        **_names(subject),
    }


@view_config(route_name="lti_self_test", request_method="POST", permission=Permission.INTEGRATE, rate="60/hour")
@view_config(route_name="lti_tool_self_test", request_method="POST", permission=Permission.INTEGRATE, rate="60/hour")
@view_config(route_name="lti_key_self_test", request_method="POST", permission=Permission.AUTHOR, rate="60/hour")
def run(subject: Subject, request: Request) -> Response:
    test, is_new = SelfTests(request.db).begin(subject, request.identity.name)
    if is_new:
        later(request.db, "lti.self_test", test_id=test.id)
        record(request, "lti.self_test.run", _names(subject)["name"], test=str(test.id))
    return see_other(request.path)


def _names(subject: Subject) -> dict[str, str]:
    return {"name": subject.label if isinstance(subject, ConsumerKey) else subject.name}


def address_of(request: Request, subject: Subject) -> str:
    if isinstance(subject, Platform):
        return str(request.route_path("lti_platform", platform_id=subject.id))
    if isinstance(subject, Tool):
        return str(request.route_path("lti_tool", tool_id=subject.id))
    return str(request.route_path("lti_key", activity_id=subject.activity_id, consumer_id=subject.id))


def panel(request: Request, subject: Subject) -> Markup:
    """On the page of the platform, key or tool: how the last test ended."""
    values = {"report": SelfTests(request.db).latest(subject), "address": f"{address_of(request, subject)}/self-test"}
    return Markup(render_block(request, "lti/self_test_panels.html#summary", values))  # noqa: S704 -- rendered with autoescape


def hint(request: Request, platform: Platform) -> Markup:
    """Until a test has passed or somebody came in: it never stands in the way of activating."""
    report = SelfTests(request.db).latest(platform)
    if platform.approved_at is None or (report and (report.passed or report.busy)):
        return Markup()
    values = {"report": report, "platform": platform, "address": f"{address_of(request, platform)}/self-test"}
    return Markup(render_block(request, "lti/self_test_panels.html#hint", values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    base = "/integrations/lti-1.3/platforms/{platform_id}/self-test"
    config.add_route("lti_self_test", base, factory=platform_in_address, house="academy")
    of_key = "/activities/{activity_id}/lti/keys/{consumer_id}/self-test"
    config.add_route("lti_key_self_test", of_key, factory=consumer_in_address, house="academy")
    of_tool = "/integrations/lti-1.3/tools/{tool_id}/self-test"
    config.add_route("lti_tool_self_test", of_tool, factory=tool_in_address, house="academy")
    config.add_panel("lti.tool", panel)
    config.add_panel("lti.platform", panel)
    config.add_panel("lti.platform.hints", hint)
    config.add_panel("lti.consumer", panel)
    config.scan(__name__)
    config.include("tenants.lti.selftest.tool_doors")
    config.scan("tenants.lti.selftest.jobs", categories=["lyceum"])
