"""Integrations → LTI 1.2: who is still on the legacy version, and the move to 1.3 with a dry run."""

from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.problems import Refused
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.lti.availability import require_lti
from tenants.lti.tool.consumer_views import consumer_in_address, consumer_route
from tenants.lti.tool.migration import Fate, Moves
from tenants.lti.tool.models import Platform
from tenants.lti.tool.platforms import Platforms

#: People shown of a dry run; the numbers count all of them.
SHOWN = 200


@view_config(
    route_name="lti12", request_method="GET", permission=Permission.INTEGRATE, renderer=page("lti/legacy.html")
)
def index(request: Request) -> dict[str, Any]:
    require_lti(request.tenant)
    rows = Moves(request.db).remaining()
    return {"rows": rows, "addresses": {row.consumer.id: consumer_route(row.consumer) for row in rows}}


@view_defaults(permission=Permission.INTEGRATE)
class MovePages(View):
    """``context`` is the key."""

    @view_config(route_name="lti_key_move", request_method="GET", renderer=page("lti/move.html#plan"))
    def plan(self) -> dict[str, Any]:
        """The dry run: choosing a platform shows what would happen, and nothing is written."""
        platforms = self._platforms()
        chosen = self._chosen(platforms, self.request.GET.get("platform", ""))
        plan = Moves(self.request.db).plan(self.context, chosen) if chosen else None
        return {
            "consumer": self.context,
            "platforms": platforms,
            "chosen": chosen,
            "plan": plan,
            "fates": list(Fate),
            "movers": plan.movers[:SHOWN] if plan else [],
        }

    @view_config(route_name="lti_key_move", request_method="POST")
    def move(self) -> Response:
        chosen = self._chosen(self._platforms(), self.request.POST.get("platform", ""))
        if chosen is None:
            raise Refused("WEB_BAD_REQUEST")
        plan = Moves(self.request.db).move(self.context, chosen)
        record(
            self.request,
            "lti.consumer.moved",
            self.context.label,
            key=self.context.key,
            platform=str(chosen.id),
            people=plan.count(Fate.MOVES),
        )
        self.request.flash(self.request.localizer.translate(_("The people are carried over, and the key is off.")))
        return self.go("lti12")

    def _platforms(self) -> list[Platform]:
        return list(Platforms(self.request.db, self.request.runtime.outbound).all())

    def _chosen(self, platforms: list[Platform], text: str) -> Platform | None:
        try:
            wanted = UUID(text)
        except ValueError:
            return None
        return next((each for each in platforms if each.id == wanted), None)


def includeme(config: Configurator) -> None:
    config.add_route("lti12", "/integrations/lti-1.2", house="academy")
    config.add_route(
        "lti_key_move",
        "/integrations/lti-1.2/{activity_id}/{consumer_id}/move",
        factory=consumer_in_address,
        house="academy",
    )
    config.scan(__name__)
