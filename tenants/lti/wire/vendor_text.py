"""Pasted mail as plain lines: without tags, entities, marks of quoting, bullets and invisible characters."""

import quopri
import re
import unicodedata
from html import unescape
from urllib.parse import parse_qs, urlsplit

LINE_LIMIT = 4000
QUOTES = "\"'`“”„‘’«»"
LINK = re.compile(r"https?://[^\s<>\"'“”]+", re.IGNORECASE)
_INSIDE = re.compile(rf"\s*[{QUOTES}]([^{QUOTES}]+)[{QUOTES}](?!\w)")
_WRAPPER = "safelinks.protection.outlook.com"
_QUOTING = re.compile(r"^[ \t]*(?:[>|][ \t]?)+")
_BULLET = re.compile(r"^(?:[-•*·–—] ?|\d{1,2}[.)] )")
#: An equals sign that quoted-printable would have written as ``=3D``: secrets in base64 end with one.
_BARE_EQUALS = re.compile(r"=(?![0-9A-F]{2}|\r?\n|\Z)")
_ANGLED = re.compile(r"<(https?://[^<>\s]+)>", re.IGNORECASE)
#: Nothing is tried twice: no part gives back what it took, and the address is looked for in what was found.
_ANCHOR = re.compile(r"<a\b(?P<within>[^<>]{0,6000}+)>(?P<text>[^<>]{0,2000}+)</a>", re.IGNORECASE)
_HREF = re.compile(r"href=[\"']?(https?://[^\"'<>\s]+)", re.IGNORECASE)
#: More digits than any character has; Python refuses to make a number of thousands of them.
_NO_CHARACTER = re.compile(r"&#(?:\d{8,}+|x[0-9a-f]{8,}+);?", re.IGNORECASE)
_HIDDEN = re.compile(r"<(?:style|script)\b[^<]*</(?:style|script)>", re.IGNORECASE)
_CELL = re.compile(r"</t[dh]>\s{0,200}<t[dh]\b[^<>]{0,500}>", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/tr|/li|/div|/h\d)\b[^<>]{0,500}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,2000}>", re.IGNORECASE)


def plain_lines(text: str) -> list[str]:
    """One space, or one tab, between words; lines without anything stay as empty ones."""
    if "=3D" in text and not _BARE_EQUALS.search(text):
        text = quopri.decodestring(text.encode()).decode(errors="replace")
    text = _ANCHOR.sub(_address_of, _ANGLED.sub(r" \1 ", text))
    text = _BREAK.sub("\n", _CELL.sub("\t", _HIDDEN.sub(" ", text)))
    return [_plain(line) for line in unescape(_NO_CHARACTER.sub("", _TAG.sub("", text))).splitlines()]


def unquoted(value: str) -> str:
    """Without quotation marks and Markdown's emphasis around it; what stands behind a closing mark is cut off."""
    if inside := _INSIDE.match(value):
        return inside[1]
    return value.strip(f"{QUOTES} \t").removeprefix("**").removesuffix("**").strip(f"{QUOTES} \t")


def unwrapped(url: str) -> str:
    """The address itself: without what belongs to the sentence, and out of Outlook's wrapper."""
    url = url.rstrip(".,;)*|]")
    try:
        parts = urlsplit(url)
        wrapped = parse_qs(parts.query).get("url") if (parts.hostname or "").endswith(_WRAPPER) else None
    except ValueError:
        return url
    return wrapped[0] if wrapped else url


def _address_of(anchor: re.Match[str]) -> str:
    """A link's own text where that is an address, else where it leads; what leads nowhere stays."""
    if "://" in anchor["text"]:
        return anchor["text"]
    address = _HREF.search(anchor["within"])
    return f"{address[1]} " if address else anchor[0]


def _plain(line: str) -> str:
    kept = "".join(char for char in line[:LINE_LIMIT] if char == "\t" or unicodedata.category(char)[0] != "C")
    kept = re.sub(r"[^\S\t]+", " ", _QUOTING.sub("", kept))
    return _BULLET.sub("", re.sub(r" ?\t[ \t]*", "\t", kept).strip())
