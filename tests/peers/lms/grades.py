"""The gradebook over HTTP: Assignment and Grade Services 2.0.

Storage and HTTP are ours. Tokens and the shape of a score are judged by ``lti_consumer``: its token check, its score
serializer, and the choices of its score model.
"""

import json
import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

import jwt
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from lti13 import bearer, lineitem_url
from lti_consumer.lti_1p3.extensions.rest_framework.serializers import LtiAgsScoreSerializer
from lti_consumer.models import LtiAgsScore
from school import AGS, SCHOOL, LineItem, Refused, Registration, Score, Unknown

ITEM, ITEMS = "application/vnd.ims.lis.v2.lineitem+json", "application/vnd.ims.lis.v2.lineitemcontainer+json"
SCORE, RESULTS = "application/vnd.ims.lis.v1.score+json", "application/vnd.ims.lis.v2.resultcontainer+json"
FUTURE = timedelta(minutes=5)
"""How far ahead of this LMS's clock a score may be dated."""
ZONE = re.compile(r"(Z|[+-]\d\d:?\d\d)$")
NOT_ENROLLED = {
    "blackboard": (400, "User could not be found: {}"),
    "d2l": (403, "User in requested score is not enrolled in the org unit"),
    "d2l-unknown": (404, "User in requested score does not exist"),
}
T = TypeVar("T")


class Denied(Exception):
    """An answer that is neither 400 nor 404."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        """Keep what the answer needs."""
        super().__init__(text)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def service(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Turn what a view raises into the HTTP answer, as JSON with an ``error``."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Unknown as error:
            return said({"error": str(error)}, status=404)
        except Refused as error:
            return said({"error": str(error)}, status=400)
        except Denied as error:
            return said({"error": str(error)}, status=error.status, headers=error.headers)

    return answer


def said(
    content: object, media_type: str = "application/json", status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    """A JSON answer under any media type."""
    text = json.dumps(content, ensure_ascii=False)
    return HttpResponse(text, content_type=media_type, status=status, headers=headers or {})


def tool(request: HttpRequest, *scopes: str) -> Registration:
    """The tool whose access token this is, if the token holds one of ``scopes``; RFC 6750 §3 otherwise."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    try:
        registration, held = bearer(token if scheme.lower() == "bearer" else "")
    except jwt.InvalidTokenError:
        raise Denied(401, "no valid access token", WWW_Authenticate='Bearer error="invalid_token"') from None
    if not held & {AGS + scope for scope in scopes}:
        needed = 'Bearer error="insufficient_scope"'
        raise Denied(403, f"needs one of {', '.join(scopes)}", WWW_Authenticate=needed)
    if registration.quirks.moodle_urls and "type_id" not in request.GET:
        raise Unknown("type_id is missing")
    return registration


def body(request: HttpRequest, registration: Registration, media_type: str) -> dict[str, Any]:
    """The JSON object sent; 415 for a foreign media type, 400 for anything but an object."""
    sent = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if sent == "application/json" and registration.quirks.refuse_json:
        raise Refused(f"Content-Type must be {media_type}")
    if sent not in {media_type, "application/json"}:
        raise Denied(415, f"Content-Type must be {media_type}")
    try:
        content = json.loads(request.body)
    except ValueError as error:
        raise Refused(f"not JSON: {error}") from None
    if not isinstance(content, dict):
        raise Refused("not a JSON object")
    return content


@service
def lineitems(request: HttpRequest, course_id: str) -> HttpResponse:
    """GET (filters, paging) and POST of the container, AGS 2.0 §3.2."""
    course = SCHOOL.course(course_id)
    if request.method == "POST":
        registration = tool(request, "lineitem")
        return said(shown(_made(body(request, registration, ITEM), course.id, registration)), ITEM, status=201)
    if request.method != "GET":
        raise Denied(405, "GET or POST", Allow="GET, POST")
    registration = tool(request, "lineitem", "lineitem.readonly")
    found = SCHOOL.columns(course.id, registration.client_id)
    for name, member in (("resource_link_id", "resource_link_id"), ("resource_id", "resource_id"), ("tag", "tag")):
        if name in request.GET:
            found = [item for item in found if getattr(item, member) == request.GET[name]]
    page, headers = paged(request, registration, found)
    return said([shown(item) for item in page], ITEMS, headers=headers)


@service
def lineitem(request: HttpRequest, course_id: str, number: int) -> HttpResponse:
    """GET, PUT and DELETE of one line item; the one coupled to a link cannot be deleted by the tool."""
    registration = tool(request, "lineitem", *(["lineitem.readonly"] if request.method == "GET" else []))
    item = _owned(course_id, number, registration)
    if request.method == "PUT":
        _change(item, body(request, registration, ITEM))
    elif request.method == "DELETE":
        if item.coupled:
            raise Denied(405, "this line item belongs to a resource link", Allow="GET, PUT")
        with SCHOOL.lock:
            SCHOOL.line_items.pop(item.id, None)
        return HttpResponse(status=204)
    elif request.method != "GET":
        raise Denied(405, "GET, PUT or DELETE", Allow="GET, PUT, DELETE")
    return said(shown(item), ITEM)


@service
def scores(request: HttpRequest, course_id: str, number: int) -> HttpResponse:
    """POST a score, AGS 2.0 §3.4: 204 when it is now the truth."""
    if request.method != "POST":
        raise Denied(405, "POST", Allow="POST")
    registration = tool(request, "score")
    item = _owned(course_id, number, registration)
    sent = body(request, registration, SCORE)
    with SCHOOL.lock:
        _accept(item, sent, registration)
    return HttpResponse(status=204)


@service
def results(request: HttpRequest, course_id: str, number: int) -> HttpResponse:
    """GET results, AGS 2.0 §3.3, scaled to the column's maximum; an unknown user gives an empty container."""
    registration = tool(request, "result.readonly")
    item = _owned(course_id, number, registration)
    held = [score for score in list(item.scores.values()) if score.given is not None]
    if "user_id" in request.GET:
        held = [score for score in held if score.user_id == request.GET["user_id"]]
    page, headers = paged(request, registration, held)
    return said([_result(item, score, registration) for score in page], RESULTS, headers=headers)


def shown(item: LineItem) -> dict[str, Any]:
    """A line item as JSON; members without a value are left out."""
    registration = SCHOOL.registration(item.client_id)
    optional = {"resourceLinkId": item.resource_link_id, "resourceId": item.resource_id, "tag": item.tag}
    return {
        "id": lineitem_url(registration, item.course_id, item.id),
        "label": item.label,
        "scoreMaximum": item.maximum,
        **{name: value for name, value in optional.items() if value},
    }


def paged(request: HttpRequest, registration: Registration, found: list[T]) -> tuple[list[T], dict[str, str]]:
    """One page of ``found`` and the ``Link`` header (RFC 8288) that leads to the others."""
    try:
        limit, page = int(request.GET.get("limit", 0)), max(1, int(request.GET.get("page", 1)))
    except ValueError:
        raise Refused("limit and page are numbers") from None
    cap = registration.quirks.page_size
    size = min(value for value in (limit, cap, len(found) or 1) if value > 0)
    begin = (page - 1) * size
    leads = {"first": 1, "prev": page - 1 if page > 1 else 0, "next": page + 1 if begin + size < len(found) else 0}
    links = [_link(request, registration, number, name) for name, number in leads.items() if number]
    return found[begin : begin + size], {"Link": ", ".join(links)} if len(found) > size else {}


def _link(request: HttpRequest, registration: Registration, page: int, name: str) -> str:
    query = urlencode({**request.GET.dict(), "page": page})
    url = f"{SCHOOL.services}{request.path}?{query}"
    if not registration.quirks.moodle_links:
        return f'<{url}>; rel="{name}"'
    # A header is bytes; WSGI carries them as Latin-1 text (PEP 3333), so the UTF-8 of the quotes goes in byte by byte.
    return f"<{url.replace('&', '&amp;')}>; rel=“{name}”".encode().decode("latin-1")


def _owned(course_id: str, number: int, registration: Registration) -> LineItem:
    item = SCHOOL.line_items.get(number)
    if item is None or (item.course_id, item.client_id) != (course_id, registration.client_id):
        raise Unknown(f"no line item {number}")
    return item


def _label_and_maximum(sent: dict[str, Any]) -> tuple[str, float]:
    label, maximum = sent.get("label"), sent.get("scoreMaximum")
    if not isinstance(label, str) or not label.strip():
        raise Refused("label is missing or blank")
    if not _number(maximum) or maximum == 0:
        raise Refused("scoreMaximum is missing or not a number above 0")
    return label, maximum


def _made(sent: dict[str, Any], course_id: str, registration: Registration) -> LineItem:
    label, maximum = _label_and_maximum(sent)
    link_id = sent.get("resourceLinkId", "")
    link = SCHOOL.link(link_id) if link_id else None
    if link and (link.course_id, link.client_id) != (course_id, registration.client_id):
        raise Unknown(f"no link {link_id!r}")
    resource_id, tag = sent.get("resourceId", ""), sent.get("tag", "")
    with SCHOOL.lock:
        item = LineItem(SCHOOL.next_id(), course_id, registration.client_id, label, maximum, link_id, resource_id, tag)
        SCHOOL.line_items[item.id] = item
    return item


def _change(item: LineItem, sent: dict[str, Any]) -> None:
    if sent.get("resourceLinkId", item.resource_link_id) != item.resource_link_id:
        raise Refused("resourceLinkId cannot change")
    item.label, item.maximum = _label_and_maximum(sent)
    item.resource_id, item.tag = sent.get("resourceId", item.resource_id), sent.get("tag", item.tag)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _accept(item: LineItem, sent: dict[str, Any], registration: Registration) -> None:
    user_id, stamp = sent.get("userId"), sent.get("timestamp")
    if not isinstance(user_id, str) or not user_id:
        raise Refused("userId is not a string")
    if not isinstance(stamp, str) or not ZONE.search(stamp):
        raise Refused("timestamp carries no time zone")
    for name in ("scoreGiven", "scoreMaximum"):
        if sent.get(name) is not None and not _number(sent[name]):
            raise Refused(f"{name} is not a number of 0 or more")
    if SCHOOL.learner(item.course_id, user_id) is None:
        status, text = NOT_ENROLLED.get(registration.quirks.not_enrolled, (404, "no learner {} in this course"))
        raise Denied(status, text.format(user_id))
    held = item.scores.get(user_id)
    valid = _validated(sent, held, registration)
    if valid["timestamp"] > SCHOOL.now() + FUTURE:
        raise Refused("timestamp lies in the future")
    item.scores[user_id] = Score(
        user_id=user_id,
        given=valid["score_given"],
        maximum=valid["score_maximum"],
        activity_progress=valid["activity_progress"],
        grading_progress=valid["grading_progress"],
        timestamp=stamp,
        moment=valid["timestamp"],
        comment=valid.get("comment") or "",
        accepted=(held.accepted if held else 0) + 1,
        received=SCHOOL.now().isoformat(timespec="milliseconds"),
        sent=sent,
    )


def _validated(sent: dict[str, Any], held: Score | None, registration: Registration) -> dict[str, Any]:
    """What the package makes of the score; 409 (or the quirk's status) when it is not newer than the one held."""
    serializer = LtiAgsScoreSerializer(instance=LtiAgsScore(timestamp=held.moment) if held else None, data=sent)
    if not serializer.is_valid():
        text = json.dumps(serializer.errors)
        if held and set(serializer.errors) == {"timestamp"} and "Score " in text:
            raise Denied(registration.quirks.stale_status, text)
        raise Refused(text)
    try:
        LtiAgsScore(**serializer.validated_data).clean_fields(exclude=["line_item"])
    except ValidationError as error:
        raise Refused(json.dumps(error.message_dict)) from None
    return dict(serializer.validated_data)


def _result(item: LineItem, score: Score, registration: Registration) -> dict[str, Any]:
    path, mark, query = lineitem_url(registration, item.course_id, item.id).partition("?")
    given, maximum = score.given or 0.0, score.maximum or 1.0
    return {
        "id": f"{path}/results/{score.user_id}{mark}{query}",
        "scoreOf": f"{path}{mark}{query}",
        "userId": score.user_id,
        "resultScore": given / maximum * item.maximum,
        "resultMaximum": item.maximum,
        **({"comment": score.comment} if score.comment else {}),
    }
