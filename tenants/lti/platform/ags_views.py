"""Assignment and Grade Services 2.0 for tools: line items, scores and results below ``/lti/services/<course>``."""

from collections.abc import Collection
from typing import Any

import orjson
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED
from pyramid.view import view_config, view_defaults

from saas import clock
from saas.db.hot import HotConnection
from saas.db.scope import ScopedSession
from saas.problems import Refused
from tenants.grades.services import Channels
from tenants.lti.platform.addresses import SERVICES_PATH, lineitem_url, lineitems_url
from tenants.lti.platform.columns import Columns
from tenants.lti.platform.doors import (
    JSON,
    Knock,
    ServiceDoor,
    cursor_in,
    json_response,
    limit_in,
    link_next,
    problem_of,
)
from tenants.lti.platform.log import Service
from tenants.lti.platform.models import LineItem, ReceivedScore, Tool
from tenants.lti.platform.scores import QuickScores, Scores, rescaled
from tenants.lti.wire import ags
from tenants.lti.wire.line_items import read_line_item, write_line_item
from tenants.lti.wire.scores_in import ScoreIn, read_score
from tenants.lti.wire.text import shown

PAGE, LONGEST_PAGE = 100, 1000
MAX_DOCUMENT = 128 * 1024


@view_defaults(permission=NO_PERMISSION_REQUIRED, require_csrf=False, raw_body=True, max_body=MAX_DOCUMENT)
class GradeServices(ServiceDoor):
    """The token proves the sender; no cookie is looked at."""

    @view_config(route_name="lti_lineitems", request_method="GET")
    def index(self) -> Response:
        return self.serve(Service.LINE_ITEM, ags.READING_SCOPES, self._list)

    @view_config(route_name="lti_lineitems", request_method="POST")
    def create(self) -> Response:
        return self.serve(Service.LINE_ITEM, [ags.LINE_ITEM_SCOPE], self._create)

    @view_config(route_name="lti_lineitem", request_method="GET")
    def show(self) -> Response:
        return self.serve(Service.LINE_ITEM, ags.READING_SCOPES, self._show)

    @view_config(route_name="lti_lineitem", request_method="PUT")
    def edit(self) -> Response:
        return self.serve(Service.LINE_ITEM, [ags.LINE_ITEM_SCOPE], self._edit)

    @view_config(route_name="lti_lineitem", request_method="DELETE")
    def delete(self) -> Response:
        return self.serve(Service.LINE_ITEM, [ags.LINE_ITEM_SCOPE], self._delete)

    @view_config(route_name="lti_scores", request_method="POST")
    def score(self) -> Response:
        """Nearly all of them are usual (`tenants.learning.quick`)."""
        scopes = [ags.SCORE_SCOPE]
        return self.serve_quickly(Service.SCORE, scopes, self._quick_score) or self.serve(
            Service.SCORE, scopes, self._score
        )

    @view_config(route_name="lti_results", request_method="GET")
    def results(self) -> Response:
        return self.serve(Service.RESULT, [ags.RESULT_SCOPE], self._results)

    def _list(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        request, columns = self.request, self._columns(session, tool)
        columns.enter()
        limit = limit_in(request, PAGE, LONGEST_PAGE)
        found = columns.find(
            resource_link_id=request.GET.get("resource_link_id"),
            resource_id=request.GET.get("resource_id"),
            tag=request.GET.get("tag"),
            after=cursor_in(request),
            limit=limit,
        )
        rows = found[:limit]
        knock.seen = f"list, {len(rows)} columns"
        response = json_response([self._document(column, link) for column, link in rows], ags.LINE_ITEMS_TYPE)
        if len(found) > limit:
            link_next(response, request, lineitems_url(request.tenant, columns.course_id), rows[-1][0].id)
        return response

    def _create(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        columns = self._columns(session, tool)
        columns.enter()
        self._check_type(ags.LINE_ITEM_TYPE)
        said = read_line_item(self.request.body)
        column = columns.create(said)
        knock.link_id, knock.seen = column.tool_link_id, f"new column “{column.label}”"
        document = self._document(column, said.resource_link_id)
        response = json_response(document, ags.LINE_ITEM_TYPE, 201)
        response.headers["Location"] = document["id"]
        return response

    def _show(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        columns = self._columns(session, tool)
        column = columns.get(self.id_in("line_item_id"))
        knock.link_id, knock.seen = column.tool_link_id, f"column “{column.label}”"
        return json_response(self._document(column, columns.resource_link_id(column)), ags.LINE_ITEM_TYPE)

    def _edit(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        columns = self._columns(session, tool)
        column = columns.get(self.id_in("line_item_id"), lock=True)
        knock.link_id = column.tool_link_id
        self._check_type(ags.LINE_ITEM_TYPE)
        columns.edit(column, read_line_item(self.request.body))
        knock.seen = f"changed column “{column.label}”"
        return json_response(self._document(column, columns.resource_link_id(column)), ags.LINE_ITEM_TYPE)

    def _delete(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        columns = self._columns(session, tool)
        column = columns.get(self.id_in("line_item_id"), lock=True)
        knock.link_id, knock.seen = column.tool_link_id, f"removed column “{column.label}”"
        columns.delete(column)
        return empty()

    def _score(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        column = self._columns(session, tool).get(self.id_in("line_item_id"))
        knock.link_id = column.tool_link_id
        self._check_type(ags.SCORE_TYPE)
        said, scores = read_score(self.request.body, clock.now()), Scores(session, tool, column)
        counts_for = scores.link()
        person = scores.person(said.user_id, counts_for[1] if counts_for else None)
        knock.person_id, knock.seen = person.id, seen_of(said)
        scores.take(said, person, counts_for)
        return empty()

    def _quick_score(self, connection: HotConnection, tool: Tool, knock: Knock) -> Response:
        course_id = self.id_in("course_id")
        scores = QuickScores(connection, self.request.runtime.part(Channels), tool)
        column = scores.column(course_id, self.id_in("line_item_id"))
        knock.link_id = column.tool_link_id
        self._check_type(ags.SCORE_TYPE)
        said = read_score(self.request.body, clock.now())
        link, activity = scores.counts_for(column)
        telling = scores.person(said.user_id, activity)
        knock.person_id, knock.seen = telling.results.person_id, seen_of(said)
        scores.take(said, telling, column, link)
        return empty()

    def _results(self, session: ScopedSession, tool: Tool, knock: Knock) -> Response:
        request = self.request
        column = self._columns(session, tool).get(self.id_in("line_item_id"))
        knock.link_id, limit = column.tool_link_id, limit_in(request, PAGE, LONGEST_PAGE)
        asked = request.GET.get("user_id", "")
        found = Scores(session, tool, column).find(user_id=asked, after=cursor_in(request), limit=limit)
        rows, url = found[:limit], f"{self._url(column)}/results"
        knock.seen = f"{len(rows)} results"
        documents = [result_document(url, self._url(column), column, score, sub) for score, sub in rows]
        response = json_response(documents, ags.RESULTS_TYPE)
        if len(found) > limit:
            link_next(response, request, url, rows[-1][0].id)
        return response

    def _columns(self, session: ScopedSession, tool: Tool) -> Columns:
        return Columns(session, tool, self.id_in("course_id"))

    def _url(self, column: LineItem) -> str:
        return lineitem_url(self.request.tenant, column.course_id, column.id)

    def _document(self, column: LineItem, resource_link_id: str) -> dict[str, Any]:
        return write_line_item(
            url=self._url(column),
            label=column.label,
            maximum=column.maximum,
            resource_link_id=resource_link_id,
            resource_id=column.resource_id,
            tag=column.tag,
            starts_at=column.starts_at,
            ends_at=column.ends_at,
            submission_review=column.submission_review,
        )

    def _check_type(self, *types: str) -> None:
        """Plain JSON is taken as well: Moodle's client says nothing better. `Refused` CALL_TYPE."""
        said = (self.request.content_type or "").lower()
        wanted: Collection[str] = (*types, JSON)
        if said not in wanted:
            raise Refused("CALL_TYPE", seen=shown(said, 80) or "no content type", wanted=" or ".join(wanted))


def seen_of(said: ScoreIn) -> str:
    """For the log."""
    score = f"{said.given} of {said.maximum}" if said.given is not None else "no score"
    return f"{score}, {said.activity}, {said.grading}"


def result_document(results: str, column_url: str, column: LineItem, score: ReceivedScore, sub: str) -> dict[str, Any]:
    """AGS 2.0 §3.3.5; 0 is a score, and none is left out."""
    value = rescaled(score, column.maximum)
    said = {
        "id": f"{results}/{score.id}",
        "scoreOf": column_url,
        "userId": sub,
        "resultScore": None if value is None else number(value),
        "resultMaximum": number(column.maximum),
        "comment": score.comment or None,
    }
    return {name: each for name, each in said.items() if each is not None}


def number(value: Any) -> orjson.Fragment:
    return orjson.Fragment(ags.plain(value))


def empty() -> Response:
    response = Response(status=204)
    del response.content_type
    response.headers["Cache-Control"] = "no-store"
    return response


def includeme(config: Configurator) -> None:
    columns = f"{SERVICES_PATH}/{{course_id}}/lineitems"
    for name, path in (
        ("lti_lineitems", columns),
        ("lti_lineitem", f"{columns}/{{line_item_id}}"),
        ("lti_scores", f"{columns}/{{line_item_id}}/scores"),
        ("lti_results", f"{columns}/{{line_item_id}}/results"),
    ):
        config.add_route(name, path, house="academy")
        config.add_problem_format(name, problem_of)
    config.add_hot_path(f"{SERVICES_PATH}/")
    config.scan(__name__)
