"""Tokens no honest platform would send, signed by hand because a JWT library rightly refuses to make them."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from school import Refused

WAYS = ("active", "other", "none", "hs256-public")


def forge(claims: dict[str, Any], headers: dict[str, Any], kid: str, pem: str, sign_with: str) -> str:
    """A compact JWS (RFC 7515) whose header says what ``headers`` wants, whatever the signature really is.

    ``active``, ``other``: RS256 with ``pem`` (of another key than ``kid`` says). ``none``: alg none, no signature.
    ``hs256-public``: HMAC keyed with the PEM of the public key, the algorithm-confusion attack (RFC 8725 §2.1).
    A header of null is left out. Raise Refused for an unknown ``sign_with``.
    """
    algorithms = {"none": "none", "hs256-public": "HS256"}
    if sign_with not in WAYS:
        raise Refused(f"sign_with: {sign_with}; there are {', '.join(WAYS)}")
    header = {"alg": algorithms.get(sign_with, "RS256"), "typ": "JWT", "kid": kid, **headers}
    header = {name: value for name, value in header.items() if value is not None}
    signed = f"{_part(header)}.{_part(claims)}"
    return f"{signed}.{_encoded(_signature(signed.encode(), pem, sign_with))}"


def _signature(signed: bytes, pem: str, sign_with: str) -> bytes:
    if sign_with == "none":
        return b""
    private = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(type(private))
    if sign_with == "hs256-public":
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hmac.digest(public, signed, hashlib.sha256)
    return private.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def _part(content: dict[str, Any]) -> str:
    return _encoded(json.dumps(content, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
