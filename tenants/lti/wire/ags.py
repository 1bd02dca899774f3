"""Assignment and Grade Services 2.0, client side: addresses, line items, scores and results as documents.

Numbers are decimals on the way out and on the way in; a float never touches a score.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import orjson

from saas.problems import Refused
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.text import clean, identifier, web_url

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM_SCOPE = SCOPE + "lineitem"
LINE_ITEM_READ_SCOPE = SCOPE + "lineitem.readonly"
RESULT_SCOPE = SCOPE + "result.readonly"
SCORE_SCOPE = SCOPE + "score"
SCOPES = (LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE, RESULT_SCOPE, SCORE_SCOPE)
"""All we ask for; the read-only ones by name, because Moodle does not derive them from the others."""

READING_SCOPES = frozenset({LINE_ITEM_SCOPE, LINE_ITEM_READ_SCOPE})
"""Either lets us look for line items."""

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"
LINE_ITEMS_TYPE = "application/vnd.ims.lis.v2.lineitemcontainer+json"
RESULTS_TYPE = "application/vnd.ims.lis.v2.resultcontainer+json"

MAX_PAGES = 20
COMMENT_LIMIT = 2000
CANVAS_SUBMISSION = "https://canvas.instructure.com/lti/submission"
_MILLISECOND = timedelta(milliseconds=1)
_LARGEST_EXPONENT = 12


class ActivityProgress(StrEnum):
    """How far the learner is (AGS 2.0 §3.4.7)."""

    INITIALIZED = "Initialized"
    STARTED = "Started"
    IN_PROGRESS = "InProgress"
    SUBMITTED = "Submitted"
    COMPLETED = "Completed"


class GradingProgress(StrEnum):
    """How far the grading is (AGS 2.0 §3.4.8)."""

    FULLY_GRADED = "FullyGraded"
    PENDING = "Pending"
    PENDING_MANUAL = "PendingManual"
    FAILED = "Failed"
    NOT_READY = "NotReady"


@dataclass(frozen=True, slots=True)
class LineItem:
    """A grade column over there; ``score_maximum`` is None where the platform gives no usable number."""

    id: str
    label: str = ""
    score_maximum: Decimal | None = None
    resource_id: str = ""
    resource_link_id: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """A grade as the platform holds it; ``score`` None is no grade, 0 is one."""

    user_id: str
    score: Decimal | None
    maximum: Decimal
    comment: str = ""


def scores_url(lineitem: str) -> str:
    """Where scores of the line item go (AGS 2.0 §3.4.1); a query, as Moodle has, stays behind the path."""
    return _below(lineitem, "/scores")


def results_url(lineitem: str, user_id: str) -> str:
    """Where one person's result is read (AGS 2.0 §3.3.4)."""
    return _with_query(_below(lineitem, "/results"), user_id=user_id)


def line_items_url(lineitems: str, resource_link_id: str, resource_id: str) -> str:
    """Where the line items of one link and activity are looked for (AGS 2.0 §3.2.9)."""
    return _with_query(lineitems, resource_link_id=resource_link_id, resource_id=resource_id)


def score_time(at: datetime, *, now: datetime, previous: datetime | None = None) -> datetime:
    """The timestamp for a result of the moment ``at``: UTC, whole milliseconds, after ``previous``, not ahead of now.

    Two scores within one millisecond cannot have both; then the order wins, by that millisecond.
    """
    moment = min(at, now).astimezone(UTC)
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    return moment if previous is None or moment > previous else previous.astimezone(UTC) + _MILLISECOND


def score(  # noqa: PLR0913 -- the members of a score
    *,
    user_id: str,
    at: datetime,
    given: Decimal | None,
    maximum: Decimal,
    activity: ActivityProgress = ActivityProgress.COMPLETED,
    grading: GradingProgress = GradingProgress.FULLY_GRADED,
    comment: str = "",
    new_submission: bool | None = None,
) -> bytes:
    """The document of AGS 2.0 §3.4.2; ``at`` is from `score_time`. Without ``given`` it tells progress only.

    ``new_submission`` is Canvas's extension: False on a repeated sending, so that no attempt is counted again.
    """
    document: dict[str, object] = {
        "userId": user_id,
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "activityProgress": activity,
        "gradingProgress": grading,
    }
    if given is not None:
        document |= {"scoreGiven": _number(given), "scoreMaximum": _number(maximum)}
    if comment:
        document["comment"] = clean(comment, COMMENT_LIMIT)
    if new_submission is not None:
        document[CANVAS_SUBMISSION] = {"new_submission": new_submission}
    return orjson.dumps(document)


def submission_review(url: str) -> dict[str, object]:
    """Has the gradebook there offer the learner's attempt to the teacher (Submission Review 1.0 §3); empty without."""
    return {"reviewableStatus": ["InProgress", "Submitted", "Completed"], "url": url} if url else {}


def line_item(
    *, label: str, maximum: Decimal, resource_id: str, resource_link_id: str, tag: str = "", review_url: str = ""
) -> bytes:
    """The document to create a line item with (AGS 2.0 §3.2.4); ``review_url``: see `submission_review`."""
    document = {
        "label": clean(label) or "Score",
        "scoreMaximum": _number(maximum),
        "resourceId": resource_id,
        "resourceLinkId": resource_link_id,
        "tag": tag,
        "submissionReview": submission_review(review_url),
    }
    return orjson.dumps({name: value for name, value in document.items() if value})


def parse_line_items(body: bytes) -> tuple[LineItem, ...]:
    """A container or a single line item; entries without a usable address are left out.

    `Refused` AGS_ODD_ANSWER if it is neither.
    """
    return tuple(
        LineItem(
            url,
            clean(entry.get("label")),
            _decimal(entry.get("scoreMaximum")),
            identifier(entry.get("resourceId")),
            identifier(entry.get("resourceLinkId")),
            clean(entry.get("tag")),
        )
        for entry in _entries(body)
        if (url := web_url(entry.get("id")))
    )


def find_line_item(items: Iterable[LineItem], resource_link_id: str, resource_id: str) -> LineItem | None:
    """The line item we made for this link and activity, if the platform still has it."""
    return next(
        (item for item in items if item.resource_link_id == resource_link_id and item.resource_id == resource_id), None
    )


def parse_results(body: bytes) -> tuple[Result, ...]:
    """A result container (AGS 2.0 §3.3.5); a missing maximum is 1. `Refused` AGS_ODD_ANSWER if it is none."""
    return tuple(
        Result(
            user_id,
            _decimal(entry.get("resultScore")),
            _decimal(entry.get("resultMaximum")) or Decimal(1),
            clean(entry.get("comment"), COMMENT_LIMIT),
        )
        for entry in _entries(body)
        if (user_id := identifier(entry.get("userId")))
    )


def result_of(results: Iterable[Result], user_id: str) -> Result | None:
    """That person's result, the last if there are several: not every platform heeds the filter."""
    return next((result for result in reversed(tuple(results)) if result.user_id == user_id), None)


def plain(number: Decimal) -> str:
    """A number without exponent, sign of zero or trailing zeros. ValueError if it is not finite."""
    if not number.is_finite():
        raise ValueError(f"{number} is no score")
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _number(number: Decimal) -> orjson.Fragment:
    return orjson.Fragment(plain(number))


def _decimal(value: object) -> Decimal | None:
    """A JSON number or numeric text; None for anything else, and for what no grade book holds."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _LARGEST_EXPONENT else None


def _entries(body: bytes) -> list[Mapping[str, object]]:
    try:
        document = json.loads(body, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        raise Refused("AGS_ODD_ANSWER", seen=excerpt(body) or "nothing", wanted="a JSON list") from None
    entries = [document] if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise Refused("AGS_ODD_ANSWER", seen=excerpt(body), wanted="a JSON list")
    return [entry for entry in entries if isinstance(entry, dict)]


def _below(url: str, path: str) -> str:
    scheme, host, base, query, _ = urlsplit(url)
    return urlunsplit((scheme, host, base.rstrip("/") + path, query, ""))


def _with_query(url: str, **fields: str) -> str:
    scheme, host, path, query, _ = urlsplit(url)
    ours = urlencode(fields, quote_via=quote, safe="")
    return urlunsplit((scheme, host, path, f"{query}&{ours}" if query else ours, ""))
