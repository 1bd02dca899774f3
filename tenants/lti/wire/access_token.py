"""The access token for a platform's services: how we ask for it and what we take for one.

LTI 1.3 Security Framework 1.0 §4.1 (client credentials with a signed assertion, RFC 7523), RFC 6749 §5.1 and §5.2.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import orjson

from saas.problems import Refused
from tenants.lti.wire.answers import spoken

GRANT_TYPE = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_BACKDATE = 5
"""Seconds: a platform whose clock is a little behind must not find the assertion to be from the future."""
ASSERTION_LIFETIME = 60
DEFAULT_LIFETIME = 300
"""Seconds a token is used when the platform does not say how long it lives."""
LONGEST_LIFETIME = 24 * 3600
RENEW_BEFORE = 60
MAX_TOKEN = 16 * 1024


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token; ``expires_in`` in seconds from the answer on."""

    value: str = field(repr=False)
    expires_in: int
    scopes: frozenset[str]

    @property
    def usable_for(self) -> int:
        """Seconds it may be reused: until a minute before it expires."""
        return max(self.expires_in - RENEW_BEFORE, 0)


def assertion_claims(
    client_id: str, token_url: str, *, jti: str, now: datetime, audience: str = ""
) -> dict[str, object]:
    """What we sign to prove who we are; ``audience`` overrides the token address where a platform wants another."""
    seconds = int(now.timestamp())
    return {
        "iss": client_id,
        "sub": client_id,
        "aud": audience or token_url,
        "iat": seconds - ASSERTION_BACKDATE,
        "exp": seconds + ASSERTION_LIFETIME,
        "jti": jti,
    }


def token_form(assertion: str, scopes: Iterable[str]) -> dict[str, str]:
    """The form to post, as fields."""
    return {
        "grant_type": GRANT_TYPE,
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": " ".join(scopes),
    }


def read_token(status: int, body: bytes, asked: Collection[str]) -> AccessToken:
    """The token in an answer; `Refused` AGS_TOKEN_REFUSED with the platform's words, AGS_TOKEN_ANSWER if it is none.

    Tolerated: status 201, ``expires_in`` as text or missing, scopes not echoed (then they are as asked, RFC 6749 §5.1).
    """
    if not 200 <= status <= 299:
        raise Refused("AGS_TOKEN_REFUSED", seen=f"{status} {spoken(body)}".strip(), wanted="an access token")
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    members = answer if isinstance(answer, dict) else {}
    value = members.get("access_token")
    bearer = str(members.get("token_type", "bearer")).lower() == "bearer"
    if not bearer or not isinstance(value, str) or not _fits_header(value):
        raise Refused("AGS_TOKEN_ANSWER", seen=f"{status} {spoken(body)}".strip(), wanted="a bearer token as JSON")
    return AccessToken(value, _lifetime(members.get("expires_in")), _scopes(members.get("scope"), asked))


def _fits_header(value: str) -> bool:
    """Whether it can stand in an Authorization header as it is (RFC 6750 §2.1)."""
    return 0 < len(value) <= MAX_TOKEN and value.isascii() and value.isprintable() and " " not in value


def _lifetime(value: object) -> int:
    try:
        seconds = int(float(value)) if isinstance(value, int | float | str) else DEFAULT_LIFETIME
    except (ValueError, OverflowError):
        seconds = DEFAULT_LIFETIME
    return min(max(seconds, 0), LONGEST_LIFETIME)


def _scopes(value: object, asked: Collection[str]) -> frozenset[str]:
    listed = value.split() if isinstance(value, str) else value if isinstance(value, list) else []
    granted = frozenset(scope for scope in listed if isinstance(scope, str))
    return granted or frozenset(asked)
