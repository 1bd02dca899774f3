"""Real keys, made once: RSA for everyone, one on a curve for those who allow it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key

from tenants.lti.wire.jws import SigningKey
from tenants.lti.wire.keys import generate_key
from tests.protocol.lms import Platform


@pytest.fixture(scope="session")
def signing_key() -> SigningKey:
    return generate_key()


@pytest.fixture(scope="session")
def other_key() -> SigningKey:
    return generate_key()


@pytest.fixture(scope="session")
def ec_key() -> EllipticCurvePrivateKey:
    return generate_ec_key(SECP256R1())


@pytest.fixture(scope="session")
def platform(signing_key: SigningKey) -> Platform:
    return Platform(signing_key)
