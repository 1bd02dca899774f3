"""From the gradebook into the tool: what a learner handed in (`tenants.lti.platform.reviews`)."""

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.view import view_config

from saas.web.views import View, uuid_in
from tenants.access import Permission
from tenants.accounts.models import Person
from tenants.catalog.models import Activity
from tenants.catalog.views import activity_in_address
from tenants.lti.availability import require_lti
from tenants.lti.platform.messages import MessageKinds, Seat
from tenants.lti.platform.models import OpensIn
from tenants.lti.platform.opening import Sitting
from tenants.lti.platform.posting import post_to_tool
from tenants.lti.platform.reviews import SubmissionReviews, review_message
from tenants.lti.tool.views import browser_of
from tenants.lti.wire.launch13 import SUBMISSION_REVIEW_REQUEST


class ReviewPages(View):
    """``context`` is the activity."""

    context: Activity

    @view_config(route_name="review_submission", request_method="POST", permission=Permission.AUTHOR, rate="60/minute")
    def open(self) -> Response:
        """The tool gets a whole window; the page that sends it there is made for one use."""
        request = self.request
        reviews, learner_id = SubmissionReviews(request.db), uuid_in(request, "person_id")
        begun = reviews.begin(request.tenant, self.context, learner_id, self._sitting())
        name = self.context.title
        return post_to_tool(request, begun.login_url, begun.fields.items(), name=name, link=begun.address)

    def _sitting(self) -> Sitting:
        request = self.request
        back = f"{request.tenant.url}/activities/{self.context.id}/results"
        person = request.db.get_one(Person, request.identity.id)
        return Sitting(
            person, request.identity.session_id, Seat(OpensIn.WINDOW, request.locale_name, back), browser_of(request)
        )


def activity_reviewed(request: Request) -> Activity:
    require_lti(request.tenant)
    return activity_in_address(request)


def includeme(config: Configurator) -> None:
    config.registry.runtime.part(MessageKinds).add(SUBMISSION_REVIEW_REQUEST, review_message)
    path = "/activities/{activity_id}/results/{person_id}/review"
    config.add_route("review_submission", path, factory=activity_reviewed, house="academy")
    config.scan(__name__)
