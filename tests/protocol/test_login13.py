"""The login a platform starts, and the address the browser is sent to."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire.checks import LOGIN_STEPS, Checklist
from tenants.lti.wire.login13 import LIMITS, LoginRequest, authorization_url, check_deployment
from tenants.lti.wire.registration import Registration, near_miss
from tenants.problems.lti import LTI_PROBLEMS as PROBLEMS

WHOLE = {
    "iss": "https://lms.example",
    "login_hint": "42",
    "target_link_uri": "https://academy.example/lti/activities/7",
    "lti_message_hint": "17",
    "client_id": "abc",
    "lti_deployment_id": "1",
    "lti_storage_target": "_parent",
}


def read(pairs: Any, checks: Checklist | None = None) -> LoginRequest:
    return LoginRequest.read(pairs.items() if isinstance(pairs, dict) else pairs, checks or Checklist(LOGIN_STEPS))


def address(login: LoginRequest, auth_url: str = "https://lms.example/auth") -> str:
    return authorization_url(
        auth_url,
        client_id="abc",
        redirect_uri="https://academy.example/lti/launch",
        state="the-state",
        nonce="the-nonce",
        login=login,
    )


def query(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query, keep_blank_values=True, strict_parsing=True)


def test_a_whole_login_is_read() -> None:
    checks = Checklist(LOGIN_STEPS)
    assert read(WHOLE, checks) == LoginRequest(**WHOLE)
    assert checks.checks[0].passed


def test_the_least_login_is_read() -> None:
    least = {name: WHOLE[name] for name in ("iss", "login_hint", "target_link_uri")}
    login = read({**least, "something_else": "x"})
    assert (login.client_id, login.lti_message_hint, login.lti_deployment_id) == ("", None, "")


@pytest.mark.case("T3-002")
@pytest.mark.parametrize("missing", ["iss", "login_hint", "target_link_uri"])
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_a_missing_parameter_is_named(missing: str, how: str) -> None:
    params = {**WHOLE, missing: ""} if how == "empty" else {k: v for k, v in WHOLE.items() if k != missing}
    checks = Checklist(LOGIN_STEPS)
    with pytest.raises(Refused) as caught:
        read(params, checks)
    assert (caught.value.code, caught.value.seen) == ("LTI13_LOGIN_PARAM", f"{missing}: missing")
    assert checks.failed is not None
    assert next(problem.status for problem in PROBLEMS if problem.code == caught.value.code) == 400


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(Refused) as caught:
        read([("iss", "a"), ("iss", "b"), ("login_hint", "\0")])
    assert caught.value.seen == "iss: given twice; login_hint: not readable text; target_link_uri: missing"


@pytest.mark.parametrize("name", list(LIMITS))
def test_a_parameter_given_twice_is_refused_even_if_equal(name: str) -> None:
    with pytest.raises(Refused) as caught:
        read([*WHOLE.items(), (name, WHOLE[name])])
    assert caught.value.seen == f"{name}: given twice"


@pytest.mark.parametrize("name", list(LIMITS))
def test_an_outsize_parameter_is_refused(name: str) -> None:
    assert getattr(read({**WHOLE, name: "x" * LIMITS[name]}), name) == "x" * LIMITS[name]
    with pytest.raises(Refused) as caught:
        read({**WHOLE, name: "x" * (LIMITS[name] + 1)})
    assert caught.value.seen.startswith(f"{name}: {LIMITS[name] + 1} characters")


@pytest.mark.parametrize("name", ["iss", "client_id", "lti_deployment_id", "lti_storage_target"])
def test_control_characters_in_an_identifier_are_refused(name: str) -> None:
    with pytest.raises(Refused) as caught:
        read({**WHOLE, name: "a\nb"})
    assert caught.value.seen == f"{name}: with control characters"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(pairs=st.lists(st.tuples(st.sampled_from([*LIMITS, "other"]), st.text(st.characters()))))
def test_any_parameters_are_read_or_refused(pairs: Any) -> None:
    try:
        login = read(pairs)
    except Refused as refused:
        code = refused.code
    else:
        code = ""
        assert dict(query(address(login)))["login_hint"] == login.login_hint
    assert code in {"", "LTI13_LOGIN_PARAM"}


def test_the_address_has_nine_fixed_parameters() -> None:
    least = LoginRequest(iss="i", login_hint="42", target_link_uri="t")
    assert query(address(least)) == [
        ("scope", "openid"),
        ("response_type", "id_token"),
        ("response_mode", "form_post"),
        ("prompt", "none"),
        ("client_id", "abc"),
        ("redirect_uri", "https://academy.example/lti/launch"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("login_hint", "42"),
    ]


@pytest.mark.case("T3-009")
@pytest.mark.parametrize(
    "hint", ['{"cmid":"5","a":[1, 2]}', "two  spaces +plus %20", "x" * 2048, "", "ü&=?#/\r\n", "a.b-c_d~e"]
)
def test_the_message_hint_goes_back_byte_for_byte(hint: str) -> None:
    login = read({**WHOLE, "lti_message_hint": hint})
    assert query(address(login))[9:] == [("lti_message_hint", hint)]


def test_hints_are_never_read_as_more_parameters() -> None:
    login = read({**WHOLE, "login_hint": "42&redirect_uri=https://evil.example"})
    assert [name for name, _ in query(address(login))].count("redirect_uri") == 1


@pytest.mark.parametrize(
    ("auth_url", "start"),
    [
        ("https://lms.example/auth", "https://lms.example/auth?scope=openid&"),
        ("https://lms.example/auth?tenant=a%20b&x=", "https://lms.example/auth?tenant=a%20b&x=&scope=openid&"),
        ("https://lms.example/auth?", "https://lms.example/auth?scope=openid&"),
        ("https://lms.example/auth?a=1#top", "https://lms.example/auth?a=1&scope=openid&"),
    ],
)
def test_the_query_of_the_auth_address_is_kept(auth_url: str, start: str) -> None:
    url = address(LoginRequest(**WHOLE), auth_url)
    assert url.startswith(start)
    assert "#" not in url


@pytest.mark.parametrize(
    ("named", "deployments", "accept_new", "allowed"),
    [("", set(), False, True), ("1", {"1"}, False, True), ("2", {"1"}, False, False), ("2", {"1"}, True, True)],
)
def test_a_deployment_named_at_login_must_be_allowed(
    named: str, deployments: set[str], accept_new: bool, allowed: bool
) -> None:
    registration = Registration("i", "c", frozenset(deployments), accept_new)
    checks = Checklist(LOGIN_STEPS)
    login = LoginRequest("i", "h", "t", lti_deployment_id=named)
    if allowed:
        check_deployment(checks, login, registration)
        assert checks.failed is None
    else:
        with pytest.raises(Refused, match="LTI13_DEPLOYMENT") as caught:
            check_deployment(checks, login, registration)
        assert (caught.value.seen, caught.value.wanted) == ("2", "1")


@pytest.mark.parametrize(
    ("seen", "difference"),
    [
        ("https://lms.example/", "a slash at the end"),
        ("https://LMS.example", "capital letters"),
        ("http://lms.example", "http or https"),
        (" https://lms.example", "spaces around it"),
        ("HTTP://LMS.example/ ", "more than one"),
    ],
)
def test_an_issuer_that_nearly_matches_gets_the_exact_mend(seen: str, difference: str) -> None:
    hint = near_miss(seen, ["https://other.example", "https://lms.example"])
    assert hint.startswith("https://lms.example is registered and differs only by")
    assert difference in hint
    assert hint.endswith(f"exactly {seen}")


@pytest.mark.parametrize("seen", ["https://lms.example", "https://lms.example/a", "", "https://lms.example.org"])
def test_an_issuer_that_matches_or_is_another_gets_none(seen: str) -> None:
    assert near_miss(seen, ["https://lms.example"]) == ""
