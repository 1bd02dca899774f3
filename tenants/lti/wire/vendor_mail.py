"""A vendor's e-mail with the credentials of LTI 1.2, pasted whole and taken apart: Key, Secret, Launch-URL and more.

Vendors write them as they like: in English, Dutch or German, in lists, tables and sentences, quoted by who forwarded
the mail, as what is left of HTML, as JSON, or with an XML cartridge (Common Cartridge 1.3, LTI link). Nothing here
raises and nothing is certain: what is found is shown to a person for review.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenants.lti.wire.custom_rows import PREFIX, Rows, read_rows
from tenants.lti.wire.vendor_text import LINK, QUOTES, plain_lines, unquoted, unwrapped
from tenants.lti.wire.vendor_words import CUSTOM, LABELS, Meaning, meaning_of

MAIL_LIMIT = 100_000
VALUE_LIMIT = 2000
ROWS_BELOW = 60
#: How sure a value is: behind a colon or the like, on the line below its label, or in a sentence.
SURE, BELOW, SAID = 30, 20, 10

_AND = r"\s?(?:/|&|\+|and|en|und)\s?"
_VERBS = ("is", "ist", "lautet", "luidt")
_ASIDE = r"(?:\s?\([^()]{0,60}\))?"
_BY = rf":=|=>|->|[:=：→\t|]|\s(?:{'|'.join(_VERBS)}|–|—|-)(?=\s)"
_LABELLED = re.compile(
    rf"(?<![^\s,;|(*{QUOTES}])(?P<label>{LABELS})(?!\w){_ASIDE}[{QUOTES}*\s]{{0,4}}(?P<by>{_BY})(?P<rest>.*)",
    re.IGNORECASE,
)
_FILLERS = r"(?:(?:lti|v?1\.\d(?:\.\d)?|your|our|the|uw|jouw|je|de|het|ihre?|der|die|das|deine?)\s){0,4}"
_ALONE = re.compile(rf"\W*{_FILLERS}(?P<label>{LABELS}){_ASIDE}[\s:=*]*", re.IGNORECASE)
_PAIR = re.compile(
    rf"key{_AND}secret[{QUOTES}*\s]*[:=]\s?(?P<key>[^\s/,;]+)\s?(?:[/,;]|and|en|und)?\s?(?P<secret>\S+)",
    re.IGNORECASE,
)
_CUSTOM_LINE = re.compile(rf"\W*(?P<name>{PREFIX}[\w.$-]+)\s?[=:]\s?(?P<value>\S.*)", re.IGNORECASE)
_ROW = re.compile(r"\s*(?P<name>[\w.$-]{1,100})\s?=\s?(?P<value>\S.*)")
_BETWEEN_ROWS = re.compile(r"[,;&](?=\s?[\w.$-]{1,100}\s?=)")
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/:?]\S*)?")
_MODERN = re.compile(r"lti\s?1\.3|\boidc\b|\bjwks\b|\bdeployment[ _-]?id\b|\bclient[ _-]?id\b", re.IGNORECASE)
#: No part gives back what it took, so that white space is read once, whoever may have it.
_ELEMENT = re.compile(
    r"<(?:\w{1,40}+:)?+(?P<name>\w{1,40}+)[^<>]{0,300}+>\s*+(?:<!\[CDATA\[)?+"
    r"(?P<value>[^<>\]]{1,2000}+)(?:\]\]>\s*+)?+</"
)
_PROPERTY = re.compile(r"<(?:\w{1,40}:)?property\s{1,9}name=[\"']([^\"'<>]{1,200})[\"'][^<>]{0,99}>([^<>]{0,2000})</")


@dataclass(frozen=True, slots=True)
class VendorMail:
    """What was found; empty where nothing was. ``is_lti13``: it speaks of LTI 1.3, which is set up elsewhere."""

    key: str = ""
    secret: str = ""
    url: str = ""
    resource_link_id: str = ""
    custom: Rows = ()
    is_lti13: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.key or self.secret or self.url or self.resource_link_id or self.custom)


@dataclass(slots=True)
class _Findings:
    """The surest value of each field; of equally sure ones the first, since the newest mail stands on top."""

    best: dict[str, tuple[int, str]] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    #: The line up to which parameters were looked for: a mail of nothing but labels would be read sixty times.
    listed_to: int = 0

    def add(self, meaning: Meaning, value: str, sure: int) -> None:
        value, sure = _tidy(meaning.field, value), sure - meaning.weakness
        if value and sure > self.best.get(meaning.field, (0, ""))[0]:
            self.best[meaning.field] = sure, value

    def add_rows(self, rows: Rows) -> None:
        for name, value in rows:
            if name and value:
                self.custom.setdefault(name, unquoted(value))

    def value(self, name: str) -> str:
        return self.best.get(name, (0, ""))[1]


def read_vendor_mail(text: str) -> VendorMail:
    """Everything in ``text`` that is a credential of LTI 1.2, as far as can be told."""
    text, found = text[:MAIL_LIMIT], _Findings()
    _read_elements(text, found)
    _read_json(_json_in(text), found)
    lines = plain_lines(text)
    _read_lines(lines, found)
    if not found.value("url"):
        _guess_url(lines, found)
    is_modern = bool(_MODERN.search(text)) and not (found.value("key") and found.value("secret"))
    return VendorMail(
        key=found.value("key"),
        secret=found.value("secret"),
        url=found.value("url"),
        resource_link_id=found.value("resource_link_id"),
        custom=tuple(found.custom.items()),
        is_lti13=is_modern,
    )


def _read_lines(lines: Sequence[str], found: _Findings) -> None:
    for place, line in enumerate(lines):
        below = next((each for each in lines[place + 1 : place + 4] if each), "")
        if pair := _PAIR.search(line):
            found.add(meaning_of("key"), pair["key"], SURE + 1)
            found.add(meaning_of("secret"), pair["secret"], SURE + 1)
        elif row := _CUSTOM_LINE.fullmatch(line):
            found.add_rows(read_rows(f"{row['name']}={row['value']}"))
        elif heads := _heads(line):
            for meaning, value in zip(heads, _cells(below), strict=False):
                found.add(meaning, value, BELOW)
        else:
            for meaning, value, sure in _said_in(line, below):
                found.add(meaning, value, sure)
                if meaning.field == CUSTOM:
                    _read_list(value, lines, place, found)


def _said_in(line: str, below: str) -> Iterator[tuple[Meaning, str, int]]:
    """Labels with their values, which may stand on the line below."""
    alone = _ALONE.fullmatch(line)
    if alone is None:
        yield from _labelled(line)
        return
    meaning = meaning_of(alone["label"])
    is_value = meaning.field != CUSTOM and not _LABELLED.search(below) and not _ALONE.fullmatch(below)
    yield meaning, below if is_value else "", BELOW


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"[\t|]", line) if cell.strip()]


def _heads(line: str) -> list[Meaning]:
    """What the columns of a table mean, where the line is nothing but their heads."""
    heads = [_ALONE.fullmatch(cell) for cell in _cells(line)]
    return [meaning_of(head["label"]) for head in heads if head] if len(heads) > 1 and all(heads) else []


def _labelled(line: str) -> Iterator[tuple[Meaning, str, int]]:
    """Every label of the line with what stands behind it, up to the next label."""
    hit = _LABELLED.search(line)
    while hit:
        following = _LABELLED.search(hit["rest"])
        value = hit["rest"][: following.start()] if following else hit["rest"]
        said = hit["by"].strip().lower() in _VERBS
        yield meaning_of(hit["label"]), _first_word(value) if said else value, SAID if said else SURE
        hit = following


def _first_word(sentence: str) -> str:
    return next(iter(sentence.split()), "").rstrip(".")


def _read_list(value: str, lines: Sequence[str], place: int, found: _Findings) -> None:
    """What stands behind a label, and below it where that was not read for an earlier label."""
    below = lines[place + 1 : place + ROWS_BELOW] if place >= found.listed_to else ()
    found.listed_to = max(found.listed_to, place + _read_custom([value, *below], found))


def _read_custom(lines: Sequence[str], found: _Findings) -> int:
    """Rows in one line, apart by commas, semicolons or ampersands, or on lines of their own up to something else.

    Returns how many of the lines were read.
    """
    began = False
    for count, line in enumerate(lines):
        rows = [_ROW.fullmatch(part) for part in _BETWEEN_ROWS.split(line)]
        usable = [row for row in rows if row and meaning_of(row["name"]).field in ("", CUSTOM)]
        if not usable and (line or began):
            return count
        began = began or bool(usable)
        found.add_rows(read_rows("\n".join(f"{row['name']}={row['value']}" for row in usable)))
    return len(lines)


def _guess_url(lines: Sequence[str], found: _Findings) -> None:
    """The first address that speaks of LTI or launching, where no label says which is meant."""
    for url in (url for line in lines for url in LINK.findall(line)):
        if re.search(r"lti|launch", url, re.IGNORECASE):
            found.add(meaning_of("url"), url, SAID)
            return


def _read_elements(text: str, found: _Findings) -> None:
    """Elements of a cartridge, by their names; no XML is parsed, so whatever is around them does no harm."""
    for element in _ELEMENT.finditer(text):
        sure = SURE + (2 if element["name"].startswith("secure") else 1)
        if meaning_of(element["name"]).field != CUSTOM:
            found.add(meaning_of(element["name"]), element["value"].replace("&amp;", "&"), sure)
    for name, value in _PROPERTY.findall(text):
        found.add_rows(read_rows(f"{name}={value.replace('&amp;', '&')}"))


def _json_in(text: str) -> Any:
    start, end = text.find("{"), text.rfind("}")
    try:
        return json.loads(text[start : end + 1]) if 0 <= start < end else None
    except (ValueError, RecursionError):
        return None


def _read_json(document: Any, found: _Findings) -> None:
    waiting = [("", document)]
    while waiting:
        name, value = waiting.pop()
        meaning = meaning_of(name)
        if isinstance(value, dict) and meaning.field == CUSTOM:
            found.add_rows(read_rows("\n".join(f"{key}={one}" for key, one in value.items() if _is_plain(one))))
        elif isinstance(value, dict):
            waiting += [(str(key), one) for key, one in value.items()]
        elif isinstance(value, list):
            waiting += [(name, one) for one in value]
        elif _is_plain(value) and meaning.field == CUSTOM:
            _read_custom(str(value).splitlines(), found)
        elif _is_plain(value):
            found.add(meaning, str(value), SURE + 1)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _tidy(name: str, value: str) -> str:
    """One word; of an address what is the address, also inside the wrapper some mail systems put around it."""
    words = unquoted(value).split()
    if not words or not name or words[0].startswith("("):
        return ""
    if name != "url":
        return unquoted(words[0].rstrip(",;"))[:VALUE_LIMIT]
    if link := LINK.search(value):
        return unwrapped(link[0])[:VALUE_LIMIT]
    word = words[0].rstrip(".,;")
    return f"https://{word}"[:VALUE_LIMIT] if _HOST.fullmatch(word) else ""
