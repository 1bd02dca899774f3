"""The language a launch asks for, whatever way it is spelled (``launch_presentation_locale``, the ``locale`` claim)."""

import re
from collections.abc import Iterable

from tenants.lti.wire.text import clean

_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{4}))?(?:[-_]([A-Za-z]{2}|\d{3}))?(?:[-_][A-Za-z0-9]{1,8})*")


def language_tag(value: object) -> str:
    """BCP 47 in its usual case (``nl``, ``en-US``, ``zh-Hans-CN``); empty if it names no language.

    Taken: underscores, any case, a POSIX encoding (``nl_NL.UTF-8``), a Java or Accept-Language tail (``de;q=0.9``).
    """
    text = re.split(r"[.@;,\s]", clean(value, 100), maxsplit=1)[0]
    found = _TAG.fullmatch(text)
    if not found:
        return ""
    language, script, region = found.groups()
    parts = [language.lower(), (script or "").title(), (region or "").upper()]
    return "-".join(filter(None, parts))


def best_language(value: object, offered: Iterable[str]) -> str:
    """The one of ``offered`` that serves it: the very tag, else the same language; empty if none does."""
    tag = language_tag(value)
    tags = {language_tag(one): one for one in offered}
    language = tag.partition("-")[0]
    same = (one for offer, one in tags.items() if tag and offer.partition("-")[0] == language)
    return tags.get(tag) or tags.get(language) or next(same, "") if tag else ""
