"""The Link header of a paged list, as platforms really write it (RFC 8288 §3).

Moodle sets the relation in typographic quotes and writes ``&amp;`` in the address; others leave the quotes out. The
address keeps its case. A next page on another origin is not followed: our token would go with it.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin

from tenants.lti.wire.text import split_url, web_url

MAX_HEADER = 16 * 1024
_QUOTES = " \t\"'“”„‟″‘’‚«»"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Link:
    """One target and its relations, in lower case."""

    url: str
    relations: frozenset[str]


def parse_links(header: str) -> tuple[Link, ...]:
    """Every link of the header (several headers joined by commas), in order; what is no link is left out."""
    links = []
    for chunk in _as_unicode(header[:MAX_HEADER]).split("<")[1:]:
        target, closed, parameters = chunk.partition(">")
        if closed:
            links.append(Link(target.strip().replace("&amp;", "&"), _relations(parameters)))
    return tuple(links)


def next_page(header: str, base: str) -> str:
    """The address of the next page as seen from ``base``, the address just read; empty if this was the last.

    Empty, too, if the next page is this page again or lies on another origin.
    """
    target = next((link.url for link in parse_links(header) if "next" in link.relations), "")
    try:
        url = web_url(urljoin(base, target))
    except ValueError:
        return ""
    here, there = split_url(base), split_url(url)
    return url if here and there and _origin(here) == _origin(there) and url != base else ""


def _relations(parameters: str) -> frozenset[str]:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "rel":
            return frozenset(value.strip(" \t,").strip(_QUOTES).lower().split())
    return frozenset()


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def _as_unicode(header: str) -> str:
    """Header bytes are read as Latin-1 by many clients; typographic quotes come back whole from there."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header
