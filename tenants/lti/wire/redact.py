"""What of a message may be kept in the log: claims, parameters and answers without anything that opens a door.

Names and e-mail addresses stay: the log is the academy's own, and "which name came?" is what its admin asks.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import islice

from tenants.lti.wire.text import clean

HIDDEN = "(hidden)"
MAX_TEXT = 500
MAX_ITEMS = 100
MAX_DEPTH = 8
EXCERPT_LIMIT = 200
READ_LIMIT = 4096

_SECRET_NAMES = frozenset(
    {
        "nonce",
        "state",
        "jti",
        "code",
        "data",
        "jwt",
        "password",
        "authorization",
        "cookie",
        "login_hint",
        "oauth_nonce",
        "oauth_consumer_key_sign",
    }
)
_SECRET_PART = re.compile(r"token|secret|passw|signature|assertion|api_?key|credential|session|_sign$", re.IGNORECASE)
_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?")
_SECRET_PAIR = re.compile(r"((?:token|secret|passw\w*|assertion)[\"']?\s?[=:]\s?[\"']?)[^\s&\"']+", re.IGNORECASE)
_LONG_RUN = re.compile(r"[\w-]{40,}")
_MARKUP = re.compile(r"<(script|style|head)\b.*?</\1\s*>|<[^>]*>", re.IGNORECASE | re.DOTALL)


def redacted(claims: Mapping[str, object]) -> dict[str, object]:
    """Claims for the log: JSON still, secrets hidden, long values cut, no NUL, bounded in depth and width."""
    return _mapping(claims, MAX_DEPTH)


def redacted_params(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Parameters for the log; a repeated name keeps every value, as a list."""
    kept: dict[str, object] = {}
    for name, value in list(pairs)[:MAX_ITEMS]:
        shown, secret = _name(name)
        safe = HIDDEN if secret else _text(value)
        earlier = kept.get(shown)
        kept[shown] = safe if earlier is None else [*earlier, safe] if isinstance(earlier, list) else [earlier, safe]
    return kept


def excerpt(body: bytes | str) -> str:
    """A few words of an answer we could not use: markup, tokens and long random strings taken out, then cut."""
    text = body[:READ_LIMIT].decode(errors="replace") if isinstance(body, bytes) else body[:READ_LIMIT]
    text = _SECRET_PAIR.sub(rf"\1{HIDDEN}", _JWT.sub(HIDDEN, _MARKUP.sub(" ", text)))
    text = _LONG_RUN.sub(HIDDEN, text)
    text = clean(" ".join(text.split()), EXCERPT_LIMIT + 1)
    return text if len(text) <= EXCERPT_LIMIT else f"{text[:EXCERPT_LIMIT]}…"


def _mapping(values: Mapping[str, object], depth: int) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in islice(values.items(), MAX_ITEMS):
        shown, secret = _name(name)
        if secret:
            kept[shown] = HIDDEN
        elif isinstance(value, str):
            kept[shown] = _text(value)
        else:
            kept[shown] = _value(value, depth)
    return kept


def _value(value: object, depth: int) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _mapping(value, depth - 1) if depth > 1 else "…"
    if isinstance(value, list):
        return [_value(item, depth - 1) for item in value[:MAX_ITEMS]] if depth > 1 else "…"
    return value


def _text(value: str) -> str:
    if len(value) <= MAX_TEXT and "eyJ" not in value and value.isprintable():
        return value
    if "eyJ" in value:
        value = _JWT.sub(HIDDEN, value)
    text = clean(value, MAX_TEXT)
    return text if len(value) <= MAX_TEXT else f"{text}… ({len(value)} characters)"


@lru_cache(maxsize=1024)
def _name(name: str) -> tuple[str, bool]:
    """As it is shown, and whether its value is a secret. Remembered: a platform sends the same names every time."""
    secret = name.rpartition("/")[2].lower() in _SECRET_NAMES or _SECRET_PART.search(name) is not None
    return clean(name), secret
