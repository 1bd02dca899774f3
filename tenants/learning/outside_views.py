"""An exam's minimum score is changed: who would pass or fail by it, and whether they shall be judged again."""

from typing import Any

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.view import view_config, view_defaults

from saas.jobs.outbox import later
from saas.problems import Refused
from saas.web.forms import Form
from saas.web.i18n import _
from saas.web.rendering import page
from saas.web.views import View
from tenants.access import Permission
from tenants.audit.services import record
from tenants.catalog.forms import MinimumField
from tenants.catalog.models import Activity
from tenants.catalog.services import Catalog
from tenants.catalog.views import activity_in_address, activity_tabs
from tenants.learning.flips import Flips
from tenants.learning.models import Verdict


class MinimumForm(Form):
    minimum = MinimumField(_("Minimum score"), description=_("In percent, between 1 and 100."))

    @property
    def wanted(self) -> int:
        """Once the form is valid."""
        return int(self.minimum.data or 0)


@view_defaults(route_name="exam_minimum", permission=Permission.AUTHOR)
class MinimumPages(View):
    """``context`` is the activity. The wanted minimum comes in the address, from the settings or from this page."""

    context: Activity

    @view_config(request_method="GET", renderer=page("learning/minimum.html"))
    def ask(self) -> Any:
        if not self.context.is_exam:
            return self.go("activity_settings", activity_id=self.context.id)
        if "minimum" not in self.request.GET:
            return self._shown(MinimumForm(minimum=self.context.minimum_score), None)
        return self._asked(MinimumForm(self.request.GET))

    @view_config(request_method="POST", renderer=page("learning/minimum.html"))
    def change(self) -> Any:
        if not self.context.is_exam:
            raise Refused("WEB_NOT_FOUND")
        form = MinimumForm(self.request.POST)
        if not form.validate():
            return self._asked(form)
        again = self.request.POST.get("judge") == "again"
        take_away = again and self.request.POST.get("take_away") == "1"
        self._change(form.wanted, again=again, take_away=take_away)
        said = _("Saved. Results are being judged again.") if again else _("Saved. It holds for new results.")
        self.request.flash(self.request.localizer.translate(said))
        return self.go("activity_settings", activity_id=self.context.id)

    def _change(self, minimum: int, *, again: bool, take_away: bool) -> None:
        about = {"activity": str(self.context.id), "before": self.context.minimum_score, "after": minimum}
        Catalog(self.request.db).set_minimum(self.context, minimum)
        record(self.request, "exam.minimum_changed", self.context.title, **about, again=again, take_away=take_away)
        if again:
            later(
                self.request.db,
                "learning.judge_again",
                activity_id=self.context.id,
                minimum=minimum,
                take_away=take_away,
            )

    def _asked(self, form: MinimumForm) -> dict[str, Any]:
        if not form.validate():
            self.request.response.status_int = 422
            return self._shown(form, None)
        return self._shown(form, Flips(self.request.db, self.context, form.wanted).by_verdict())

    def _shown(self, form: MinimumForm, flips: Any) -> dict[str, Any]:
        passing, failing = (flips[Verdict.PASSED], flips[Verdict.FAILED]) if flips else (None, None)
        tabs = activity_tabs(self.request, self.context)
        return {"activity": self.context, "form": form, "passing": passing, "failing": failing, "tabs": tabs}


def would_flip(request: Request, activity: Activity, minimum: int) -> bool:
    """For the settings page: whether a new minimum needs the question."""
    return Flips(request.db, activity, minimum).any()


def includeme(config: Configurator) -> None:
    config.registry.exam_would_flip = would_flip
    config.add_route("exam_minimum", "/activities/{activity_id}/minimum", factory=activity_in_address, house="academy")
    config.scan(__name__)
