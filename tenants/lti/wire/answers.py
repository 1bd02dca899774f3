"""What a platform's answer to one step of a score delivery means, decided by two tables and nothing else.

Statuses follow AGS 2.0 §3.4 and RFC 9110; the texts are what Blackboard, Brightspace, Canvas, Moodle and Open edX say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum

import orjson

from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.text import clean

LONGEST_WAIT = 24 * 3600
"""Seconds; a longer Retry-After is cut to this."""


class Step(StrEnum):
    """The request that was answered."""

    TOKEN = "token"  # noqa: S105 -- the name of a step
    FIND = "find"
    CREATE = "create"
    SCORE = "score"
    RESULTS = "results"


class Kind(StrEnum):
    """What to do next."""

    DELIVERED = "delivered"
    RETRY = "retry"
    NEW_TOKEN = "new_token"  # noqa: S105 -- the name of an outcome
    SUPERSEDED = "superseded"
    LINE_ITEM_GONE = "line_item_gone"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class Answer:
    """``said`` is the platform's own words, short and stripped; ``retry_after`` is in seconds, if it named a time."""

    kind: Kind
    code: str
    cause: str
    said: str = ""
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    kind: Kind
    code: str
    cause: str
    first: int
    last: int
    steps: frozenset[Step] = frozenset(Step)
    words: tuple[str, ...] = ()

    def fits(self, status: int, step: Step, body: str) -> bool:
        return (
            self.first <= status <= self.last
            and step in self.steps
            and (not self.words or any(words in body for words in self.words))
        )


_SCORE = frozenset({Step.SCORE})
_AT_LINE_ITEM = frozenset({Step.SCORE, Step.RESULTS})
_TOKEN = frozenset({Step.TOKEN})

_BY_WORDS = (
    _Rule(
        Kind.FINAL,
        "AGS_NOT_ENROLLED",
        "The person is not enrolled in that course.",
        400,
        422,
        _SCORE,
        (
            "user could not be found",
            "not enrolled",
            "user in requested score does not exist",
            "user not found in course or is not a student",
        ),
    ),
    _Rule(
        Kind.FINAL,
        "AGS_NOT_ENROLLED",
        "Moodle grades only enrolled learners, and this person is none.",
        400,
        400,
        _SCORE,
        ("incorrect score received",),
    ),
    _Rule(
        Kind.FINAL,
        "AGS_ATTEMPTS_USED",
        "The assignment allows no further attempt.",
        422,
        422,
        _SCORE,
        ("maximum number of allowed attempts",),
    ),
    _Rule(
        Kind.SUPERSEDED,
        "AGS_SUPERSEDED",
        "The platform already holds a newer score.",
        400,
        400,
        _SCORE,
        (
            "before last updated timestamp",
            "later point in time",
            "already exists for the provided timestamp",
            "earlier timestamp",
        ),
    ),
)
_BY_STATUS = (
    _Rule(Kind.DELIVERED, "", "The platform accepted it.", 200, 299),
    _Rule(Kind.FINAL, "AGS_MOVED", "The address now points elsewhere, and a token is not sent after it.", 300, 399),
    _Rule(Kind.RETRY, "AGS_BUSY", "The platform asks us to wait.", 408, 408),
    _Rule(Kind.RETRY, "AGS_BUSY", "The platform asks us to wait.", 425, 425),
    _Rule(Kind.RETRY, "AGS_BUSY", "The platform asks us to send less often.", 429, 429),
    _Rule(Kind.RETRY, "AGS_TOKEN_REFUSED", "The platform gives us no access token.", 400, 499, _TOKEN),
    _Rule(Kind.NEW_TOKEN, "AGS_UNAUTHORIZED", "The platform no longer takes our access token.", 401, 401),
    _Rule(Kind.FINAL, "AGS_FORBIDDEN", "The platform does not let us do this.", 403, 403),
    _Rule(Kind.LINE_ITEM_GONE, "AGS_LINE_ITEM_GONE", "The grade column is gone.", 404, 404, _AT_LINE_ITEM),
    _Rule(Kind.LINE_ITEM_GONE, "AGS_LINE_ITEM_GONE", "The grade column is gone.", 410, 410, _AT_LINE_ITEM),
    _Rule(Kind.FINAL, "AGS_NO_LINE_ITEM", "The course or its grade book is gone.", 404, 404),
    _Rule(Kind.FINAL, "AGS_NO_LINE_ITEM", "The course or its grade book is gone.", 410, 410),
    _Rule(Kind.SUPERSEDED, "AGS_SUPERSEDED", "The platform already holds a newer score.", 409, 409, _SCORE),
    _Rule(Kind.FINAL, "AGS_REFUSED", "The platform does not accept what we sent.", 400, 499),
    _Rule(Kind.RETRY, "AGS_PLATFORM_DOWN", "The platform has a fault of its own.", 500, 599),
)
_ODD = "The platform says yes, but with something that is no answer to our question."


def classify(status: int | None, body: bytes, headers: Mapping[str, str], step: Step) -> Answer:
    """What the answer means. ``status`` None: none came (no connection, a time-out, a body beyond the limit)."""
    if status is None:
        return Answer(Kind.RETRY, "AGS_NO_ANSWER", "The platform did not answer.")
    said = spoken(body)
    if 200 <= status <= 299 and _is_odd(body):
        return Answer(Kind.RETRY, "AGS_ODD_ANSWER", _ODD, said)
    lowered = body[:8192].decode(errors="replace").lower()
    for rule in _BY_WORDS + _BY_STATUS:
        if rule.fits(status, step, lowered):
            wait = _retry_after(headers) if rule.kind is Kind.RETRY else None
            return Answer(rule.kind, rule.code, rule.cause, "" if rule.kind is Kind.DELIVERED else said, wait)
    return Answer(Kind.RETRY, "AGS_ODD_ANSWER", f"The platform answered with status {status}, which is none.", said)


def spoken(body: bytes) -> str:
    """What the platform says in its answer, in a few words: an error's own texts, else a stripped excerpt.

    Of other JSON only the names of its members are told: a value might be a token.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return excerpt(body)
    texts = [excerpt(text) for text in _error_texts(document)]
    if texts or not isinstance(document, dict):
        return clean(": ".join(dict.fromkeys(texts)), 400)
    return clean("JSON with " + ", ".join(list(document)[:10]), 200) if document else ""


def _error_texts(document: object, depth: int = 3) -> list[str]:
    if isinstance(document, list) and depth:
        return [text for entry in document[:3] for text in _error_texts(entry, depth - 1)]
    if not isinstance(document, dict) or not depth:
        return []
    texts = []
    for name in ("error", "error_description", "message", "title", "detail", "reason", "type", "errors"):
        value = document.get(name)
        texts += [value] if isinstance(value, str) else _error_texts(value, depth - 1)
    return texts


def _is_odd(body: bytes) -> bool:
    """A web page, or JSON that reports an error, under a status of success."""
    start = body.lstrip()[:1]
    if start != b"{":
        return start == b"<"
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return bool(document.get("error") or document.get("errors"))


def _retry_after(headers: Mapping[str, str]) -> int | None:
    """RFC 9110 §10.2.3: seconds, or a date, which is taken relative to the answer's own Date."""
    lowered = {name.lower(): value for name, value in headers.items()}
    value = lowered.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), LONGEST_WAIT)
    try:
        wait = (parsedate_to_datetime(value) - parsedate_to_datetime(lowered.get("date", ""))).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(int(wait), 0), LONGEST_WAIT)
