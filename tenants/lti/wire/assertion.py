"""The token request of a tool, server side: a form, an assertion signed by the tool, and the scopes it wants.

LTI 1.3 Security Framework 1.0 §4.1, RFC 7523 §3, RFC 6749 §5.2. What needs the tool's key or our memory (signature,
single use) is asked between these steps by whoever holds them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType

from saas.problems import Refused
from tenants.lti.wire import jws
from tenants.lti.wire.access_token import ASSERTION_TYPE, GRANT_TYPE
from tenants.lti.wire.text import clock, identifier, identifier_fault, shown

LEEWAY = 60
"""Seconds two clocks may differ."""
LONGEST = 3600
"""Seconds between ``iat`` and ``exp``."""
LIFETIME = 3600
"""Seconds an access token is good for."""
MAX_SCOPES = 50
_LATEST = 253402300799

#: RFC 6749 §5.2 by our code; every other code is ``invalid_client``.
ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "CALL_TOKEN_FORM": "invalid_request",
        "CALL_TOKEN_GRANT": "unsupported_grant_type",
        "CALL_TOKEN_SCOPE": "invalid_scope",
        "CALL_TOKEN_NO_SCOPE": "invalid_request",
    }
)


@dataclass(frozen=True, slots=True)
class TokenRequest:
    assertion: str = field(repr=False)
    scopes: tuple[str, ...]


def error_of(code: str) -> tuple[int, str]:
    """Status and error of RFC 6749: 401 for ``invalid_client``, 400 for the others."""
    error = ERRORS.get(code, "invalid_client")
    return (401 if error == "invalid_client" else 400), error


def read_token_request(pairs: Iterable[tuple[str, str]], *, with_secret: bool = False) -> TokenRequest:
    """The form. ``with_secret``: the request has an Authorization header, as clients with a password send it.

    `Refused` CALL_TOKEN_FORM, CALL_TOKEN_GRANT, or CALL_ASSERTION_FORMAT for a password instead of an assertion.
    """
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise Refused("CALL_TOKEN_FORM", seen=f"{shown(name, 40)}: twice", wanted="every parameter once")
        values[name] = value
    grant = values.get("grant_type", "")
    if not grant:
        raise Refused("CALL_TOKEN_FORM", seen="grant_type: missing", wanted=GRANT_TYPE)
    if grant != GRANT_TYPE:
        raise Refused("CALL_TOKEN_GRANT", seen=shown(grant, 80), wanted=GRANT_TYPE)
    assertion, kind = values.get("client_assertion", ""), values.get("client_assertion_type", "")
    if not assertion and (with_secret or "client_secret" in values):
        raise Refused("CALL_ASSERTION_FORMAT", seen="a client secret", wanted="an assertion signed with the tool's key")
    for name, value in (("client_assertion_type", kind), ("client_assertion", assertion)):
        if not value:
            raise Refused("CALL_TOKEN_FORM", seen=f"{name}: missing", wanted=name)
    if kind != ASSERTION_TYPE:
        raise Refused("CALL_TOKEN_FORM", seen=f"client_assertion_type: {shown(kind, 80)}", wanted=ASSERTION_TYPE)
    return TokenRequest(assertion, tuple(dict.fromkeys(values.get("scope", "").split()[:MAX_SCOPES])))


def read_assertion(text: str) -> jws.Token:
    """`Refused` CALL_ASSERTION_FORMAT: no JWT, or signed in a way we do not take."""
    try:
        token = jws.parse(text)
    except jws.MalformedToken as fault:
        raise Refused("CALL_ASSERTION_FORMAT", seen=str(fault), wanted="a signed JWT") from None
    if token.alg not in jws.SUPPORTED:
        wanted = ", ".join(sorted(jws.SUPPORTED))
        raise Refused("CALL_ASSERTION_FORMAT", seen=f"alg: {shown(token.header.get('alg'), 40)}", wanted=wanted)
    return token


def client_of(token: jws.Token) -> str:
    """Who says it: ``iss`` and ``sub`` are both the client id. `Refused` CALL_ASSERTION_ISSUER. Not proven yet."""
    issuer, subject = token.claims.get("iss"), token.claims.get("sub")
    if identifier_fault(issuer) or issuer != subject:
        seen = f"iss: {shown(issuer, 100)}, sub: {shown(subject, 100)}"
        raise Refused("CALL_ASSERTION_ISSUER", seen=seen, wanted="the client ID as iss and as sub")
    return str(issuer)


def check_dates(token: jws.Token, now: datetime) -> datetime:
    """Until when it could come again. `Refused` CALL_ASSERTION_DATES with both clocks."""
    seconds = now.timestamp()
    said = {name: token.claims.get(name) for name in ("exp", "iat", "nbf")}
    exp, iat, nbf = (_seconds(said[name]) for name in ("exp", "iat", "nbf"))
    odd = next((name for name in ("iat", "nbf") if said[name] is not None and _seconds(said[name]) is None), "")
    start = iat if iat is not None else seconds
    if exp is None or odd:
        name = odd or "exp"
        fault = f"{name}: {shown(said[name], 40)}"
    elif exp <= seconds - LEEWAY:
        fault = f"expired {clock(exp)}"
    elif max(start, nbf or 0) > seconds + LEEWAY:
        fault = f"valid from {clock(max(start, nbf or 0))}"
    elif exp - start > LONGEST:
        fault = f"valid for {exp - start:.0f} s"
    elif exp < start:
        fault = "exp: before iat"
    else:
        return datetime.fromtimestamp(exp + LEEWAY, UTC)
    wanted = f"our clock says {clock(seconds)}; exp ahead, iat not, {LONGEST} s between them at most"
    raise Refused("CALL_ASSERTION_DATES", seen=fault, wanted=wanted)


def check_audience(token: jws.Token, accepted: Collection[str]) -> None:
    """Text or a list; one slash at the end is forgiven. `Refused` CALL_ASSERTION_AUDIENCE."""
    said = token.claims.get("aud")
    listed = said if isinstance(said, list) else [said]
    if not any(isinstance(each, str) and each.removesuffix("/") in accepted for each in listed):
        raise Refused("CALL_ASSERTION_AUDIENCE", seen=shown(said), wanted=" or ".join(accepted))


def check_id(token: jws.Token) -> str:
    """``jti``, which may come once. `Refused` CALL_ASSERTION_ID."""
    said = token.claims.get("jti")
    value = identifier(said)
    if not value:
        raise Refused("CALL_ASSERTION_ID", seen=f"jti: {identifier_fault(said)}", wanted="a jti of its own each time")
    return value


def grant(asked: Iterable[str], granted: Collection[str]) -> list[str]:
    """Of the scopes asked for, those the tool has. `Refused` CALL_TOKEN_NO_SCOPE, CALL_TOKEN_SCOPE."""
    asked = tuple(asked)
    if not asked:
        raise Refused("CALL_TOKEN_NO_SCOPE", seen="scope: missing", wanted="the scopes the token is for")
    both = [scope for scope in asked if scope in granted]
    if not both:
        raise Refused("CALL_TOKEN_SCOPE", seen=shown(" ".join(asked)), wanted=" ".join(sorted(granted)) or "none")
    return both


def _seconds(value: object) -> float | None:
    """A NumericDate of our age."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST - LEEWAY:
        return None
    return float(value)
