"""What a calendar call says of a meeting: which one it is, how to join, what to read, and when.

Zoom sends a paragraph of HTML with one link, whose text ends with the meeting's number. It is foreign: what is kept is
plain text and one proven address. Nothing here takes more than one pass over what was sent.
"""

import hashlib
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from tenants.lti.wire.text import clean, is_at, split_url, web_url

TITLE_LIMIT = 255
TEXT_LIMIT = 4000
#: Whose meetings may be joined from a calendar; a company's own address is below one of them.
ZOOM_DOMAINS = ("zoom.us", "zoomgov.com", "zoom.com.cn")
UNTITLED = "Zoom"
LONGEST = 86_400
"""Seconds an event may take."""
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC)

_TAG = re.compile(r"<([^<>]*)>")
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""", re.IGNORECASE)
_BARE_URL = re.compile(r"https?://[^\s<>\"']+")
_UNREAD = frozenset({"script", "style", "head", "title", "template", "iframe", "object", "svg", "math", "noscript"})
_BREAKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_NUMBERED = re.compile(r"/(?:j|w|s)/(\d{6,15})(?!\d)", re.ASCII)
_LABELLED = re.compile(r"\bID\b[^\d\n]{0,20}(\d[\d \u00a0-]{7,18}\d)(?!\d)", re.ASCII)
_ENDING = re.compile(r"(?<![\d+])(\d[\d \u00a0-]{7,16}\d)\s*$", re.ASCII)
_SPACES = re.compile(r"[ \u00a0-]")


@dataclass(frozen=True, slots=True)
class Meeting:
    """``key`` says which meeting it is: its number, or what else there is; ``url`` is where one joins, or empty."""

    key: str
    title: str
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class _Link:
    url: str
    text: str


def read_meeting(name: str, description: str, starts_at: datetime, own_base: str = "") -> Meeting:
    """``own_base``: where Zoom LTI Pro is for this installation; meetings may be there, too (a practice Zoom)."""
    text, links = _read(description)
    links += [_Link(found, "") for found in _BARE_URL.findall(text)]
    good = [link for link in links if _is_zooms(link.url, own_base)]
    numbered = next((link for link in good if _NUMBERED.search(link.url)), None)
    chosen = numbered or next(iter(good), None)
    title = clean(name, TITLE_LIMIT) or UNTITLED
    number = _number(numbered, good, text)
    return Meeting(number or _key_of(title, starts_at), title, text, chosen.url if chosen else "")


def _key_of(title: str, starts_at: datetime) -> str:
    """For a meeting without a number, so that it is not lost; moved or renamed it is another."""
    said = f"{title}\n{starts_at.timestamp():.0f}"
    return f"text-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


def _number(numbered: _Link | None, good: Sequence[_Link], text: str) -> str:
    """Of the address, else as it is written; digits, or empty."""
    if numbered is not None and (found := _NUMBERED.search(numbered.url)):
        return found[1]
    written = [_LABELLED.search(text), *(_ENDING.search(link.text) for link in good)]
    numbers = (_SPACES.sub("", found[1]) for found in written if found)
    return next((number for number in numbers if 9 <= len(number) <= 12), "")


def _is_zooms(url: str, own_base: str) -> bool:
    if is_at(url, ZOOM_DOMAINS) and url.startswith("https://"):
        return True
    parts, own = split_url(url), split_url(own_base) if own_base else None
    return parts is not None and own is not None and (parts.scheme, parts.netloc) == (own.scheme, own.netloc)


def _read(description: str) -> tuple[str, list[_Link]]:
    """Text without markup, and the links in it."""
    words: list[str] = []
    links: list[_Link] = []
    href, began = "", 0
    skipped = ""
    for piece, tag in _pieces(_without_comments(description)):
        if not skipped:
            words.append(html.unescape(piece))
        name = _name_of(tag)
        if skipped:
            skipped = "" if name == f"/{skipped}" else skipped
            continue
        if name in _UNREAD and not tag.endswith("/"):
            skipped = name
        elif name.removeprefix("/") in _BREAKS:
            words.append("\n")
        elif name == "a" and (found := _HREF.search(tag)):
            href, began = html.unescape(found[1] or found[2] or found[3] or "").strip(), len(words)
        elif name == "/a" and href:
            links.append(_Link(web_url(href), clean("".join(words[began:]), TITLE_LIMIT)))
            href = ""
    if href:
        links.append(_Link(web_url(href), ""))
    return _lines("".join(words)), [link for link in links if link.url]


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Text up to each tag, and the inside of the tag; empty for the end."""
    at = 0
    for found in _TAG.finditer(text):
        yield text[at : found.start()], found[1].strip()
        at = found.end()
    yield text[at:], ""


def _name_of(tag: str) -> str:
    word = tag.split(None, 1)[0].lower() if tag else ""
    return word if word.startswith("/") else word.rstrip("/")


def _without_comments(text: str) -> str:
    kept: list[str] = []
    while True:
        before, mark, rest = text.partition("<!--")
        kept.append(before)
        _comment, end, text = rest.partition("-->")
        if not mark or not end:
            return "".join(kept)


def _lines(text: str) -> str:
    cleaned = (" ".join(clean(line, TEXT_LIMIT).split()) for line in text.splitlines())
    return "\n".join(line for line in cleaned if line)[:TEXT_LIMIT]


def moment_of(seconds: int) -> datetime | None:
    """Of this century; None for what no meeting's date can be."""
    if not _FIRST.timestamp() <= seconds < _LAST.timestamp():
        return None
    return datetime.fromtimestamp(seconds, UTC)


def duration_of(seconds: int) -> int:
    return min(max(seconds, 0), LONGEST)


def weekly(starts_at: datetime, count: int, zone: tzinfo) -> list[datetime]:
    """``count`` dates, a week apart at the same time of day in ``zone``, whatever its clocks do between them."""
    local = starts_at.astimezone(zone)
    dates = ((local + timedelta(weeks=week)).astimezone(UTC) for week in range(max(count, 1)))
    return [starts_at, *list(dates)[1:]]
