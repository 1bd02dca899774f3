"""The page on which somebody of another LMS chooses activities, and the form that carries the answer back."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas.searching import words_in
from saas.web.headers import CSP, content_policy
from saas.web.rendering import page, render_page
from saas.web.views import View, see_other
from tenants.catalog.models import Activity
from tenants.lti.tool.addresses import PICK_PATH, origin_of
from tenants.lti.tool.selection import Answers, Selections, offer_of, parts_of, picked
from tenants.lti.tool.sharing_models import Selection
from tenants.lti.wire.selection import Offer, check_count

MOST_CHOSEN = 100


def chosen_ids(request: Request, name: str = "item") -> list[UUID]:
    """From the query of a search or the form of the answer; what is no id was never offered."""
    given = (request.POST if request.method == "POST" else request.GET).getall(name)
    found = []
    for text in given[:MOST_CHOSEN]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))


@view_defaults(route_name="lti_pick", permission=NO_PERMISSION_REQUIRED, require_csrf=False, framable=True)
class Picker(View):
    """The token in the address is the whole proof; in a frame there may be no cookie of ours."""

    @property
    def selections(self) -> Selections:
        return Selections(self.request.db)

    @view_config(request_method="GET", renderer=page("lti/picker.html#choices"))
    def show(self) -> dict[str, Any]:
        chosen = self.selections.open(self.request.matchdict["token"])
        return self._page(chosen)

    @view_config(request_method="POST", rate="60/minute")
    def answer(self) -> Any:
        """The signed form; 422 and the page again when nothing was chosen, or more than one where one is taken."""
        begun = self.selections.open(self.request.matchdict["token"])
        if "cancel" in self.request.POST:
            return self._send(begun, [])
        ids, in_parts = chosen_ids(self.request), chosen_ids(self.request, "parts")
        if not ids and not in_parts:
            return render_page(self.request, "lti/picker.html", self._page(begun, nothing=True), 422)
        return self._send(begun, self.selections.chosen(begun, ids, in_parts))

    def _page(self, begun: Selection, *, nothing: bool = False) -> dict[str, Any]:
        words = words_in(self.request.params)
        ids, in_parts = chosen_ids(self.request), chosen_ids(self.request, "parts")
        return {
            "selection": begun,
            "offer": offer_of(begun),
            "shelf": self.selections.shelf(begun, words, [*ids, *in_parts]),
            "ticked": ids,
            "in_parts": in_parts,
            "parts_of": parts_of,
            "words": words,
            "nothing": nothing,
            "frame_origin": origin_of(offer_of(begun).return_url),
        }

    def _send(self, begun: Selection, activities: Sequence[Activity]) -> Response:
        request, offer = self.request, offer_of(begun)
        items = [picked(request.tenant, each, begun.protocol) for each in activities]
        check_count(offer, items)
        fields = request.runtime.part(Answers).fields(request.db, request.tenant, begun, items)
        self.selections.finish(begun, activities)
        values = {"selection": begun, "offer": offer, "fields": fields, "count": len(items)}
        response = render_page(request, "lti/picked.html", values)
        response.headers[CSP] = answer_policy(request, offer)
        response.headers["Referrer-Policy"] = "strict-origin"  # else the browser says that the form comes from nowhere
        return response


def answer_policy(request: Request, offer: Offer) -> str:
    """The answer's form may go to the other LMS, and on from there: browsers hold redirects to the same list, and an
    LMS may send its teacher over a sign-in elsewhere first. The page has no other form.
    """
    target = urlsplit(offer.return_url)
    origin = f"{target.scheme}://{target.netloc}"
    return content_policy(("'self'", *request.registry.frame_origins(request)), (origin, f"{target.scheme}:"))


@view_config(route_name="lti_picker", request_method="GET", permission=NO_PERMISSION_REQUIRED)
@view_config(route_name="lti_activities", request_method="GET", permission=NO_PERMISSION_REQUIRED)
def opened_by_hand(request: Request) -> Response:
    """The addresses an LMS names in its messages; whoever opens them in a browser wants the courses."""
    return see_other(request.route_path("courses"))


def includeme(config: Configurator) -> None:
    config.add_route("lti_picker", PICK_PATH, house="academy")
    config.add_route("lti_activities", "/lti/activities", house="academy")
    config.add_route("lti_pick", f"{PICK_PATH}/{{token}}", house="academy")
    config.scan(__name__)
