"""What outside LMSs were told: for admins every attempt and "Send again", for learners one line."""

from typing import Any

import sqlalchemy as sa
from markupsafe import Markup
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page, render_block
from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.models import Activity
from tenants.grades.models import DeliveryState, ScoreDelivery
from tenants.grades.services import Channels, Deliveries, Ledger


def delivery_in_address(request: Request) -> ScoreDelivery:
    delivery = request.db.get(ScoreDelivery, uuid_in(request, "delivery_id"))
    if delivery is None:
        raise Refused("WEB_NOT_FOUND")
    return delivery


@view_defaults(permission=Permission.INTEGRATE)
class DeliveryPages(View):
    """``context`` is the delivery where the address names one."""

    @property
    def deliveries(self) -> Deliveries:
        return Deliveries(self.request.db, self.request.runtime.part(Channels))

    @view_config(route_name="deliveries", request_method="GET", renderer=page("integrations/deliveries.html#list"))
    def index(self) -> dict[str, Any]:
        wanted = self.request.GET.get("state", "")
        state = DeliveryState(wanted) if wanted in set(DeliveryState) else None
        return {
            "rows": self.deliveries.recent(state),
            "state": wanted,
            "counts": self.deliveries.counts(),
            "states": list(DeliveryState),
        }

    @view_config(route_name="delivery", request_method="GET", renderer=page("integrations/delivery.html#state"))
    def show(self) -> dict[str, Any]:
        problem = self.request.problem(self.context.code) if self.context.code else None
        if self.request.htmx and self.context.state is not DeliveryState.WAITING:
            self.request.response.status_int = 286  # nothing more will change: htmx stops asking
        return {"row": self.deliveries.one(self.context), "problem": problem, "tries": self.context.tries}

    @view_config(route_name="delivery_again", request_method="POST")
    def again(self) -> Response:
        sending = Ledger(self.request.db, self.request.runtime.part(Channels)).send_again(self.context)
        record(self.request, "score.sent_again", "", delivery=str(sending.id))
        self.request.flash(self.request.localizer.translate(_("It is on its way again")))
        return self.go("delivery", delivery_id=sending.id)

    @view_config(route_name="delivery_withdraw", request_method="POST")
    def withdraw(self) -> Response:
        sending = Ledger(self.request.db, self.request.runtime.part(Channels)).withdraw(self.context)
        record(self.request, "score.withdrawn", "", delivery=str(sending.id))
        self.request.flash(self.request.localizer.translate(_("The result is being withdrawn there; here it stays")))
        return self.go("delivery", delivery_id=sending.id)


def learner_panel(request: Request, activity: Activity) -> Markup | str:
    """Such as "Saved here · sent to <LMS> at 14:02"."""
    deliveries = Deliveries(request.db, request.runtime.part(Channels)).of_learner(request.identity.id, activity.id)
    if not deliveries:
        return ""
    busy = any(row.delivery.state is DeliveryState.WAITING for row in deliveries)
    values = {"rows": deliveries, "activity": activity, "busy": busy}
    return Markup(render_block(request, "integrations/learner_status.html#panel", values))  # noqa: S704 -- rendered with autoescape


@view_config(route_name="delivery_status", request_method="GET", permission=Permission.LEARN, framable=True)
def delivery_status(request: Request) -> Response:
    """The learner's line, asked for again while something is on its way; 286 ends the asking."""
    activity_id = uuid_in(request, "activity_id")
    activity = request.db.scalar(sa.select(Activity).where(Activity.id == activity_id))
    if activity is None:
        raise Refused("WEB_NOT_FOUND")
    if not request.htmx:
        return Response(status=303, location=request.route_path("activity", activity_id=activity_id))
    panel = learner_panel(request, activity)
    return Response(str(panel), status=200 if "hx-trigger" in panel else 286)


def includeme(config: Configurator) -> None:
    config.add_route("deliveries", "/integrations/results", house="academy")
    config.add_route("delivery_status", "/activities/{activity_id}/sent", house="academy")
    for name, path in (("delivery", ""), ("delivery_again", "/again"), ("delivery_withdraw", "/withdraw")):
        config.add_route(
            name, f"/integrations/results/{{delivery_id}}{path}", factory=delivery_in_address, house="academy"
        )
    config.add_panel("activity.learner", learner_panel)
    config.scan(__name__)
