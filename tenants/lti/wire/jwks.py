"""A platform's public keys: a fetched key set (RFC 7517) or a key its admin pasted.

A set with a few keys we cannot use is normal (encryption keys, other algorithms): those are passed over and the reason
is kept, because "your key is too short" helps and "no such key" does not.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self

import orjson
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from saas.problems import Refused
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.jws import (
    EC_ALGORITHMS,
    RSA_ALGORITHMS,
    MalformedToken,
    Token,
    VerifyingKey,
    from_base64url,
    verify,
)
from tenants.lti.wire.text import identifier_fault, shown

MAX_DOCUMENT = 512 * 1024
MAX_KEYS = 100
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192
"""A longer key would let a platform spend our processor for us."""
MAX_EXPONENT_BITS = 33
MAX_NUMBER = 2048
"""Characters of one number of a JWK."""


class UnusableKey(ValueError):
    """One key cannot verify launches; the message says why."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """Keys by kid. ``sole`` is a single pasted key: it serves whatever kid a token names, or none."""

    keys: Mapping[str, VerifyingKey] = field(default_factory=dict)
    passed_over: Mapping[str, str] = field(default_factory=dict)
    sole: VerifyingKey | None = None

    @classmethod
    def parse(cls, document: bytes | Mapping[str, object]) -> Self:
        """A fetched key set; `Refused` LTI13_JWKS_UNREACHABLE if it is none, without quoting what came instead."""
        keys: dict[str, VerifyingKey] = {}
        passed_over: dict[str, str] = {}
        for number, jwk in enumerate(_jwks(_document(document)), 1):
            kid = jwk.get("kid")
            if not isinstance(kid, str) or identifier_fault(kid):
                passed_over[f"key number {number}"] = "it has no kid"
                continue
            try:
                key = _from_jwk(jwk, kid)
            except UnusableKey as fault:
                passed_over[kid] = str(fault)
                continue
            if kid in keys:
                raise _unreadable(f"two keys named {shown(kid)}")
            keys[kid] = key
        return cls(keys, passed_over)

    @classmethod
    def pasted(cls, text: str) -> Self:
        """A public key, certificate, JWK or key set as an admin pasted it; `Refused` LTI13_KEY_FORMAT if none."""
        text = text.strip()
        if len(text) > MAX_DOCUMENT:
            raise Refused("LTI13_KEY_FORMAT", seen=f"{len(text)} characters", wanted=_PASTED)
        try:
            if text.startswith("{"):
                return cls._pasted_json(orjson.loads(text))
            return cls(sole=_usable(_from_pem(text.encode()), ""))
        except UnusableKey as fault:
            raise Refused("LTI13_KEY_FORMAT", seen=str(fault), wanted=_PASTED) from None
        except (ValueError, UnsupportedAlgorithm, UnicodeEncodeError):
            raise Refused("LTI13_KEY_FORMAT", seen="something else", wanted=_PASTED) from None

    @classmethod
    def _pasted_json(cls, document: Mapping[str, object]) -> Self:
        jwks = list(_jwks(document)) if "keys" in document else [document]
        if len(jwks) == 1:
            return cls(sole=_from_jwk(jwks[0], ""))
        parsed = cls.parse(document)
        if not parsed.keys:
            raise UnusableKey("; ".join(parsed.passed_over.values()) or "a key set without keys")
        return parsed

    @property
    def kid_required(self) -> bool:
        return self.sole is None

    def find(self, kid: str, alg: str) -> VerifyingKey | None:
        """The key to verify a token with this header; None if there is none or it does not fit the algorithm."""
        key = self.sole or (self.keys.get(kid) if kid else None)
        return key if key and alg in key.algorithms else None

    def knows(self, kid: str) -> bool:
        """Whether the set lists this ``kid`` at all, usable or not."""
        return kid in self.keys or kid in self.passed_over

    def describe(self, kid: str) -> str:
        """For the log: why ``kid`` was not found, and which kids are there."""
        if kid in self.passed_over:
            return f"{shown(kid, 80)}: {self.passed_over[kid]}"
        there = ", ".join(shown(name, 80) for name in list(self.keys)[:5] if name) or "none"
        return f"{shown(kid, 80) or 'no kid'}, the platform publishes: {there}"


def check_key(checks: Checklist, token: Token, keys: KeySet) -> VerifyingKey:
    """Step "key". The caller has refetched the set, if it may, before it gives up here."""
    key = keys.find(token.kid, token.alg)
    if key is None:
        fits = f"; it does not fit {token.alg}" if token.kid in keys.keys or keys.sole else ""
        checks.refuse(
            "key",
            "LTI13_KEY_NOT_FOUND",
            seen=keys.describe(token.kid) + fits,
            wanted=f"a key for {token.alg} named {shown(token.kid, 80)}",
        )
    checks.note("key", token.kid or "the pasted key")
    return key


def check_signature(checks: Checklist, token: Token, key: VerifyingKey) -> None:
    """Step "signature"."""
    checks.require(
        "signature",
        verify(token, key),
        "LTI13_SIGNATURE",
        seen=f"{token.alg}, {token.kid or 'the pasted key'}",
        wanted="a signature made with that key",
    )


_PASTED = "a public key or certificate (PEM), or a JWK or key set (JSON)"


def _unreadable(seen: str) -> Refused:
    return Refused("LTI13_JWKS_UNREACHABLE", seen=seen, wanted="a JSON Web Key Set")


def _document(document: bytes | Mapping[str, object]) -> Mapping[str, object]:
    if isinstance(document, Mapping):
        return document
    if len(document) > MAX_DOCUMENT:
        raise _unreadable(f"{len(document)} bytes, at most {MAX_DOCUMENT}")
    try:
        value = orjson.loads(document)
    except orjson.JSONDecodeError:
        raise _unreadable("a web page" if document.lstrip()[:1] == b"<" else "not JSON") from None
    if not isinstance(value, dict):
        raise _unreadable("JSON, but not an object")
    return value


def _jwks(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise _unreadable("JSON without a list of keys")
    if len(keys) > MAX_KEYS:
        raise _unreadable(f"{len(keys)} keys, at most {MAX_KEYS}")
    return (jwk for jwk in keys if isinstance(jwk, dict))


def _from_jwk(jwk: Mapping[str, object], kid: str) -> VerifyingKey:
    if jwk.get("use") not in (None, "sig"):
        raise UnusableKey(f"its use is {shown(jwk['use'], 40)}, not signatures")
    return _usable(_public_key(jwk), kid, jwk.get("alg"))


def _public_key(jwk: Mapping[str, object]) -> object:
    """RFC 7518 §6.2.1 and §6.3.1; a private part, if a platform was so careless, is not looked at."""
    numbers: RSAPublicNumbers | EllipticCurvePublicNumbers
    if jwk.get("kty") == "RSA":
        numbers = RSAPublicNumbers(_number(jwk, "e"), _number(jwk, "n"))
    elif jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
        numbers = EllipticCurvePublicNumbers(_number(jwk, "x"), _number(jwk, "y"), SECP256R1())
    else:
        raise UnusableKey(f"key type {shown(jwk.get('kty'), 40)} is not used here")
    try:
        return numbers.public_key()
    except ValueError:
        raise UnusableKey("its numbers make no key") from None


def _number(jwk: Mapping[str, object], name: str) -> int:
    value = jwk.get(name)
    if not isinstance(value, str) or not value.isascii() or len(value) > MAX_NUMBER:
        raise UnusableKey(f"its {name} is missing or no number")
    try:
        return int.from_bytes(from_base64url(value.rstrip("=").encode()), "big")
    except MalformedToken:
        raise UnusableKey(f"its {name} is not base64url") from None


def _usable(key: object, kid: str, alg: object = None) -> VerifyingKey:
    if isinstance(key, RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise UnusableKey(f"an RSA key of {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are safe")
        if key.public_numbers().e.bit_length() > MAX_EXPONENT_BITS:
            raise UnusableKey("an RSA key with an outsize exponent")
        algorithms = RSA_ALGORITHMS
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        algorithms = EC_ALGORITHMS
    else:
        raise UnusableKey("neither an RSA key nor an EC key on P-256")
    if alg is None:
        return VerifyingKey(kid, key, algorithms)
    if not isinstance(alg, str) or alg not in algorithms:
        raise UnusableKey(f"it is meant for {shown(alg, 40)}")
    return VerifyingKey(kid, key, frozenset({alg}))


def _from_pem(pem: bytes) -> object:
    if b"PRIVATE KEY" in pem:
        raise UnusableKey("a private key; keep it secret and paste the public one")
    if b"BEGIN CERTIFICATE" in pem:
        return x509.load_pem_x509_certificate(pem).public_key()
    return load_pem_public_key(pem)
