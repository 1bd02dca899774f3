"""Addresses taken apart and put together: pure text, for every layer."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit, urlunsplit


def add_query(url: str, fields: Mapping[str, str]) -> str:
    """``url`` with more query parameters; what it has already, its fragment included, is kept as it stands."""
    scheme, host, path, query, fragment = urlsplit(url)
    more = urlencode(fields, quote_via=quote, safe="")
    return urlunsplit((scheme, host, path, f"{query}&{more}" if query else more, fragment))
