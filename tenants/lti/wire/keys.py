"""Our own keys: made, kept, published. RSA 2048 (4096 would cost fifteen times as much for each signature)."""

from collections.abc import Mapping

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from tenants.lti.wire.jws import SigningKey, base64url, from_base64url

KEY_BITS = 2048


def generate_key() -> SigningKey:
    """A fresh key named by its thumbprint; takes a tenth of a second and more."""
    private = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return SigningKey(thumbprint(private.public_key()), private)


def to_pem(key: SigningKey) -> bytes:
    """The private key, PKCS 8, unencrypted: seal it before it is stored."""
    return key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def load_key(pem: bytes) -> SigningKey:
    """A key `to_pem` wrote; ValueError if it is none.

    The arithmetic check of the primes (27 ms) is left out: the PEM comes from our own sealed store and nowhere else.
    """
    private = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError("not an RSA private key")  # noqa: TRY004 -- the content is wrong, not the argument's type
    return SigningKey(thumbprint(private.public_key()), private)


def public_jwk(key: RSAPublicKey, kid: str) -> dict[str, str]:
    """What we publish of a key (RFC 7517 §4, RFC 7518 §6.3.1)."""
    return {**_members(key), "kid": kid, "alg": "RS256", "use": "sig"}


def public_pem(key: SigningKey) -> str:
    """The public half for a platform that wants a key pasted."""
    return _pem(key.private.public_key())


def pem_of(jwk: Mapping[str, object]) -> str:
    """The same of a key we publish, from its JWK."""
    numbers = (int.from_bytes(from_base64url(str(jwk[name]).encode()), "big") for name in ("e", "n"))
    return _pem(RSAPublicNumbers(*numbers).public_key())


def _pem(key: RSAPublicKey) -> str:
    form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_bytes(*form).decode()


def thumbprint(key: RSAPublicKey) -> str:
    """RFC 7638 §3: SHA-256 over the required members in alphabetical order, without white space."""
    members = _members(key)
    digest = Hash(SHA256())
    digest.update(f'{{"e":"{members["e"]}","kty":"RSA","n":"{members["n"]}"}}'.encode())
    return base64url(digest.finalize()).decode()


def _members(key: RSAPublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _unsigned(numbers.n), "e": _unsigned(numbers.e)}


def _unsigned(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big")).decode()
