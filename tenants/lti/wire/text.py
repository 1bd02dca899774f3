"""Foreign text made fit to store and to show: nothing here raises, whatever a peer sends.

PostgreSQL takes no NUL, no page wants a bidirectional override in a name, and no log wants 60 kB in one cell.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

IDENTIFIER_LIMIT = 255
"""Characters of an identifier of LTI (``sub``, deployment, resource link, context): LTI 1.3 Core §5.3, §5.4."""
URL_LIMIT = 2048
SHOWN_LIMIT = 300

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_UNPRINTED = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
_LATEST_SHOWN = 253402300799


def clean(value: object, limit: int = IDENTIFIER_LIMIT) -> str:
    """Text to show: control and direction marks out, white space folded, cut at ``limit``; not text: empty."""
    if not isinstance(value, str):
        return ""
    if not value.isprintable():
        value = " ".join(_UNPRINTED.sub("", value).split())
    return value.strip()[:limit]


def shown(value: object, limit: int = SHOWN_LIMIT) -> str:
    """What the log says was seen: any JSON value in a few words."""
    if isinstance(value, str):
        text = clean(value, limit + 1)
        return text if len(text) <= limit else f"{text[:limit]}…"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, list):
        return ", ".join(shown(item, 60) if isinstance(item, str) else "…" for item in value[:5]) or "an empty list"
    return "an object"


def identifier_fault(value: object) -> str:
    """Why ``value`` is no identifier, in words; empty if it is one.

    An identifier is kept and compared exactly as sent, so it is refused rather than mended.
    """
    if value is None or value == "":
        return "missing"
    if not isinstance(value, str):
        return f"not text but {shown(value)}"
    if len(value) > IDENTIFIER_LIMIT:
        return f"{len(value)} characters"
    if not value.isprintable() and (_CONTROL.search(value) or _UNPRINTED.search(value)):
        return "with control characters"
    return "" if value.strip() else "blank"


def identifier(value: object) -> str:
    """An optional identifier: integers are taken as text, anything that is none is dropped."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) and not identifier_fault(value) else ""


@lru_cache(maxsize=512)
def split_url(url: str) -> SplitResult | None:
    """An absolute http(s) address without credentials, taken apart; anything else is None.

    Remembered, because a platform sends the same few addresses with every launch.
    """
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if usable else None


def web_url(value: object) -> str:
    """``value`` if it is an absolute http(s) address of sane length without credentials, else empty."""
    return value if isinstance(value, str) and len(value) <= URL_LIMIT and split_url(value) else ""


def is_at(url: str, domains: Collection[str]) -> bool:
    """Whether an address is at one of these hosts, or below one."""
    parts = split_url(url)
    host = (parts.hostname or "").rstrip(".") if parts else ""
    return bool(host) and any(host == domain or host.endswith(f".{domain}") for domain in domains)


def clock(seconds: float) -> str:
    """Seconds since 1970 as people read a clock, in UTC; what no clock shows stays a number."""
    if not 0 <= seconds <= _LATEST_SHOWN:
        return f"{seconds:g} s after 1970"
    return f"{datetime.fromtimestamp(int(seconds), UTC).isoformat(' ')[:19]} UTC"
