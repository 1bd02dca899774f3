"""A platform's keys: sets as they are published, keys as they are pasted, and our own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import jws, keys
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.jwks import MAX_DOCUMENT, MAX_KEYS, KeySet, check_key
from tenants.lti.wire.jws import SigningKey
from tests.protocol.lms import Platform

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def short_key() -> RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


def jwk_of(key: Any, **changes: Any) -> dict[str, Any]:
    """The key as a JWK, written by PyJWT; a change to None leaves the member out."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
    members = {**algorithm.to_jwk(key, as_dict=True), "kid": "k1", **changes}
    return {name: value for name, value in members.items() if value is not None}


def pem_of(key: PublicKeyTypes) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def test_a_key_is_found_by_kid(signing_key: SigningKey) -> None:
    public = signing_key.private.public_key()
    found = KeySet.parse(orjson.dumps({"keys": [jwk_of(public), jwk_of(public, kid="k2")]})).find("k2", "RS256")
    assert found is not None
    assert (found.kid, found.key) == ("k2", public)


@pytest.mark.parametrize(
    ("kid", "alg"),
    [
        ("", "RS256"),
        ("k3", "RS256"),
        ("k1", "ES256"),
        ("k1", "none"),
        ("k1", "HS256"),
    ],
)
def test_what_does_not_fit_is_not_found(signing_key: SigningKey, kid: str, alg: str) -> None:
    assert KeySet.parse({"keys": [jwk_of(signing_key.private.public_key())]}).find(kid, alg) is None


@pytest.mark.case("T3-078")
@pytest.mark.parametrize("left_out", [{"alg": None}, {"use": None}, {"alg": None, "use": None, "key_ops": None}])
def test_a_jwk_without_alg_or_use_is_fine(platform: Platform, left_out: dict[str, None]) -> None:
    public = platform.key.private.public_key()
    members = {"kid": platform.key.kid, "alg": "RS256", "use": "sig", **left_out}
    assert platform.launch(platform.claims(), keys=KeySet.parse({"keys": [jwk_of(public, **members)]})).sub == "4711"


def test_a_jwk_serves_only_the_algorithm_it_names(signing_key: SigningKey) -> None:
    public = signing_key.private.public_key()
    assert KeySet.parse({"keys": [jwk_of(public, alg="RS512")]}).find("k1", "RS256") is None
    assert KeySet.parse({"keys": [jwk_of(public)]}).find("k1", "RS512") is not None


def test_an_ec_key_serves_es256(ec_key: EllipticCurvePrivateKey) -> None:
    key_set = KeySet.parse({"keys": [jwk_of(ec_key.public_key())]})
    found = key_set.find("k1", "ES256")
    assert found is not None
    assert jws.verify(jws.parse(jwt.encode({}, ec_key, "ES256")), found)


@pytest.mark.case("T3-058")
def test_an_ec_key_does_not_serve_rs256(platform: Platform, ec_key: EllipticCurvePrivateKey) -> None:
    keys_ = KeySet.parse({"keys": [jwk_of(ec_key.public_key(), kid=platform.key.kid)]})
    refused = platform.refusal(platform.claims(), keys=keys_)
    assert refused.code == "LTI13_KEY_NOT_FOUND"
    assert "does not fit RS256" in refused.seen


@pytest.mark.case("T3-040")
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_a_short_rsa_key_is_refused_and_named(platform: Platform, short_key: RSAPrivateKey) -> None:
    token = jwt.encode(platform.claims(), short_key, "RS256", headers={"kid": "k1"})
    refused = platform.refusal(token, keys=KeySet.parse({"keys": [jwk_of(short_key.public_key())]}))
    assert refused.code == "LTI13_KEY_NOT_FOUND"
    assert "1024 bits" in refused.seen


@pytest.mark.case("T3-057")
def test_an_empty_key_set_has_no_key(platform: Platform) -> None:
    assert platform.refusal(platform.claims(), keys=KeySet.parse(b'{"keys":[]}')).code == "LTI13_KEY_NOT_FOUND"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"use": "enc"}, "use is enc"),
        ({"use": 5}, "use is"),
        ({"alg": "RSA-OAEP"}, "meant for RSA-OAEP"),
        ({"alg": ["RS256"]}, "meant for"),
        ({"alg": "ES256"}, "meant for"),
        ({"kty": "oct"}, "key type oct"),
        ({"kty": None}, "key type"),
        ({"kty": ["RSA"]}, "key type"),
        ({"n": None}, "n is missing"),
        ({"n": 5}, "n is"),
        ({"n": "é"}, "n is"),
        ({"n": "A"}, "not base64url"),
        ({"n": "A" * 4096}, "n is"),
        ({"e": "AA"}, "no key"),
        ({"e": "AQAC"}, "no key"),
        ({"e": "_" * 42 + "8"}, "exponent"),
        ({"kty": "EC", "crv": "P-521"}, "key type EC"),
    ],
)
def test_a_key_of_no_use_is_passed_over_with_the_reason(
    signing_key: SigningKey, changes: dict[str, object], why: str
) -> None:
    public = signing_key.private.public_key()
    key_set = KeySet.parse({"keys": [jwk_of(public, **changes), jwk_of(public, kid="good")]})
    assert list(key_set.keys) == ["good"]
    assert why in key_set.passed_over["k1"]
    assert why in key_set.describe("k1")


@pytest.mark.parametrize("kid", [None, 7, "", "k\n", "x" * 300])
def test_a_key_without_a_usable_kid_is_passed_over(signing_key: SigningKey, kid: object) -> None:
    key_set = KeySet.parse({"keys": [jwk_of(signing_key.private.public_key(), kid=kid)]})
    assert (key_set.keys, list(key_set.passed_over.values())) == ({}, ["it has no kid"])


def test_an_ec_point_off_the_curve_is_passed_over(ec_key: EllipticCurvePrivateKey) -> None:
    members = jwk_of(ec_key.public_key())
    key_set = KeySet.parse({"keys": [{**members, "x": members["y"], "y": members["x"]}]})
    assert key_set.passed_over == {"k1": "its numbers make no key"}


def test_a_private_part_published_by_mistake_is_ignored(signing_key: SigningKey) -> None:
    members = jwt.algorithms.RSAAlgorithm.to_jwk(signing_key.private, as_dict=True)
    found = KeySet.parse({"keys": [{**members, "kid": "k1"}]}).find("k1", "RS256")
    assert found is not None
    assert isinstance(found.key, rsa.RSAPublicKey)


def test_two_signing_keys_of_one_name_are_refused_an_encryption_key_is_not(
    signing_key: SigningKey, other_key: SigningKey
) -> None:
    first, second = jwk_of(signing_key.private.public_key()), jwk_of(other_key.private.public_key())
    with pytest.raises(Refused) as caught:
        KeySet.parse({"keys": [first, second]})
    assert (caught.value.code, caught.value.seen) == ("LTI13_JWKS_UNREACHABLE", "two keys named k1")
    assert KeySet.parse({"keys": [first, {**second, "use": "enc"}]}).find("k1", "RS256") is not None


@pytest.mark.parametrize(
    ("document", "seen"),
    [
        (b"<!doctype html><p>secret</p>", "a web page"),
        (b"secret", "not JSON"),
        (b"", "not JSON"),
        (b'["secret"]', "JSON, but not an object"),
        (b"null", "JSON, but not an object"),
        (b'{"secret":1}', "JSON without a list of keys"),
        (b'{"keys":{"secret":1}}', "JSON without a list of keys"),
        (orjson.dumps({"keys": [{}] * (MAX_KEYS + 1)}), "101 keys, at most 100"),
        (b" " * (MAX_DOCUMENT + 1), "524289 bytes, at most 524288"),
    ],
)
def test_what_is_no_key_set_is_named_and_never_quoted(document: bytes, seen: str) -> None:
    with pytest.raises(Refused) as caught:
        KeySet.parse(document)
    assert (caught.value.code, caught.value.seen) == ("LTI13_JWKS_UNREACHABLE", seen)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(members=st.dictionaries(st.sampled_from(["kty", "kid", "n", "e", "alg", "use", "x", "y", "crv"]), json_values))
def test_any_jwk_is_used_or_passed_over(members: dict[str, Any]) -> None:
    key_set = KeySet.parse({"keys": [members, None, 5]})
    assert len(key_set.keys) + len(key_set.passed_over) == 1


def test_the_log_says_which_keys_there_are(signing_key: SigningKey) -> None:
    checks = Checklist(LAUNCH_STEPS)
    token = jws.parse(jws.sign({}, signing_key))
    with pytest.raises(Refused) as caught:
        check_key(checks, token, KeySet.parse({"keys": [jwk_of(signing_key.private.public_key())]}))
    assert caught.value.seen == f"{signing_key.kid}, the platform publishes: k1"
    assert signing_key.kid in caught.value.wanted


def certificate_of(key: Any) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LMS")])
    today = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, today, today + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def pastings(key: Any) -> dict[str, str]:
    public = key.public_key()
    return {
        "pem": pem_of(public),
        "pem with spaces": f"\n\n  {pem_of(public)}\n",
        "certificate": certificate_of(key),
        "jwk": orjson.dumps(jwk_of(public)).decode(),
        "jwk without kid": orjson.dumps(jwk_of(public, kid=None)).decode(),
        "set of one": orjson.dumps({"keys": [jwk_of(public, kid=None)]}).decode(),
    }


@pytest.mark.parametrize("how", ["pem", "pem with spaces", "certificate", "jwk", "jwk without kid", "set of one"])
def test_a_pasted_key_serves_any_kid_or_none(platform: Platform, how: str) -> None:
    key_set = KeySet.pasted(pastings(platform.key.private)[how])
    for kid in (None, "whatever", platform.key.kid):
        assert platform.launch(platform.sign(platform.claims(), kid=kid), keys=key_set).sub == "4711"


def test_a_pasted_key_does_not_excuse_a_wrong_signature(platform: Platform, other_key: SigningKey) -> None:
    assert platform.refusal(platform.claims(), keys=KeySet.pasted(keys.public_pem(other_key))).code == "LTI13_SIGNATURE"


def test_of_several_pasted_keys_the_kid_chooses(platform: Platform, other_key: SigningKey) -> None:
    jwks = [keys.public_jwk(key.private.public_key(), key.kid) for key in (platform.key, other_key)]
    key_set = KeySet.pasted(orjson.dumps({"keys": jwks}).decode())
    assert platform.launch(platform.claims(), keys=key_set).sub == "4711"
    assert platform.refusal(platform.sign(platform.claims(), kid=None), keys=key_set).code == "LTI13_KID"


def test_what_is_no_public_key_is_refused_with_the_reason(signing_key: SigningKey, short_key: RSAPrivateKey) -> None:
    ed = ed25519.Ed25519PrivateKey.generate().public_key()
    old = dsa.generate_private_key(key_size=2048).public_key()
    for text, seen in [
        ("", "something else"),
        ("hello", "something else"),
        ("{", "something else"),
        ("{}", "key type nothing is not"),
        ('{"keys":[]}', "a key set without keys"),
        (keys.to_pem(signing_key).decode(), "a private key"),
        (pem_of(short_key.public_key()), "1024 bits"),
        (pem_of(ed), "neither"),
        (pem_of(old), "neither"),
        ("\ud800", "some"),
        (pem_of(generate_ec_key(SECP384R1()).public_key()), "neither"),
        ("x" * (MAX_DOCUMENT + 1), "characters"),
        (pem_of(signing_key.private.public_key()).replace("MII", "MMM"), "something else"),
    ]:
        with pytest.raises(Refused) as caught:
            KeySet.pasted(text)
        assert caught.value.code == "LTI13_KEY_FORMAT"
        assert seen in caught.value.seen


def test_a_pasted_set_of_useless_keys_says_why(short_key: RSAPrivateKey) -> None:
    jwks = [jwk_of(short_key.public_key(), kid=kid) for kid in ("a", "b")]
    with pytest.raises(Refused, match="1024 bits"):
        KeySet.pasted(orjson.dumps({"keys": jwks}).decode())


def test_our_key_survives_storing(signing_key: SigningKey) -> None:
    loaded = keys.load_key(keys.to_pem(signing_key))
    assert loaded.kid == signing_key.kid
    assert loaded.private.private_numbers() == signing_key.private.private_numbers()
    assert loaded.private.key_size == keys.KEY_BITS


def test_only_an_rsa_private_key_is_loaded(ec_key: EllipticCurvePrivateKey, signing_key: SigningKey) -> None:
    pem = ec_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for wrong in (pem, keys.public_pem(signing_key).encode(), b"nothing"):
        with pytest.raises(ValueError, match=r"key|load|PEM"):
            keys.load_key(wrong)


def test_what_we_publish_verifies_what_we_sign_and_holds_no_secret(signing_key: SigningKey) -> None:
    jwk = keys.public_jwk(signing_key.private.public_key(), signing_key.kid)
    assert sorted(jwk) == ["alg", "e", "kid", "kty", "n", "use"]
    claims = jwt.decode(jws.sign({"iss": "us"}, signing_key), jwt.PyJWK(jwk), ["RS256"])
    assert claims == {"iss": "us"}


def test_the_public_pem_is_the_public_half(signing_key: SigningKey) -> None:
    loaded = serialization.load_pem_public_key(keys.public_pem(signing_key).encode())
    assert loaded == signing_key.private.public_key()


def test_the_kid_is_the_thumbprint_of_rfc_7638() -> None:
    """The example of RFC 7638 §3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = rsa.RSAPublicNumbers(65537, int.from_bytes(jws.from_base64url(n.encode()), "big")).public_key()
    assert keys.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_two_keys_have_two_names(signing_key: SigningKey, other_key: SigningKey) -> None:
    assert signing_key.kid != other_key.kid
