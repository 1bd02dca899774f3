"""Settings of an activity: the switch "Available for LTI", and what other LMSs need once it is on."""

from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from saas.web.rendering import render_block
from saas.web.views import uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.lti.availability import require_lti
from tenants.lti.tool.addresses import launch12_url, resource_url
from tenants.lti.tool.consumer_views import NewConsumerForm, consumer_route, consumers_of


@view_config(route_name="activity_lti", request_method="POST", permission=Permission.AUTHOR)
def share(request: Request) -> Response:
    """Switched on for the first time, the activity gets its key of LTI 1.2."""
    require_lti(request.tenant)
    activity = Catalog(request.db).activity(uuid_in(request, "activity_id"))
    on = request.POST.get("on") == "1"
    Catalog(request.db).share(activity, on=on)
    record(request, "activity.lti_on" if on else "activity.lti_off", activity.title, activity=str(activity.id))
    if on and (made := consumers_of(request).ensure(activity)):
        record(request, "lti.consumer.created", made.label, activity=str(activity.id), key=made.key)
    if request.htmx:
        return Response(sharing_panel(request, activity))
    return Response(status=303, location=request.route_path("activity_settings", activity_id=activity.id))


def sharing_panel(request: Request, activity: Activity) -> Markup | str:
    """A meeting cannot be shared, so there is nothing to switch."""
    if activity.is_meeting:
        return ""
    consumers = consumers_of(request).of_activity(activity.id)
    values = {
        "activity": activity,
        "resource_url": resource_url(request.tenant, activity.id),
        "launch_url": launch12_url(request.tenant, activity.id),
        "consumers": [(each, request.route_path("lti_key", **consumer_route(each))) for each in consumers],
        "new_consumer": NewConsumerForm(),
        "lti_on": request.tenant.has("lti"),
    }
    return Markup(render_block(request, "lti/sharing.html#panel", values))  # noqa: S704 -- rendered with autoescape


def includeme(config: Configurator) -> None:
    config.add_route("activity_lti", "/activities/{activity_id}/lti", house="academy")
    config.add_panel("activity.settings", sharing_panel)
    config.scan(__name__)
