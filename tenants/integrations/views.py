"""One page that says what is connected and what needs somebody."""

from typing import Any

from pyramid.view import view_config

from saas.web.rendering import page
from saas.web.views import View
from tenants.access import Permission
from tenants.grades.models import DeliveryState
from tenants.grades.services import Channels, Deliveries
from tenants.lti.launches.services import LaunchLog
from tenants.lti.tool.platforms import Platforms


class Integrations(View):
    @view_config(
        route_name="integrations",
        request_method="GET",
        permission=Permission.INTEGRATE,
        renderer=page("integrations/index.html"),
    )
    def index(self) -> dict[str, Any]:
        platforms = Platforms(self.request.db, self.request.runtime.outbound).all()
        health = LaunchLog(self.request.db).health([each.id for each in platforms])
        counts = Deliveries(self.request.db, self.request.runtime.part(Channels)).counts()
        return {
            "lti_on": self.request.tenant.has("lti"),
            "platforms": platforms,
            "failing": [each for each in platforms if each.is_active and health[each.id].is_failing],
            "dead": counts.get(DeliveryState.DEAD, 0),
            "waiting": counts.get(DeliveryState.WAITING, 0),
        }
