"""Signed tokens in compact form, strictly (RFC 7515, RFC 8725): parsed once, verified with a key object we hold.

PyJWT's algorithm classes do the cryptography. Its decoder is not used: it walks each character in Python, three times
the cost of the signature itself. Keys are never taken from a token: ``jku``, ``x5u``, ``jwk`` and ``x5c`` are ignored.
"""

from binascii import a2b_base64, b2a_base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import orjson
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from jwt.algorithms import get_default_algorithms

from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.text import identifier_fault, shown

MAX_TOKEN = 64 * 1024
"""Characters; a launch token is 2 to 6 kB."""
MAX_DEPTH = 32
RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512"})
EC_ALGORITHMS = frozenset({"ES256"})
SUPPORTED = RSA_ALGORITHMS | EC_ALGORITHMS

_VERIFIERS = {name: algorithm for name, algorithm in get_default_algorithms().items() if name in SUPPORTED}
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URLSAFE = bytes.maketrans(b"+/", b"-_")
_LAST_CHARACTERS = {2: b"AQgw", 3: b"AEIMQUYcgkosw048"}


class MalformedToken(ValueError):
    """The text is no compact JWS we read; the message says why and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Token:
    """A parsed token; nothing in it is proven until `verify` says so.

    ``alg`` and ``kid`` are the header's, exactly as sent; empty if missing, not text or (kid) no identifier.
    """

    header: Mapping[str, object]
    claims: Mapping[str, object]
    alg: str
    kid: str
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key of a peer and the algorithms it may be used with."""

    kid: str
    key: RSAPublicKey | EllipticCurvePublicKey
    algorithms: frozenset[str]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of ours, loaded; parsing a PEM anew for each signature would cost a hundred signatures."""

    kid: str
    private: RSAPrivateKey = field(repr=False)


def base64url(data: bytes) -> bytes:
    """RFC 7515 §2: without padding."""
    return b2a_base64(data, newline=False).translate(_TO_URLSAFE).rstrip(b"=")


def from_base64url(segment: bytes) -> bytes:
    """Strict: no padding, white space, foreign character or left-over bit; otherwise `MalformedToken`."""
    rest = len(segment) % 4
    if segment.translate(None, _ALPHABET) or rest == 1 or (rest and segment[-1] not in _LAST_CHARACTERS[rest]):
        raise MalformedToken("a part is not base64url")
    return a2b_base64(segment.translate(_TO_STANDARD) + b"==")


def parse(text: str) -> Token:
    """The three parts of a compact JWS, decoded once; `MalformedToken` for anything else (RFC 7515 §5.2)."""
    if len(text) > MAX_TOKEN:
        raise MalformedToken(f"{len(text)} characters, at most {MAX_TOKEN}")
    if not text.isascii():
        raise MalformedToken("characters no token has")
    signing_input, _, signature = text.encode().rpartition(b".")
    parts = signing_input.split(b".")
    if len(parts) != 2:
        raise MalformedToken(f"{text.count('.') + 1} parts instead of 3")
    header = _object(from_base64url(parts[0]), "header")
    if "crit" in header:
        raise MalformedToken("the header demands extensions (crit), and we know none")
    alg, kid = header.get("alg"), header.get("kid")
    return Token(
        header,
        _object(from_base64url(parts[1]), "payload"),
        alg if isinstance(alg, str) else "",
        kid if isinstance(kid, str) and not identifier_fault(kid) else "",
        signing_input,
        from_base64url(signature),
    )


def read(checks: Checklist, text: str) -> Token:
    """`parse`, recorded as the step "format"."""
    try:
        token = parse(text)
    except MalformedToken as fault:
        checks.refuse("format", "LTI13_JWT_FORMAT", seen=str(fault), wanted="three base64url parts, two of them JSON")
    checks.note("format", f"{len(text)} characters")
    return token


def check_header(checks: Checklist, token: Token, algorithms: Collection[str], *, kid_required: bool = True) -> None:
    """Steps "algorithm" and "kid". Never ``none`` or a shared secret, whatever ``algorithms`` says (RFC 8725 §3.1)."""
    allowed = SUPPORTED.intersection(algorithms)
    checks.require(
        "algorithm",
        token.alg in allowed,
        "LTI13_ALG",
        seen=shown(token.header.get("alg")),
        wanted=", ".join(sorted(allowed)),
    )
    checks.require(
        "kid",
        token.kid or not kid_required,
        "LTI13_KID",
        seen=token.kid or shown(token.header.get("kid")),
        wanted="a kid in the token's header",
    )


def verify(token: Token, key: VerifyingKey) -> bool:
    """Whether ``key`` made this signature with the algorithm the header names; False if the two do not fit."""
    return token.alg in key.algorithms and _VERIFIERS[token.alg].verify(token.signing_input, key.key, token.signature)


def sign(claims: Mapping[str, object], key: SigningKey) -> str:
    """A compact JWS, RS256, naming our key."""
    header = orjson.dumps({"typ": "JWT", "alg": "RS256", "kid": key.kid})
    signing_input = base64url(header) + b"." + base64url(orjson.dumps(claims))
    signature = _VERIFIERS["RS256"].sign(signing_input, key.private)
    return (signing_input + b"." + base64url(signature)).decode()


def _object(data: bytes, part: str) -> dict[str, object]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise MalformedToken(f"the {part} is not JSON") from None
    if not isinstance(value, dict):
        raise MalformedToken(f"the {part} is not a JSON object")
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise MalformedToken(f"the {part} is nested deeper than {MAX_DEPTH}")
    return value


def _deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True
