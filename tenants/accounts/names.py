"""How names and e-mail addresses are cleaned and compared.

Normalisation of an address: Unicode NFKC, spaces and invisible characters removed, whole address case-folded. Plus
addresses (``ada+x@``) and dots are left alone: they are different mailboxes for some providers.
"""

import re
import unicodedata
from collections.abc import Iterator

from saas.problems import Refused

NAME_LENGTH = 200
EMAIL_LENGTH = 254
_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@[^@\s\"(),:;<>\[\\\]_]+(\.[^@\s\"(),:;<>\[\\\]_]+)*")
#: What LMSs send when they have no address.
_NOTHING = frozenset({"", "null", "none", "undefined", "n/a"})
#: Alphabets with letters that look like each other's (Unicode TR 39).
_ALPHABETS = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC"})


def visible(text: str) -> str:
    """Without control and format characters (zero-width, bidi), spaces collapsed."""
    if text.isprintable():
        return " ".join(text.split())
    kept = "".join(
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join(kept.split())


def clean_name(text: str | None) -> str:
    return visible(text or "")[:NAME_LENGTH]


def email_key(text: str | None) -> str | None:
    """What is compared and unique; None when there is no usable address."""
    if text is None:
        return None
    key = unicodedata.normalize("NFKC", visible(text)).replace(" ", "").casefold()
    if key in _NOTHING or len(key) > EMAIL_LENGTH or not _EMAIL.fullmatch(key):
        return None
    return key


def same_address(one: str | None, other: str | None) -> bool:
    """Whether both are one mailbox for certain. `email_key` is broader, so that no two people have look-alikes: beyond
    ASCII two spellings of one key (ß and ss, ａ and a) may be two mailboxes.
    """
    first, second = (visible(each or "").replace(" ", "") for each in (one, other))
    is_plain = first.isascii() and second.isascii()
    return first == second or (is_plain and email_key(first) == email_key(second))


def mixes_alphabets(text: str | None) -> bool:
    """Whether letters of alphabets that look alike stand side by side, as in a name made to be taken for another."""
    return text is not None and not text.isascii() and len(set(_alphabets(text))) > 1


def _alphabets(text: str) -> Iterator[str]:
    names = (unicodedata.name(char, "").partition(" ")[0] for char in text if char.isalpha())
    return (name for name in names if name in _ALPHABETS)


def required_email(text: str | None) -> tuple[str, str]:
    """``(as written, key)``; raises `Refused` when it is no address."""
    key = email_key(text)
    if key is None:
        raise Refused("PERSON_EMAIL", seen=(text or "")[:100])
    return visible(text or "").replace(" ", ""), key
