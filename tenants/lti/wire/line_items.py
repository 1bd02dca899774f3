"""Grade columns as a tool writes and reads them, server side (AGS 2.0 §3.2): one document in, one out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

import orjson

from saas.problems import Refused
from tenants.lti.wire.ags import plain
from tenants.lti.wire.moments import read_moment
from tenants.lti.wire.redact import excerpt
from tenants.lti.wire.text import IDENTIFIER_LIMIT, clean, identifier, shown, web_url

LARGEST = 9
"""Decimal places before the point of a maximum; what we keep is exact up to there."""
SMALLEST = Decimal("0.00000001")
MAX_REVIEW = 4096
MAX_NUMBER = 40


class Keeps(Protocol):
    """What a document is told to: a row of ours."""

    resource_id: str
    tag: str
    starts_at: datetime | None
    ends_at: datetime | None
    submission_review: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineItemIn:
    """What a tool asks for. ``more`` are the members that came: what was left out stays as it was."""

    label: str
    maximum: Decimal
    resource_link_id: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def tell(self, row: Keeps) -> None:
        for name, value in self.more.items():
            setattr(row, name, value)


def read_object(body: bytes) -> dict[str, Any]:
    """A JSON object with exact numbers. `Refused` CALL_SHAPE for anything else: NaN, a list, nested without end."""
    try:
        document = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, InvalidOperation, RecursionError):
        raise Refused("CALL_SHAPE", seen=excerpt(body) or "nothing", wanted="a JSON object") from None
    if not isinstance(document, dict):
        raise Refused("CALL_SHAPE", seen=shown(document), wanted="a JSON object")
    return document


def read_number(value: object) -> Decimal | None:
    """A JSON number or numeric text (Moodle's "64.00000"), finite and of sane size; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    text = str(value).strip()
    if len(text) > MAX_NUMBER or not text.isascii() or "_" in text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 12 else None


def read_line_item(body: bytes) -> LineItemIn:
    """`Refused` CALL_SHAPE naming the member."""
    document = read_object(body)
    label = clean(document.get("label"), IDENTIFIER_LIMIT)
    if not label:
        raise Refused("CALL_SHAPE", seen=f"label: {shown(document.get('label'))}", wanted="a label")
    more: dict[str, Any] = {}
    for name, member in (("resource_id", "resourceId"), ("tag", "tag")):
        if member in document:
            more[name] = _identifier(document, member)
    for name, member in (("starts_at", "startDateTime"), ("ends_at", "endDateTime")):
        if member in document:
            more[name] = _moment(document, member)
    if "submissionReview" in document:
        more["submission_review"] = read_review(document["submissionReview"])
    return LineItemIn(label, _maximum(document), _identifier(document, "resourceLinkId"), more)


def write_line_item(  # noqa: PLR0913 -- the members of a line item
    *,
    url: str,
    label: str,
    maximum: Decimal,
    resource_link_id: str = "",
    resource_id: str = "",
    tag: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    submission_review: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """As JSON wants it; nothing empty, for some tools stumble over it."""
    document = {
        "id": url,
        "label": label,
        "scoreMaximum": orjson.Fragment(plain(maximum)),
        "resourceLinkId": resource_link_id,
        "resourceId": resource_id,
        "tag": tag,
        "startDateTime": starts_at.isoformat() if starts_at else "",
        "endDateTime": ends_at.isoformat() if ends_at else "",
        "submissionReview": dict(submission_review or {}),
    }
    return {name: value for name, value in document.items() if value}


def _maximum(document: Mapping[str, Any]) -> Decimal:
    value = document.get("scoreMaximum")
    number = read_number(value)
    if number is None or number < SMALLEST or number.adjusted() > LARGEST:
        raise Refused("CALL_SHAPE", seen=f"scoreMaximum: {_said(value)}", wanted="scoreMaximum: a number above 0")
    return number


def _identifier(document: Mapping[str, Any], member: str) -> str:
    """Empty where nothing is said."""
    value = document.get(member)
    if value in (None, ""):
        return ""
    text = identifier(value)
    if not text:
        raise Refused(
            "CALL_SHAPE", seen=f"{member}: {shown(value)}", wanted=f"{member}: text of 255 characters at most"
        )
    return text


def _moment(document: Mapping[str, Any], member: str) -> datetime | None:
    value = document.get(member)
    if value in (None, ""):
        return None
    moment = read_moment(value)
    if moment is None:
        raise Refused(
            "CALL_SHAPE", seen=f"{member}: {shown(value)}", wanted=f"{member}: a date of ISO 8601 from 2000 on"
        )
    return moment


def read_review(value: object) -> dict[str, Any]:
    """Submission Review 1.0 §3; what we cannot use is left out."""
    if not isinstance(value, dict):
        return {}
    custom = value.get("custom")
    kept = {
        "reviewableStatus": [clean(each, 40) for each in _list(value.get("reviewableStatus")) if clean(each, 40)],
        "label": clean(value.get("label")),
        "url": web_url(value.get("url")),
        "custom": {clean(name): clean(said) for name, said in custom.items()} if isinstance(custom, dict) else {},
    }
    kept = {name: each for name, each in kept.items() if each}
    return kept if len(orjson.dumps(kept)) <= MAX_REVIEW else {}


def _list(value: object) -> list[object]:
    return value[:20] if isinstance(value, list) else []


def _said(value: object) -> str:
    return f"the number {value}" if isinstance(value, Decimal) else shown(value)


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
