"""Compact JWS, strictly: what is no token is refused before any key is touched."""

import base64
import hashlib
import hmac
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import jws
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.jws import MalformedToken, SigningKey, VerifyingKey
from tests.protocol.lms import Platform


def part(value: object) -> str:
    return jws.base64url(value if isinstance(value, bytes) else orjson.dumps(value)).decode()


def verifying(key: SigningKey, *algorithms: str) -> VerifyingKey:
    return VerifyingKey(key.kid, key.private.public_key(), frozenset(algorithms or ["RS256"]))


def test_what_pyjwt_signs_we_read_and_verify(signing_key: SigningKey) -> None:
    token = jwt.encode({"sub": "ü", "n": 1.5}, signing_key.private, "RS256", headers={"kid": "k1"})
    read = jws.parse(token)
    assert (read.alg, read.kid, read.claims) == ("RS256", "k1", {"sub": "ü", "n": 1.5})
    assert jws.verify(read, verifying(signing_key))


def test_what_we_sign_pyjwt_verifies(signing_key: SigningKey) -> None:
    token = jws.sign({"iss": "us", "aud": "them"}, signing_key)
    claims = jwt.decode(token, signing_key.private.public_key(), ["RS256"], audience="them")
    assert claims == {"iss": "us", "aud": "them"}
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "RS256", "kid": signing_key.kid}


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
def test_each_rsa_algorithm_verifies(signing_key: SigningKey, algorithm: str) -> None:
    read = jws.parse(jwt.encode({}, signing_key.private, algorithm))
    assert jws.verify(read, verifying(signing_key, algorithm))


def test_es256_verifies(ec_key: EllipticCurvePrivateKey) -> None:
    read = jws.parse(jwt.encode({}, ec_key, "ES256"))
    key = VerifyingKey("", ec_key.public_key(), frozenset({"ES256"}))
    assert jws.verify(read, key)
    assert not jws.verify(jws.parse(jwt.encode({"a": 1}, ec_key, "ES256")[:-3] + "AAA"), key)


def test_a_key_is_used_only_with_its_algorithms(signing_key: SigningKey, ec_key: EllipticCurvePrivateKey) -> None:
    read = jws.parse(jwt.encode({}, signing_key.private, "RS512"))
    assert not jws.verify(read, verifying(signing_key, "RS256"))
    assert not jws.verify(read, VerifyingKey("", ec_key.public_key(), frozenset({"ES256"})))


def test_another_key_or_changed_claims_do_not_verify(signing_key: SigningKey, other_key: SigningKey) -> None:
    token = jws.sign({"sub": "1"}, signing_key)
    assert not jws.verify(jws.parse(token), verifying(other_key))
    header, _, signature = token.split(".")
    assert not jws.verify(jws.parse(f"{header}.{part({'sub': '2'})}.{signature}"), verifying(signing_key))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(signature=st.binary(max_size=600))
def test_random_bytes_are_no_signature(signing_key: SigningKey, signature: bytes) -> None:
    header, payload, _ = jws.sign({"sub": "1"}, signing_key).split(".")
    assert not jws.verify(jws.parse(f"{header}.{payload}.{part(signature)}"), verifying(signing_key))


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "a.b",
        "a.b.c.d",
        "e30.e30",
        " e30.e30.",
        "e30.e30. ",
        "e30.e30.\n",
        "e3 0.e30.",
        "e30=.e30.",
        "e30.e30=.",
        "e30.e30.AA==",
        "e3+.e30.",
        "e30.e3/.",
        "é30.e30.",
        "e30.e30.A",
        "e30.e30.AB",
        "e31.e30.",
        "W10.e30.",
        "e30.W10.",
        "e30.bnVsbA.",
        "e30.MQ.",
        "e30.e30e.",
        "e30.e3s.",
    ],
)
def test_what_is_no_compact_jws_is_refused(text: str) -> None:
    with pytest.raises(MalformedToken):
        jws.parse(text)


def test_an_empty_object_in_each_part_is_the_least_that_parses() -> None:
    read = jws.parse("e30.e30.")
    assert (read.header, read.claims, read.signature, read.alg, read.kid) == ({}, {}, b"", "", "")


def test_left_over_bits_are_refused() -> None:
    """AA and AB decode to the same byte; only one of them is its encoding (RFC 4648 §3.5)."""
    assert jws.from_base64url(b"AA") == b"\0"
    for segment in (b"AB", b"AAB", b"AP"):
        with pytest.raises(MalformedToken):
            jws.from_base64url(segment)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=200))
def test_base64url_is_that_of_the_standard_library(data: bytes) -> None:
    encoded = jws.base64url(data)
    assert encoded == base64.urlsafe_b64encode(data).rstrip(b"=")
    assert jws.from_base64url(encoded) == data


def test_a_token_beyond_the_limit_is_refused() -> None:
    with pytest.raises(MalformedToken, match="at most"):
        jws.parse("e30.e30." + "A" * jws.MAX_TOKEN)


def test_deep_nesting_is_refused_and_broad_is_not() -> None:
    deep: object = 1
    for _ in range(40):
        deep = {"a": deep}
    with pytest.raises(MalformedToken, match="deeper"):
        jws.parse(f"e30.{part(deep)}.")
    assert jws.parse(f"e30.{part({'a': [[1], {}] * 40})}.").claims["a"]


def test_nesting_no_parser_takes_is_refused() -> None:
    with pytest.raises(MalformedToken):
        jws.parse("e30." + part(b'{"a":' + b"[" * 20_000 + b"]" * 20_000 + b"}") + ".")


def test_critical_extensions_are_refused() -> None:
    with pytest.raises(MalformedToken, match="crit"):
        jws.parse(f"{part({'alg': 'RS256', 'crit': ['exp']})}.e30.")


def test_a_malformed_token_says_nothing_of_its_content() -> None:
    checks = Checklist(LAUNCH_STEPS)
    with pytest.raises(Refused) as caught:
        jws.read(checks, "secret.secret.secret.secret")
    assert caught.value.code == "LTI13_JWT_FORMAT"
    assert "secret" not in str(caught.value)
    assert checks.failed is not None


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"alg": None},
        {"alg": "none"},
        {"alg": "None"},
        {"alg": "HS256"},
        {"alg": "rs256"},
        {"alg": ["RS256"]},
        {"alg": "RS256 "},
        {"alg": "PS256"},
        {"alg": "RS512"},
    ],
)
def test_only_allowed_algorithms_pass(header: dict[str, object]) -> None:
    token = jws.parse(f"{part({**header, 'kid': 'k'})}.e30.")
    with pytest.raises(Refused) as caught:
        jws.check_header(Checklist(LAUNCH_STEPS), token, {"RS256"})
    assert (caught.value.code, caught.value.wanted) == ("LTI13_ALG", "RS256")


@pytest.mark.parametrize("allowed", ["none", "HS256", "PS256"])
def test_what_we_do_not_support_cannot_be_allowed(allowed: str) -> None:
    token = jws.parse(f"{part({'alg': allowed, 'kid': 'k'})}.e30.")
    with pytest.raises(Refused) as caught:
        jws.check_header(Checklist(LAUNCH_STEPS), token, {allowed, "RS256"})
    assert caught.value.code == "LTI13_ALG"


@pytest.mark.parametrize("kid", [None, "", 5, ["k"], "k\0", "x" * 256, "  "])
def test_a_kid_is_wanted_unless_a_key_was_pasted(kid: object) -> None:
    token = jws.parse(f"{part({'alg': 'RS256', 'kid': kid})}.e30.")
    with pytest.raises(Refused) as caught:
        jws.check_header(Checklist(LAUNCH_STEPS), token, {"RS256"})
    assert caught.value.code == "LTI13_KID"
    checks = Checklist(LAUNCH_STEPS)
    jws.check_header(checks, token, {"RS256"}, kid_required=False)
    assert [check.passed for check in checks.checks] == [True, True]


@pytest.mark.case("T3-036")
def test_alg_none_is_refused(platform: Platform) -> None:
    token = jwt.encode(platform.claims(), "", "none", headers={"kid": platform.key.kid})
    assert platform.refusal(token).code == "LTI13_ALG"
    assert platform.refusal(f"{token}{part(b'x')}").code == "LTI13_ALG"


@pytest.mark.case("T3-037")
def test_hs256_with_our_view_of_the_public_key_is_refused(platform: Platform) -> None:
    pem = platform.key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signing_input = f"{part({'alg': 'HS256', 'kid': platform.key.kid})}.{part(platform.claims())}"
    forged = part(hmac.new(pem, signing_input.encode(), hashlib.sha256).digest())
    assert platform.refusal(f"{signing_input}.{forged}").code == "LTI13_ALG"


@pytest.mark.case("T3-038")
def test_the_right_kid_with_another_key_is_refused(platform: Platform, other_key: SigningKey) -> None:
    refused = platform.refusal(platform.sign(platform.claims(), key=other_key.private))
    assert refused.code == "LTI13_SIGNATURE"


@pytest.mark.case("T3-039")
@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_a_key_in_the_header_is_not_used(platform: Platform, other_key: SigningKey, name: str) -> None:
    numbers = jwt.algorithms.RSAAlgorithm.to_jwk(other_key.private.public_key(), as_dict=True)
    at = "https://evil.example/key"
    offered: dict[str, Any] = {"jku": at, "x5u": at, "jwk": numbers, "x5c": ["MIIB"]}
    for kid in (platform.key.kid, "evil"):
        refused = platform.refusal(
            platform.sign(platform.claims(), key=other_key.private, kid=kid, **{name: offered[name]})
        )
        assert refused.code in {"LTI13_SIGNATURE", "LTI13_KEY_NOT_FOUND"}


@pytest.mark.case("T3-020")
def test_no_kid_is_refused(platform: Platform) -> None:
    assert platform.refusal(platform.sign(platform.claims(), kid=None)).code == "LTI13_KID"


def test_secrets_stay_out_of_representations(signing_key: SigningKey) -> None:
    token = jws.sign({"sub": "1"}, signing_key)
    read = jws.parse(token)
    assert token.rpartition(".")[2] not in repr(read)
    assert "signing_input" not in repr(read)
    assert "private" not in repr(signing_key)
