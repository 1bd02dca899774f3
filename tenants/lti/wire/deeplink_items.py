"""One link that a tool gives us to keep (Deep Linking 2.0 §3.1), read tolerantly except where that harms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tenants.lti.wire.custom_rows import Rows, read_map, rows_fault
from tenants.lti.wire.line_items import LARGEST, SMALLEST, read_number, read_review
from tenants.lti.wire.text import clean, identifier, is_at, shown, web_url

TITLE_LIMIT = 200
TEXT_LIMIT = 2000


class Fault(ValueError):
    """Why an item cannot be used: the code of a refusal, what was there and what should be."""

    def __init__(self, code: str, seen: str, wanted: str) -> None:
        super().__init__(f"{code}: {seen}")
        self.code, self.seen, self.wanted = code, seen, wanted


@dataclass(frozen=True, slots=True)
class Column:
    """The grade column a tool wants for its link (§3.1.1)."""

    maximum: Decimal
    label: str = ""
    resource_id: str = ""
    tag: str = ""
    review: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chosen:
    """``url`` empty: the tool's target link. ``title`` may be empty. ``column`` None: the tool asked for none."""

    url: str = ""
    title: str = ""
    text: str = ""
    custom: Rows = ()
    column: Column | None = None
    new_window: bool = False


def read_item(item: Any, domains: frozenset[str]) -> Chosen:
    """Of the type ltiResourceLink. ``domains`` are the hosts of the tool; a link may also be below one of them.

    Raises `Fault` CONTENT_ITEMS or CONTENT_URL.
    """
    if not isinstance(item, dict):
        raise Fault("CONTENT_ITEMS", shown(item), "objects")
    return Chosen(
        url=_url(item.get("url"), domains),
        title=clean(item.get("title"), TITLE_LIMIT),
        text=clean(item.get("text"), TEXT_LIMIT),
        custom=_custom(item.get("custom")),
        column=_column(item.get("lineItem")),
        new_window=isinstance(item.get("window"), dict) and not isinstance(item.get("iframe"), dict),
    )


def _url(value: object, domains: frozenset[str]) -> str:
    """A tool sends its learners to itself; any other host would get their names without anybody having agreed."""
    if value in (None, ""):
        return ""
    url = web_url(value)
    if not url:
        raise Fault("CONTENT_URL", shown(value, 200), "an address of the web")
    if not is_at(url, domains):
        raise Fault("CONTENT_URL", shown(value, 200), f"an address at {' or '.join(sorted(domains))}")
    return url


def _custom(value: object) -> Rows:
    """Text, whatever kind of value it was (Deep Linking 2.0 §3.1: a map of strings)."""
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise Fault("CONTENT_ITEMS", f"custom: {shown(value)}", "custom: an object of texts")
    try:
        rows = read_map(value)
    except ValueError as odd:
        seen = f"custom, {shown(str(odd), 40)}: {shown(value[str(odd)], 80)}"
        raise Fault("CONTENT_ITEMS", seen, "custom: an object of texts") from None
    if fault := rows_fault(rows):
        raise Fault("CONTENT_ITEMS", f"custom: {fault}", "custom: an object of texts")
    return rows


def _column(value: object) -> Column | None:
    """An empty one is none; its maximum is what scores are out of, so it has to be a number above 0."""
    if value in (None, {}):
        return None
    if not isinstance(value, dict):
        raise Fault("CONTENT_ITEMS", f"lineItem: {shown(value)}", "lineItem: an object")
    said = value.get("scoreMaximum")
    number = read_number(repr(said) if isinstance(said, float) else said)
    if number is None or number < SMALLEST or number.adjusted() > LARGEST:
        raise Fault("CONTENT_ITEMS", f"lineItem.scoreMaximum: {shown(said)}", "lineItem.scoreMaximum: a number above 0")
    names = clean(value.get("label")), identifier(value.get("resourceId")), identifier(value.get("tag"))
    return Column(number, *names, read_review(value.get("submissionReview")))
