"""The gradebook of an activity: a page of people, and the same as a CSV file."""

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.view import view_config, view_defaults

from saas.searching import words_in
from saas.web.rendering import page
from saas.web.views import View
from tenants.access import Permission
from tenants.catalog.models import Activity
from tenants.catalog.views import activity_in_address, activity_tabs
from tenants.grades.services import Channels
from tenants.learning.standing import Reads
from tenants.lti.platform.reviews import SubmissionReviews
from tenants.reports.services import BATCH, Gradebook, Place, Wanted
from tenants.reports.table import DELIVERIES, STATES, heading, lines

_EXAM = (Reads.PASSED, Reads.FAILED, Reads.WAITING, Reads.NOT_STARTED)
_OTHER = (Reads.COMPLETED, Reads.IN_PROGRESS, Reads.NOT_STARTED)


@view_defaults(permission=Permission.AUTHOR)
class GradebookPages(View):
    """``context`` is the activity. ``after`` in the address is the person the page begins after."""

    context: Activity

    @view_config(route_name="activity_results", request_method="GET", renderer=page("reports/results.html#list"))
    def show(self) -> dict[str, Any]:
        channels = self.request.runtime.part(Channels)
        book, wanted = Gradebook(self.request.db, channels, self.context), self._wanted()
        after = book.place(self._after())
        rows, following = book.page(wanted, after)
        reviews = SubmissionReviews(self.request.db)
        offer = reviews.offer(self.context) if self.context.is_outside and self.request.tenant.has("lti") else None
        return {
            "activity": self.context,
            "tabs": activity_tabs(self.request, self.context),
            "rows": rows,
            "counts": book.counts(),
            "next": following[-1] if following else None,
            "is_first": after is None,
            "query": self._query(wanted),
            "states": _EXAM if self.context.is_exam else _OTHER,
            "state_names": STATES,
            "delivery_names": DELIVERIES,
            "offer": offer,
            "reviewable": reviews.reviewable(offer, [row.person.id for row in rows]) if offer else frozenset(),
            "sees_deliveries": self.request.identity.may(Permission.INTEGRATE),
        }

    @view_config(route_name="activity_results_csv", request_method="GET")
    def csv(self) -> Response:
        response = Response(app_iter=self._everybody(self._wanted()))
        response.content_type, response.charset = "text/csv", "utf-8"
        response.content_disposition = f'attachment; filename="results-{self.context.id}.csv"'
        return response

    def _everybody(self, wanted: Wanted) -> Iterator[bytes]:
        """Read while it is sent, when the request's own transaction is over; none is open while bytes go out."""
        runtime, tenant_id, activity_id = self.request.runtime, self.request.db.tenant_id, self.context.id
        translate, channels = self.request.localizer.translate, self.request.runtime.part(Channels)

        def read() -> Iterator[bytes]:
            after: Place | None = None
            while True:
                with runtime.database.transaction(tenant_id, write=False) as session:
                    activity = session.get(Activity, activity_id)
                    if activity is None:
                        return
                    rows, after = Gradebook(session, channels, activity).page(wanted, after, BATCH)
                    said = lines(rows, translate)
                yield said
                if after is None:
                    return

        return chain([heading(translate)], read())

    def _wanted(self) -> Wanted:
        state = self.request.GET.get("state", "")
        return Wanted(Reads(state) if state in set(Reads) else None, words_in(self.request.GET))

    def _after(self) -> UUID | None:
        """Anything that is no id begins at the beginning."""
        try:
            return UUID(self.request.GET.get("after", ""))
        except ValueError:
            return None

    @staticmethod
    def _query(wanted: Wanted) -> dict[str, str]:
        named = {"state": wanted.state.value if wanted.state else "", "q": wanted.words}
        return {name: value for name, value in named.items() if value}


def includeme(config: Configurator) -> None:
    for name, path in (("activity_results", "/results"), ("activity_results_csv", "/results.csv")):
        config.add_route(name, f"/activities/{{activity_id}}{path}", factory=activity_in_address, house="academy")
    config.scan(__name__)
