"""What the log keeps of a message: enough to help, nothing that opens a door."""

import time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenants.lti.wire import jws
from tenants.lti.wire.claims import CLAIM
from tenants.lti.wire.jws import SigningKey
from tenants.lti.wire.redact import HIDDEN, excerpt, redacted, redacted_params
from tests.protocol.lms import Platform


def test_people_and_places_are_kept(platform: Platform) -> None:
    kept = redacted(platform.claims())
    for name in ("iss", "aud", "sub", "given_name", "family_name", "email", "iat", CLAIM + "roles", CLAIM + "context"):
        assert kept[name] == platform.claims()[name]


@pytest.mark.parametrize(
    "name",
    [
        "nonce",
        "state",
        "jti",
        "id_token",
        "access_token",
        "client_secret",
        "password",
        "oauth_signature",
        "oauth_nonce",
        "client_assertion",
        "JWT",
        "Authorization",
        "data",
        CLAIM + "nonce",
        "custom_api_key",
        "apikey",
        "sessionid",
        "oauth_consumer_key_sign",
        "https://purl.imsglobal.org/spec/lti-dl/claim/data",
    ],
)
def test_secrets_are_hidden_by_name_at_any_depth(name: str) -> None:
    claims = {name: "s3cret", "a": {name: ["s3cret"], "b": [{name: {"c": "s3cret"}}]}}
    assert "s3cret" not in str(redacted(claims))
    assert redacted(claims)[name] == HIDDEN


def test_a_token_is_hidden_wherever_it_stands(signing_key: SigningKey) -> None:
    token = jws.sign({"sub": "4711"}, signing_key)
    claims = {"hint": token, "a": [f"see {token}"], "url": f"https://a.example/?x={token}&y=1"}
    kept = redacted(claims)
    assert kept == {"hint": HIDDEN, "a": [f"see {HIDDEN}"], "url": f"https://a.example/?x={HIDDEN}&y=1"}


def test_long_values_are_cut_and_their_length_told() -> None:
    kept = str(redacted({"a": "x" * 900})["a"])
    assert kept == "x" * 500 + "… (900 characters)"


def test_depth_and_width_are_bounded() -> None:
    deep: object = "x"
    for _ in range(50):
        deep = [{"a": deep}]
    kept = redacted({"deep": deep, "wide": list(range(500)), **{f"n{number}": 1 for number in range(500)}})
    assert str(kept["deep"]).count("[") == 4
    assert len(kept) == 100
    wide = kept["wide"]
    assert isinstance(wide, list)
    assert len(wide) == 100


def test_nothing_the_database_refuses_remains() -> None:
    assert redacted({"a\0": "b\0\ud800c", "d": ["\0"]}) == {"a": "bc", "d": [""]}


def test_parameters_keep_every_value_of_a_name() -> None:
    pairs = [
        ("iss", "a"),
        ("iss", "b"),
        ("iss", "c"),
        ("state", "s3cret"),
        ("id_token", "t"),
        ("login_hint", "h"),
        ("x", "1"),
    ]
    assert redacted_params(pairs) == {
        "iss": ["a", "b", "c"],
        "state": HIDDEN,
        "id_token": HIDDEN,
        "login_hint": HIDDEN,
        "x": "1",
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(claims=st.dictionaries(st.text(max_size=10), json_values))
def test_what_is_kept_is_json_without_nul(claims: dict[str, object]) -> None:
    assert b"\\u0000" not in orjson.dumps(redacted(claims))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", ""),
        (b"  User\n not   found ", "User not found"),
        ("Zu spät".encode(), "Zu spät"),
        (b"\xff\xfeab", "\ufffd\ufffdab"),
        (b"<html><head><title>x</title></head><body><h1>Sign in</h1><script>var a='s3cret'</script></body>", "Sign in"),
        (b"error: access_token=s3cret&x=1", f"error: access_token={HIDDEN}&x=1"),
        (b'{"client_secret": "s3cret"}', '{"client_secret": "' + HIDDEN + '"}'),
        (b"key " + b"a1B2" * 12, f"key {HIDDEN}"),
        (b"a b " * 200, ("a b " * 50) + "…"),
        (b"a\0b\x1b[0m", "ab[0m"),
    ],
)
def test_an_excerpt_is_short_and_stripped(body: bytes, words: str) -> None:
    assert excerpt(body) == words


@pytest.mark.parametrize("unit", ["<script ", "<", "eyJ", "a-", "token=", "eyJaaaaa.", "<style><", "-"])
def test_an_excerpt_of_anything_takes_no_time(unit: str) -> None:
    began = time.process_time()
    excerpt(unit * 1_000_000)
    redacted({"a": unit * 20_000})
    assert time.process_time() - began < 0.5
