"""Additional parameters of a link or a tool, wherever they come from: read, checked and named by one rule.

Admins write them in rows of a form or as lines ``name=value``, tools as a map of JSON. LTI 1.3 Core §5.4.6 sends them
in a claim of their own; LTI 1.1.1 §3 as form parameters ``custom_<name>``, the name in small letters with ``_`` for
whatever is neither letter nor digit. Vendors often write that prefix into their e-mails; it is ours to add, so it is
taken off.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

PREFIX = "custom_"
_ODD = re.compile(r"[^a-z0-9]")
NAME_LIMIT, VALUE_LIMIT, ROWS_LIMIT = 255, 2000, 50
#: What a tool may take for something we said ourselves.
RESERVED_PREFIXES = ("lis_", "oauth_", "lti_", "http:", "https:")
RESERVED = frozenset({"iss", "sub", "aud", "azp", "exp", "iat", "nbf", "jti", "nonce"})

Rows = tuple[tuple[str, str], ...]


def read_rows(text: str) -> Rows:
    """The rows of a text; a line without ``=`` has no value. `rows_fault` says whether they can be used."""
    rows = (line.partition("=") for line in text.splitlines() if line.strip())
    return tuple((_bare(name.strip()), value.strip()) for name, _equals, value in rows)


def read_row(name: str, value: str) -> Rows:
    """A row of a form; lines ``name=value`` that were pasted into its first field are rows of their own."""
    is_pasted = not value.strip() and ("=" in name or len(name.strip().splitlines()) > 1)
    if is_pasted:
        return read_rows(name)
    row = _bare(name.strip()), value.strip()
    return (row,) if any(row) else ()


def read_map(given: Mapping[str, object]) -> Rows:
    """A map of JSON: numbers and truth values as JSON writes them, what is null is left out (Deep Linking 2.0 §3.1).

    ValueError names what is no text.
    """
    return tuple((name, _text(name, said)) for name, said in given.items() if said is not None)


def write_rows(rows: Iterable[Iterable[str]]) -> str:
    return "\n".join(f"{name}={value}" for name, value in rows)


def wire_name(name: str) -> str:
    """The name as LTI 1.x sends it, without its prefix."""
    return _ODD.sub("_", name.lower())


def rows_fault(rows: Rows, *, folded: bool = False) -> str:
    """Why these parameters cannot be sent, in words; empty when they can.

    ``folded``: they go out with LTI 1.x, where two names may become one.
    """
    if len(rows) > ROWS_LIMIT:
        return f"At most {ROWS_LIMIT} parameters are possible"
    for name, value in rows:
        if fault := _row_fault(name, value):
            return fault
    counted = Counter(wire_name(name) if folded else name for name, _value in rows)
    twice = [name for name, count in counted.items() if count > 1]
    return f"“{twice[0]}” is there twice" if twice else ""


def _row_fault(name: str, value: str) -> str:
    if not name:
        return "In one row the name is missing"
    if len(name) > NAME_LIMIT or len(value) > VALUE_LIMIT:
        return f"“{name[:40]}” is too long"
    if not (name.isprintable() and value.isprintable()) or "=" in name:
        return f"“{_visible(name)[:40]}” has a line break or another character that cannot be sent"
    lowered = name.lower()
    if lowered in RESERVED or lowered.startswith(RESERVED_PREFIXES):
        return f"“{name[:40]}” is reserved: choose a name that does not begin with lis_, oauth_, lti_ or an address"
    return ""


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError(name)


def _bare(name: str) -> str:
    return name[len(PREFIX) :] if name.lower().startswith(PREFIX) else name


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else "�" for char in text)
