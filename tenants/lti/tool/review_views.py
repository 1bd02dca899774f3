"""The page on which a teacher of another LMS sees a learner's attempts; nothing on it can be changed."""

from typing import Any

from pyramid.config import Configurator
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.web.rendering import page
from saas.web.views import View
from tenants.learning.models import Attempt
from tenants.learning.review import answers_of
from tenants.learning.services import Outline
from tenants.lti.tool.review import Review, Reviews


@view_defaults(route_name="lti_review", permission=NO_PERMISSION_REQUIRED, framable=True)
class ReviewPage(View):
    """The token in the address is the whole proof; in a frame there may be no cookie of ours."""

    @view_config(request_method="GET", renderer=page("lti/review.html"))
    def show(self) -> dict[str, Any]:
        request = self.request
        review = Reviews(request.db, request.tenant, request.runtime.secrets).open(request.matchdict["token"])
        chosen = self._chosen(review)
        return {
            "review": review,
            "chosen": chosen,
            "answers": answers_of(Outline(chosen.activity, chosen)) if chosen else (),
            "back_url": review.back_url,
            "back_name": review.lms,
        }

    def _chosen(self, review: Review) -> Attempt | None:
        """The attempt named in the query, else the newest of the activity itself."""
        wanted = self.request.GET.get("attempt", "")
        named = (each for each in review.attempts if str(each.id) == wanted)
        own = (each for each in review.attempts if each.activity_id == review.activity.id)
        return next(named, None) or next(own, None)


def includeme(config: Configurator) -> None:
    config.add_route("lti_review", "/lti/review/{token}", house="academy")
    config.scan(__name__)
