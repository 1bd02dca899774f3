"""OAuth 1.0 signatures without a user token: LTI 1.x launches, content items and outcomes (RFC 5849 §3).

oauthlib writes the base string and the digest. What was signed is judged over the address we publish, never over what a
proxy made of it; when nothing fits, `diagnose` tells which change of the address would have.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha1, sha256
from hmac import compare_digest
from itertools import product
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit
from urllib.request import parse_http_list

from oauthlib.oauth1.rfc5849.parameters import prepare_headers
from oauthlib.oauth1.rfc5849.signature import (
    base_string_uri,
    normalize_parameters,
    sign_hmac_sha1_with_client,
    sign_hmac_sha256_with_client,
)
from oauthlib.oauth1.rfc5849.utils import escape

HMAC_SHA1 = "HMAC-SHA1"
HMAC_SHA256 = "HMAC-SHA256"
SUPPORTED = frozenset({HMAC_SHA1, HMAC_SHA256})
DEFAULT_METHODS = frozenset({HMAC_SHA1})
BODY_HASH = "oauth_body_hash"
MAX_FIELDS = 1000
MAX_HEADER = 8192
MAX_DIAGNOSED = 32 * 1024
"""Characters of parameters; a diagnosis signs them some hundred times."""

Pairs = tuple[tuple[str, str], ...]

_SIGNERS: Mapping[str, Callable[[str, "_Secret"], object]] = {
    HMAC_SHA1: sign_hmac_sha1_with_client,
    HMAC_SHA256: sign_hmac_sha256_with_client,
}
_HASHES = {HMAC_SHA1: sha1, HMAC_SHA256: sha256}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORTS_BEHIND_PROXIES = (80, 443, 3000, 5000, 6543, 8000, 8080, 8443)


class _Secret(NamedTuple):
    """The shape oauthlib wants of a client."""

    client_secret: str
    resource_owner_secret: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """A request that claims to be signed. ``pairs`` come from the form or the header, ``query`` from the address.

    Both are decoded and complete except for ``oauth_signature``, which stands apart.
    """

    pairs: Pairs
    signature: str = field(repr=False)
    query: Pairs = ()
    signature_method: str = HMAC_SHA1
    http_method: str = "POST"


@dataclass(frozen=True, slots=True)
class Match:
    """What turned out to be signed: nothing outside ``pairs`` may be believed. ``secret`` 0 is the current one."""

    url: str
    pairs: Pairs = field(repr=False)
    secret: int = 0


def read_pairs(encoded: str) -> Pairs:
    """A form or a query, decoded; blanks are kept, for they are signed. ValueError if it is not UTF-8 or endless."""
    return tuple(parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=MAX_FIELDS))


def base_string(http_method: str, url: str, pairs: Iterable[tuple[str, str]]) -> str:
    """RFC 5849 §3.4.1; ``pairs`` include those of the query, and ``url`` is taken without its own."""
    return f"{http_method.upper()}&{escape(_address(url))}&{_tail(pairs)}"


def sign(base: str, secret: str, signature_method: str = HMAC_SHA1) -> str:
    """RFC 5849 §3.4.2, in base64. KeyError for a method we do not use: never PLAINTEXT."""
    return str(_SIGNERS[signature_method](base, _Secret(secret)))


def sign_form(
    url: str,
    fields: Iterable[tuple[str, str]],
    *,
    key: str,
    secret: str,
    nonce: str,
    timestamp: int,
    signature_method: str = HMAC_SHA1,
) -> Pairs:
    """The fields of a form that a browser posts to ``url``, signed. Its query is signed but not repeated."""
    pairs = [*fields, *_protocol(key, nonce, timestamp, signature_method), ("oauth_callback", "about:blank")]
    base = base_string("POST", url, [*pairs, *read_pairs(urlsplit(url).query)])
    return (*pairs, ("oauth_signature", sign(base, secret, signature_method)))


def authorization_header(
    url: str,
    body: bytes,
    *,
    key: str,
    secret: str,
    nonce: str,
    timestamp: int,
    signature_method: str = HMAC_SHA1,
) -> str:
    """The Authorization header for a POST of ``body`` that is no form (Basic Outcomes), hash of the body included."""
    protocol = [
        *_protocol(key, nonce, timestamp, signature_method),
        (BODY_HASH, body_hash(body, signature_method)),
    ]
    base = base_string("POST", url, [*protocol, *read_pairs(urlsplit(url).query)])
    headers = prepare_headers([*protocol, ("oauth_signature", sign(base, secret, signature_method))], realm=None)
    return str(headers["Authorization"])


def read_authorization(header: str) -> Pairs | None:
    """The parameters of an OAuth header without the realm (RFC 5849 §3.5.1); None if it is no such header.

    A repeated name stays repeated: whoever judges must see both.
    """
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "oauth" or len(header) > MAX_HEADER:
        return None
    pairs = []
    for item in parse_http_list(rest):
        name, separator, value = item.partition("=")
        if not separator:
            return None
        quoted = value.strip()
        plain = quoted[1:-1] if len(quoted) > 1 and quoted[0] == quoted[-1] == '"' else quoted
        pairs.append((unquote(name.strip()), unquote(plain)))
    return tuple((name, value) for name, value in pairs if name.lower() != "realm")


def body_hash(body: bytes, signature_method: str = HMAC_SHA1) -> str:
    """OAuth Request Body Hash 1.0 §3.2: over the exact bytes, in base64."""
    return b64encode(_HASHES[signature_method](body, usedforsecurity=False).digest()).decode()


def same_hash(body: bytes, claimed: str, signature_method: str = HMAC_SHA1) -> bool:
    """Whether ``claimed`` is the hash of these bytes."""
    return compare_digest(body_hash(body, signature_method).encode(), claimed.encode())


def verify(
    signed: Signed, urls: Sequence[str], secrets: Sequence[str], *, tolerate_query: bool = False
) -> Match | None:
    """What was signed, or None. ``urls`` are the public address and its aliases, ``secrets`` current and previous.

    ``tolerate_query``: parameters that joined the address after signing, as Canvas adds them, are left out of the
    match instead of spoiling it; those the published address itself has may still be signed.
    """
    for url in urls:
        for pairs in _parameter_sets(signed, url, tolerate_query=tolerate_query):
            tail = _tail(pairs)
            for address in _spellings(_address(url)):
                base = f"{signed.http_method}&{escape(address)}&{tail}"
                for number, secret in enumerate(secrets):
                    if _matches(base, secret, signed):
                        return Match(url, pairs, number)
    return None


def spend_like_a_check(signed: Signed, url: str) -> None:
    """As much work as one verification: an unknown key must not be told from a known one by the time it takes."""
    _matches(base_string(signed.http_method, url, signed.pairs + signed.query), "no secret of anyone", signed)


def diagnose(signed: Signed, urls: Sequence[str], secrets: Sequence[str]) -> str:
    """After `verify` found nothing: the change under which the signature *would* match, in words; empty if none.

    For the log alone. It tries scheme, port, www, a slash at the end and the query, alone and together, and the
    commonest slips with parameters and secret.
    """
    slips = [("", secrets), ("with a space after the secret", [f"{secret} " for secret in secrets])]
    for url in urls:
        for params, pairs in _parameter_variants(signed, url):
            tail = _tail(pairs)
            if len(tail) > MAX_DIAGNOSED:
                return ""
            for address_words, address in _address_variants(_address(url)):
                base = f"{signed.http_method}&{escape(address)}&{tail}"
                for slip, tried in slips:
                    if any(_matches(base, secret, signed) for secret in tried):
                        return " and ".join(filter(None, (address_words, params, slip)))
    return ""


def _protocol(key: str, nonce: str, timestamp: int, signature_method: str) -> Pairs:
    return (
        ("oauth_consumer_key", key),
        ("oauth_nonce", nonce),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_signature_method", signature_method),
        ("oauth_version", "1.0"),
    )


@lru_cache(maxsize=1024)
def _address(url: str) -> str:
    """RFC 5849 §3.4.1.2: lower case, no default port, no query. Remembered: the same few are asked for every launch."""
    return str(base_string_uri(url))


def _tail(pairs: Iterable[tuple[str, str]]) -> str:
    """The escaped parameters: normalized ones are escaped once already, so that three characters are left to escape."""
    return str(normalize_parameters(pairs)).replace("%", "%25").replace("=", "%3D").replace("&", "%26")


def _matches(base: str, secret: str, signed: Signed) -> bool:
    return compare_digest(sign(base, secret, signed.signature_method).encode(), signed.signature.encode())


def _parameter_sets(signed: Signed, url: str, *, tolerate_query: bool) -> list[Pairs]:
    sets = [signed.pairs + signed.query]
    if tolerate_query and signed.query:
        published = read_pairs(urlsplit(url).query)
        sets += [signed.pairs + tuple(pair for pair in published if pair in signed.query), signed.pairs]
    return list(dict.fromkeys(sets))


def _spellings(address: str) -> tuple[str, str]:
    """With and without the port that goes without saying: some signers write it."""
    scheme, netloc, path, _, _ = urlsplit(address)
    bare = netloc.rpartition(":")[2].endswith("]") or ":" not in netloc
    explicit = f"{netloc}:{_DEFAULT_PORTS[scheme]}" if bare else netloc
    return address, urlunsplit((scheme, explicit, path, "", ""))


def _parameter_variants(signed: Signed, url: str) -> Iterator[tuple[str, Pairs]]:
    everything = signed.pairs + signed.query
    published = read_pairs(urlsplit(url).query)
    yield "", everything
    if signed.query:
        yield "without the query", signed.pairs
    missing = tuple(pair for pair in published if pair not in everything)
    if missing:
        yield "with the query of the launch address", everything + missing
    plain = tuple((name, value.replace("\r\n", "\n")) for name, value in everything)
    if plain != everything:
        yield "with line breaks of one character", plain


def _address_variants(address: str) -> Iterator[tuple[str, str]]:
    scheme, netloc, path, _, _ = urlsplit(address)
    host = netloc if netloc.endswith("]") else netloc.partition(":")[0] if "[" not in netloc else netloc
    other_scheme = "http" if scheme == "https" else "https"
    other_path = path[:-1] if path.endswith("/") else f"{path}/"
    slash = "without the slash at the end" if path.endswith("/") else "with a slash at the end"
    other_host = host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"
    hosts = (("", host), ("without www." if host.startswith("www.") else "with www. in front", other_host))
    ports = [("", netloc[len(host) :])] + [(f"with port {port}", f":{port}") for port in _PORTS_BEHIND_PROXIES]
    if netloc != host:
        ports.append(("without the port", ""))
    schemes = (("", scheme), (f"with {other_scheme} instead of {scheme}", other_scheme))
    for (s_words, s), (h_words, h), (p_words, p), (t_words, t) in product(
        schemes, hosts, ports, (("", path), (slash, other_path))
    ):
        words = ", ".join(filter(None, (s_words, h_words, p_words, t_words)))
        yield words, urlunsplit((s, h + p, t, "", ""))
