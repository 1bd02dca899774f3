"""OAuth 1.0 signatures: the vectors of the standards, oauthlib's client as the other side, and what the log learns."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849.signature import base_string_uri, normalize_parameters, signature_base_string

from tenants.lti.wire.oauth1 import (
    HMAC_SHA1,
    HMAC_SHA256,
    Signed,
    authorization_header,
    base_string,
    body_hash,
    diagnose,
    read_authorization,
    read_pairs,
    same_hash,
    sign,
    sign_form,
    verify,
)
from tests.protocol.consumer import FORM, KEY, SECONDS, SECRET, URL

PHOTOS = "https://photos.example.net/initiate"
PHOTO_PAIRS = (
    ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
    ("oauth_signature_method", "HMAC-SHA1"),
    ("oauth_timestamp", "137131200"),
    ("oauth_nonce", "wIjqoS"),
    ("oauth_callback", "http://printer.example.com/ready"),
)
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
PAIRS = (("user_id", "4711"), ("text", "a\r\nb"), ("blank", ""))


def signed(
    pairs: Sequence[tuple[str, str]] = PAIRS,
    *,
    url: str = URL,
    secret: str = SECRET,
    query: Sequence[tuple[str, str]] = (),
    method: str = HMAC_SHA1,
) -> Signed:
    """What arrives when ``pairs`` and ``query`` were signed for ``url``."""
    return Signed(tuple(pairs), sign(base_string("POST", url, [*pairs, *query]), secret, method), tuple(query), method)


def test_the_signature_of_rfc_5849_section_1_2() -> None:
    base = base_string("POST", PHOTOS, PHOTO_PAIRS)
    assert sign(base, "kd94hf93k423kf44") == "74KNZJeDHnMBp0EMJ9ZHt/XKycU="


def test_the_base_string_of_rfc_5849_section_3_4_1_1() -> None:
    query = read_pairs("b5=%3D%253D&a3=a&c%40=&a2=r%20b")
    form = read_pairs("c2&a3=2+q")
    protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    assert base_string("post", "HTTP://EXAMPLE.COM:80/request?b5=x", [*query, *form, *protocol]) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q"
        "%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djd"
        "j82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26o"
        "auth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("body", "digest"),
    [(b"Hello World!", "Lve95gjOVATpfV8EL5X4nxwjKHE="), (b"", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")],
)
def test_the_hashes_of_the_body_hash_specification(body: bytes, digest: str) -> None:
    assert body_hash(body) == digest
    assert same_hash(body, digest)
    assert not same_hash(body + b" ", digest)
    assert not same_hash(body, "ü")


@pytest.mark.parametrize("method", ["PLAINTEXT", "RSA-SHA1", "hmac-sha1", ""])
def test_t1_020_no_other_way_of_signing_exists(method: str) -> None:
    with pytest.raises(KeyError):
        sign("base", SECRET, method)


@pytest.mark.parametrize("method", [HMAC_SHA1, HMAC_SHA256])
def test_our_form_is_what_oauthlib_would_have_signed(method: str) -> None:
    url = "https://LMS.example:443/return?course=3&x=%26"
    pairs = dict(
        sign_form(
            url, [("a", "b c"), ("ü", "=&+")], key=KEY, secret=SECRET, nonce="n", timestamp=1, signature_method=method
        )
    )
    signature = pairs.pop("oauth_signature")
    client = Client(KEY, client_secret=SECRET, signature_method=method, timestamp="1", nonce="n")
    base = [*pairs.items(), ("course", "3"), ("x", "&")]
    assert signature == sign(base_string("POST", url, base), SECRET, method)
    extra = "a=b+c&%C3%BC=%3D%26%2B&oauth_callback=about%3Ablank"
    _, headers, _ = client.sign(url, "POST", body=extra, headers={"Content-Type": FORM})
    assert dict(read_authorization(headers["Authorization"]) or ())["oauth_signature"] == signature


def test_our_header_is_read_by_oauthlib_and_by_us() -> None:
    body = "<x>ü</x>".encode()
    header = authorization_header(URL + "?type=1", body, key="k,=\"'", secret=SECRET, nonce="n", timestamp=5)
    pairs = dict(read_authorization(header) or ())
    assert pairs["oauth_consumer_key"] == "k,=\"'"
    assert same_hash(body, pairs["oauth_body_hash"])
    signature = pairs.pop("oauth_signature")
    assert sign(base_string("POST", URL, [*pairs.items(), ("type", "1")]), SECRET) == signature


@pytest.mark.parametrize("header", ["", "Bearer x", "OAuth x", "oauth", "OAuth" + " a=b," * 3000])
def test_other_headers_are_none(header: str) -> None:
    assert not read_authorization(header)


def test_a_repeated_name_in_the_header_stays_repeated_and_the_realm_goes() -> None:
    pairs = read_authorization('OAuth realm="a,b", oauth_nonce="1", oauth_nonce="2",\n oauth_x=%20')
    assert pairs == (("oauth_nonce", "1"), ("oauth_nonce", "2"), ("oauth_x", " "))


def test_the_secret_in_use_is_told_apart_from_the_previous() -> None:
    current = verify(signed(), [URL], [SECRET, "old"])
    previous = verify(signed(secret="old"), [URL], [SECRET, "old"])
    assert current is not None
    assert previous is not None
    assert (current.secret, previous.secret) == (0, 1)
    assert verify(signed(secret="older"), [URL], [SECRET, "old"]) is None


@pytest.mark.parametrize("signature", ["", "x", "ü" * 28, "="])
def test_garbage_for_a_signature_matches_nothing(signature: str) -> None:
    assert verify(Signed(PAIRS, signature), [URL], [SECRET]) is None
    assert diagnose(Signed(PAIRS, signature), [URL], [SECRET]) == ""


def test_an_alias_is_as_good_as_the_address() -> None:
    match = verify(signed(url="https://old.example/lti"), [URL, "https://old.example/lti"], [SECRET])
    assert match is not None
    assert match.url == "https://old.example/lti"


def test_what_joined_the_address_after_signing_is_believed_nowhere() -> None:
    arrived = signed()
    late = Signed(arrived.pairs, arrived.signature, (("user_id", "1"),))
    assert verify(late, [URL], [SECRET]) is None
    match = verify(late, [URL], [SECRET], tolerate_query=True)
    assert match is not None
    assert match.pairs == PAIRS


def test_the_published_query_counts_though_more_joined_it() -> None:
    arrived = signed(query=[("a", "b")])
    late = Signed(arrived.pairs, arrived.signature, (("a", "b"), ("c", "d")))
    match = verify(late, [URL + "?a=b"], [SECRET], tolerate_query=True)
    assert match is not None
    assert match.pairs == (*PAIRS, ("a", "b"))


@pytest.mark.parametrize(
    ("signed_for", "hint"),
    [
        ("http://academy.example/lti/launch/7", "with http instead of https"),
        ("https://academy.example/lti/launch/7/", "with a slash at the end"),
        ("https://academy.example:8080/lti/launch/7", "with port 8080"),
        ("https://www.academy.example/lti/launch/7", "with www. in front"),
        (
            "http://academy.example:8000/lti/launch/7/",
            "with http instead of https, with port 8000, with a slash at the end",
        ),
    ],
)
def test_t1_035_the_log_learns_which_address_would_have_matched(signed_for: str, hint: str) -> None:
    assert verify(signed(url=signed_for), [URL], [SECRET]) is None
    assert diagnose(signed(url=signed_for), [URL], [SECRET, "old"]) == hint


def test_t1_038_the_log_learns_that_the_query_was_not_signed() -> None:
    arrived = signed()
    late = Signed(arrived.pairs, arrived.signature, (("placement", "1"),))
    assert diagnose(late, [URL], [SECRET]) == "without the query"


def test_the_log_learns_of_other_slips() -> None:
    assert diagnose(signed(secret=f"{SECRET} "), [URL], [SECRET]) == "with a space after the secret"
    lines = signed([("text", "a\nb")])
    assert (
        diagnose(Signed((("text", "a\r\nb"),), lines.signature), [URL], [SECRET]) == "with line breaks of one character"
    )
    query = signed(query=[("a", "b")])
    assert diagnose(Signed(PAIRS, query.signature), [URL + "?a=b"], [SECRET]) == "with the query of the launch address"
    slash = "https://academy.example/lti/"
    assert diagnose(signed(url=slash[:-1]), [slash], [SECRET]) == "without the slash at the end"


def test_a_port_of_ours_is_diagnosed_away() -> None:
    assert (
        diagnose(signed(url="https://academy.example/x"), ["https://academy.example:8443/x"], [SECRET])
        == "without the port"
    )


def test_t1_036_an_explicit_default_port_and_capitals_are_the_same_address() -> None:
    assert verify(signed(url="https://Academy.Example:443/lti/launch/7"), [URL], [SECRET])
    naive = (
        "POST&https%3A%2F%2Facademy.example%3A443%2Flti%2Flaunch%2F7&"
        + base_string("POST", URL, PAIRS).split("&", 2)[2]
    )
    assert verify(Signed(PAIRS, sign(naive, SECRET)), [URL], [SECRET])
    assert verify(signed(url="http://[::1]:80/x"), ["http://[::1]/x"], [SECRET])


def test_a_form_keeps_blanks_and_must_be_readable() -> None:
    assert read_pairs("a=&b&c=%2B+") == (("a", ""), ("b", ""), ("c", "+ "))
    for bad in ("a=%ff", "&".join(["a=1"] * 1001)):
        with pytest.raises(ValueError):
            read_pairs(bad)


def test_a_huge_form_is_refused_without_a_diagnosis() -> None:
    huge = signed([("text", "x" * 40_000)], url="http://academy.example/lti/launch/7")
    assert diagnose(huge, [URL], [SECRET]) == ""


@settings(max_examples=50)
@given(pairs=st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_the_base_string_is_oauthlibs(pairs: list[tuple[str, str]]) -> None:
    theirs = signature_base_string("POST", base_string_uri(URL), normalize_parameters(pairs))
    assert base_string("POST", URL, pairs) == theirs


@settings(max_examples=50)
@given(pairs=st.lists(st.tuples(TEXT.filter(bool), TEXT), max_size=8))
def test_t1_039_any_text_is_signed_and_verified(pairs: list[tuple[str, str]]) -> None:
    form = sign_form(URL, pairs, key=KEY, secret=SECRET, nonce="n", timestamp=SECONDS)
    assert form[: len(pairs)] == tuple(pairs)
    assert form[-1][0] == "oauth_signature"
    assert verify(Signed(form[:-1], form[-1][1]), [URL], [SECRET])
