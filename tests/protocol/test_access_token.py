"""Asking for an access token, and what we take for one."""

from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import access_token as asking
from tenants.lti.wire import jws
from tenants.lti.wire.access_token import AccessToken
from tenants.lti.wire.ags import SCOPES, SCORE_SCOPE
from tenants.lti.wire.jws import SigningKey

NOW = datetime(2026, 3, 1, 12, 0, 0, 900_000, tzinfo=UTC)
TOKEN_URL = "https://lms.example/token"
GOOD = b'{"access_token":"abc.DEF-123","token_type":"Bearer","expires_in":3600,"scope":"a b"}'


def claims(**changes: Any) -> dict[str, object]:
    return asking.assertion_claims("client-1", TOKEN_URL, **{"jti": "j1", "now": NOW, **changes})


def test_the_assertion_says_who_to_whom_and_for_how_long() -> None:
    seconds = int(NOW.timestamp())
    assert claims() == {
        "iss": "client-1",
        "sub": "client-1",
        "aud": TOKEN_URL,
        "iat": seconds - 5,
        "exp": seconds + 60,
        "jti": "j1",
    }


@pytest.mark.case("AC-014")
def test_a_configured_audience_is_used(signing_key: SigningKey) -> None:
    audience = "https://api.brightspace.com/auth/token"
    token = jws.sign(claims(audience=audience, now=datetime.now(UTC)), signing_key)
    decoded = jwt.decode(token, signing_key.private.public_key(), ["RS256"], audience=audience)
    assert decoded["aud"] == audience
    assert jwt.get_unverified_header(token)["kid"] == signing_key.kid


def test_the_form_is_that_of_client_credentials() -> None:
    assert asking.token_form("signed", SCOPES) == {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "signed",
        "scope": " ".join(SCOPES),
    }


def test_a_token_is_read_and_kept_out_of_sight() -> None:
    token = asking.read_token(200, GOOD, [SCORE_SCOPE])
    assert token == AccessToken("abc.DEF-123", 3600, frozenset({"a", "b"}))
    assert token.usable_for == 3540
    assert "abc" not in repr(token)


@pytest.mark.case("AC-012")
def test_status_201_is_accepted_and_a_web_page_is_told_in_its_words() -> None:
    assert asking.read_token(201, GOOD, []).value == "abc.DEF-123"
    for status in (200, 500):
        with pytest.raises(Refused) as caught:
            asking.read_token(status, b"<html><script>x()</script><h1>Sign in to School</h1></html>", [])
        assert caught.value.code == ("AGS_TOKEN_ANSWER" if status == 200 else "AGS_TOKEN_REFUSED")
        assert caught.value.seen == f"{status} Sign in to School"


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        ("3600", 3600),
        ('"3600"', 3600),
        ("3599.9", 3599),
        ('"soon"', 300),
        ("null", 300),
        ("[]", 300),
        ("-5", 0),
        ("0", 0),
        ("1e300", 86400),
        ('"inf"', 300),
        ('"nan"', 300),
        ("999999999", 86400),
    ],
)
def test_how_long_a_token_lives(expires_in: str, seconds: int) -> None:
    body = b'{"access_token":"t","expires_in":' + expires_in.encode() + b"}"
    token = asking.read_token(200, body, [])
    assert token.expires_in == seconds
    assert token.usable_for == max(seconds - 60, 0)


def test_a_token_without_the_rest_is_a_token() -> None:
    assert asking.read_token(200, b'{"access_token":"t"}', ["a"]) == AccessToken("t", 300, frozenset({"a"}))


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [('"b"', {"b"}), ('""', {"a"}), ("null", {"a"}), ('["b","c",5]', {"b", "c"}), ("5", {"a"}), ("{}", {"a"})],
)
def test_scopes_are_those_granted_or_as_asked(scope: str, scopes: set[str]) -> None:
    body = b'{"access_token":"t","scope":' + scope.encode() + b"}"
    assert asking.read_token(200, body, ["a"]).scopes == scopes


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"t"',
        b"{}",
        b'{"access_token":null}',
        b'{"access_token":""}',
        b'{"access_token":5}',
        b'{"access_token":"a b"}',
        b'{"access_token":"a\\nb"}',
        b'{"access_token":"\xc3\xa9"}',
        b'{"access_token":"t","token_type":"mac"}',
        b'{"access_token":"' + b"x" * 16385 + b'"}',
        b"access_token=t&expires_in=60",
        b'{"error":"invalid_client"}',
    ],
)
def test_what_is_no_token_is_refused(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        asking.read_token(200, body, [])
    assert caught.value.code == "AGS_TOKEN_ANSWER"


def test_a_refusal_tells_the_platforms_words_and_never_a_token() -> None:
    with pytest.raises(Refused) as caught:
        asking.read_token(400, b'{"error":"invalid_client","error_description":"aud is not ours"}', [])
    assert (caught.value.code, caught.value.seen) == ("AGS_TOKEN_REFUSED", "400 invalid_client: aud is not ours")
    with pytest.raises(Refused) as caught:
        asking.read_token(200, b'{"access_token":"s3cret","token_type":"mac"}', [])
    assert caught.value.seen == "200 JSON with access_token, token_type"
    with pytest.raises(Refused) as caught:
        asking.read_token(200, b"access_token=s3cret&x=1", [])
    assert "s3cret" not in caught.value.seen


@given(status=st.sampled_from([200, 201, 302, 400, 500]), body=st.binary(max_size=60))
def test_any_answer_is_a_token_or_a_refusal(status: int, body: bytes) -> None:
    try:
        outcome = asking.read_token(status, body, []).value
    except Refused as refused:
        outcome = refused.code
    assert outcome in {"AGS_TOKEN_REFUSED", "AGS_TOKEN_ANSWER"} or (status < 300 and b"access_token" in body)
