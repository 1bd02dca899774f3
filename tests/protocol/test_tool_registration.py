"""A tool's registration as it is read, our configuration document, and configurations that people paste."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.problems import Refused
from tenants.lti.wire import ags, nrps
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.dynamic_registration import (
    PLATFORM_CONFIGURATION,
    REGISTRATION_STEPS,
    TOOL_CONFIGURATION,
    read_configuration,
    read_registered,
)
from tenants.lti.wire.text import web_url
from tenants.lti.wire.tool_configuration import read_draft
from tenants.lti.wire.tool_registration import (
    Granted,
    PlatformSelf,
    configuration,
    error_answer,
    read_registration,
    registration_answer,
    scopes_beyond,
)

OURS = PlatformSelf(
    "https://academy.example", "https://academy.example/lti/authorize", "https://academy.example/lti/token",
    "https://academy.example/lti/jwks", "https://academy.example/lti/registrations", (*ags.SCOPES, nrps.SCOPE), ("User.id",),
)  # fmt: skip
TOOL: dict[str, Any] = {
    "domain": "tool.example",
    "target_link_uri": "https://tool.example/launch",
    "custom_parameters": {"level": "3", "units": 4, "strict": True},
    "claims": ["iss", "sub", "name", "email"],
    "messages": [
        {"type": "LtiResourceLinkRequest"},
        {"type": "LtiDeepLinkingRequest", "target_link_uri": "https://tool.example/pick"},
    ],
}
BODY: dict[str, Any] = {
    "application_type": "web",
    "response_types": ["id_token"],
    "grant_types": ["implicit", "client_credentials"],
    "initiate_login_uri": "https://tool.example/login",
    "redirect_uris": ["https://tool.example/launch", "https://tool.example/pick"],
    "client_name": "A tool",
    "jwks_uri": "https://tool.example/jwks",
    "logo_uri": "https://tool.example/logo.svg",
    "token_endpoint_auth_method": "private_key_jwt",
    "scope": f"{ags.SCORE_SCOPE} {nrps.SCOPE} https://other.example/scope",
    TOOL_CONFIGURATION: TOOL,
}


def fault(url: str) -> str:
    return "" if web_url(url) and url.startswith("https://") else "no https address"


def read(changed: dict[str, Any] | None = None, tool: dict[str, Any] | None = None) -> Any:
    document = {**BODY, TOOL_CONFIGURATION: {**TOOL, **(tool or {})}, **(changed or {})}
    return read_registration(orjson.dumps(document), fault)


def refused(changed: dict[str, Any] | None = None, tool: dict[str, Any] | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        read(changed, tool)
    return caught.value


def test_a_whole_registration_is_read() -> None:
    said = read()
    assert (said.name, said.login_url, said.jwks_url) == ("A tool", BODY["initiate_login_uri"], BODY["jwks_uri"])
    assert said.redirect_urls == tuple(BODY["redirect_uris"])
    assert (said.target_url, said.deep_link_url) == ("https://tool.example/launch", "https://tool.example/pick")
    assert said.custom == (("level", "3"), ("units", "4"), ("strict", "true"))
    assert (said.wants_name, said.wants_email, said.domain) == (True, True, "tool.example")
    assert scopes_beyond(said.scopes, OURS.scopes) == ["https://other.example/scope"]


@pytest.mark.parametrize(
    "name", [name for name in BODY if name not in ("application_type", "grant_types", "logo_uri", "scope")]
)
@pytest.mark.parametrize("value", [None, ""])
def test_a_needed_member_that_is_missing_is_named(name: str, value: str | None) -> None:
    found = refused({name: value})
    assert (found.code, name in found.seen) == ("LTI13_TOOL_REG_MEMBER", True)


@pytest.mark.parametrize("name", ["domain", "target_link_uri"])
def test_so_is_one_of_the_tools_own(name: str) -> None:
    found = refused(tool={name: None})
    assert (found.code, name in found.seen) == ("LTI13_TOOL_REG_MEMBER", True)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"application_type": "native"}, "MEMBER"),
        ({"response_types": ["code"]}, "RESPONSE_TYPE"),
        ({"response_types": "id_token"}, "RESPONSE_TYPE"),
        ({"token_endpoint_auth_method": "client_secret_basic"}, "AUTH_METHOD"),
        ({"token_endpoint_auth_method": ["private_key_jwt"]}, "AUTH_METHOD"),
        ({"redirect_uris": "https://tool.example/launch"}, "REDIRECT"),
        ({"redirect_uris": []}, "REDIRECT"),
        ({"redirect_uris": ["http://tool.example/launch"]}, "REDIRECT"),
        ({"redirect_uris": ["https://tool.example/launch#here"]}, "REDIRECT"),
        ({"redirect_uris": [{}]}, "REDIRECT"),
        ({"redirect_uris": [f"https://tool.example/{number}" for number in range(500)]}, "REDIRECT"),
        ({"initiate_login_uri": "http://tool.example/login"}, "MEMBER"),
        ({"initiate_login_uri": ["https://tool.example"]}, "MEMBER"),
        ({"jwks_uri": "javascript:alert(1)"}, "MEMBER"),
        ({"client_name": "\u200b"}, "MEMBER"),
        ({"client_name": 7}, "MEMBER"),
        ({TOOL_CONFIGURATION: []}, "MEMBER"),
    ],
)
def test_what_cannot_be_used_has_a_code_of_its_own(changed: dict[str, Any], code: str) -> None:
    assert refused(changed).code == f"LTI13_TOOL_REG_{code}"


@pytest.mark.parametrize(
    ("domain", "target", "is_good"),
    [
        ("tool.example", "https://tool.example/x", True),
        ("tool.example", "https://eu.tool.example/x", True),
        ("https://TOOL.example/", "https://tool.example/x", True),
        ("tool.example:8443", "https://tool.example:8443/x", True),
        ("tool.example:8443", "https://tool.example/x", False),
        ("tool.example", "https://eviltool.example/x", False),
        ("tool.example", "https://tool.example.evil.example/x", False),
        ("eu.tool.example", "https://tool.example/x", False),
        ("user@tool.example", "https://tool.example/x", False),
        ("https://[::1", "https://tool.example/x", False),
        (["tool.example"], "https://tool.example/x", False),
        (" ", "https://tool.example/x", False),
    ],
)
def test_the_target_lies_on_the_tools_domain(domain: Any, target: str, is_good: bool) -> None:
    tool = {"domain": domain, "target_link_uri": target, "messages": []}
    if is_good:
        assert read(tool=tool).target_url == target
    else:
        assert refused(tool=tool).code == "LTI13_TOOL_REG_DOMAIN"


def test_so_does_the_address_where_content_is_chosen() -> None:
    message = {"type": "LtiDeepLinkingRequest", "target_link_uri": "https://evil.example/pick"}
    assert refused(tool={"messages": [message]}).code == "LTI13_TOOL_REG_DOMAIN"
    assert read(tool={"messages": [{"type": "LtiDeepLinkingRequest"}]}).deep_link_url == TOOL["target_link_uri"]


def test_what_is_not_needed_may_be_odd() -> None:
    said = read(
        {"logo_uri": "javascript:alert(1)", "scope": 7},
        {"messages": "all", "claims": {"a": 1}, "custom_parameters": []},
    )
    assert (said.icon_url, said.scopes, said.claims, said.messages, said.custom) == ("", (), (), (), ())
    assert (said.wants_name, said.wants_email, said.deep_link_url) == (False, False, "")


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":' * 3000, b" " * 200_000])
def test_no_document(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read_registration(body, fault)
    assert caught.value.code == "LTI13_TOOL_REG_DOCUMENT"


@given(st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3), max_leaves=6), st.sampled_from([*BODY, *TOOL]))  # fmt: skip
def test_nothing_but_a_refusal_comes_of_nonsense(value: Any, name: str) -> None:
    changed, tool = ({name: value}, {}) if name in BODY else ({}, {name: value})
    code, redirects = "", ()
    try:
        redirects = read(changed, tool).redirect_urls
    except Refused as refusal:
        code = refusal.code
    assert code.startswith("LTI13_TOOL_REG_") if code else redirects


def test_our_own_reader_of_the_other_side_understands_both_documents() -> None:
    body = orjson.dumps(configuration(OURS))
    there = read_configuration(
        Checklist(REGISTRATION_STEPS), 200, body, f"{OURS.issuer}/.well-known/openid-configuration"
    )
    assert (there.issuer, there.registration_endpoint) == (OURS.issuer, OURS.registration_endpoint)
    assert there.scopes == {"openid", *OURS.scopes}
    assert set(there.messages) == {"LtiResourceLinkRequest", "LtiDeepLinkingRequest", "LtiSubmissionReviewRequest"}
    assert orjson.loads(body)[PLATFORM_CONFIGURATION]["variables"] == ["User.id"]
    granted = Granted(
        read(), "client", "deployment", (ags.SCORE_SCOPE,), "https://academy.example/lti/registrations/1", "t0k3n"
    )
    answer = registration_answer(granted)
    registered = read_registered(Checklist(REGISTRATION_STEPS), 201, orjson.dumps(answer))
    assert (registered.client_id, registered.deployment_id) == ("client", "deployment")
    assert registered.scopes == {ags.SCORE_SCOPE}, "less than asked for, visibly"
    assert "t0k3n" not in repr(granted)


def test_errors_are_in_the_words_of_the_specification() -> None:
    assert error_answer("LTI13_TOOL_REG_REDIRECT", "T", "a", "b") == {
        "error": "invalid_redirect_uri", "error_description": "T; seen: a, wanted: b", "code": "LTI13_TOOL_REG_REDIRECT",
    }  # fmt: skip
    assert error_answer("LTI13_TOOL_REG_TOKEN", "T", "", "")["error"] == "invalid_token"
    assert error_answer("LTI13_TOOL_REG_DOMAIN", "T", "", "")["error"] == "invalid_client_metadata"


CANVAS = {
    "title": "Canvas tool",
    "description": "About",
    "oidc_initiation_url": "https://tool.example/login",
    "target_link_uri": "https://tool.example/launch",
    "public_jwk_url": "https://tool.example/jwks",
    "scopes": [ags.SCORE_SCOPE, "https://canvas.instructure.com/lti/feature_flags/scope/show"],
    "custom_fields": {"course": "$Canvas.course.id"},
    "extensions": [
        {
            "platform": "canvas.instructure.com",
            "privacy_level": "email_only",
            "settings": {
                "icon_url": "https://tool.example/icon.png",
                "placements": [
                    {"placement": "course_navigation", "message_type": "LtiResourceLinkRequest"},
                    {"placement": "link_selection", "message_type": "LtiDeepLinkingRequest", "target_link_uri": "https://tool.example/pick"},
                ],
            },
        }
    ],
}  # fmt: skip


def test_a_configuration_of_canvas_fills_the_form() -> None:
    draft = read_draft(orjson.dumps(CANVAS).decode())
    assert draft is not None
    assert (draft.name, draft.login_url, draft.jwks_url) == (
        "Canvas tool",
        "https://tool.example/login",
        "https://tool.example/jwks",
    )
    assert (draft.target_url, draft.deep_link_url) == ("https://tool.example/launch", "https://tool.example/pick")
    assert draft.icon_url == "https://tool.example/icon.png"
    assert draft.custom == (("course", "$Canvas.course.id"),)
    assert (draft.send_name, draft.send_email) == (False, True)
    assert ags.SCORE_SCOPE in draft.scopes


def test_so_does_the_body_of_a_registration_and_a_key_in_it() -> None:
    draft = read_draft(orjson.dumps({**BODY, "jwks_uri": None, "jwks": {"keys": []}}).decode())
    assert draft is not None
    assert (draft.name, draft.redirect_urls) == ("A tool", tuple(BODY["redirect_uris"]))
    assert (draft.pasted_key, draft.jwks_url) == ('{"keys":[]}', "")
    assert (draft.send_name, draft.send_email, draft.deep_link_url) == (True, True, "https://tool.example/pick")


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "{}", '{"title": "x"}', '{"oidc_initiation_url": 7}', "\ud800"])
def test_anything_else_is_no_configuration(text: str) -> None:
    assert read_draft(text) is None


@given(st.text(max_size=40), st.sampled_from(sorted(CANVAS)))
def test_odd_configurations_break_nothing(text: str, name: str) -> None:
    draft = read_draft(orjson.dumps({**CANVAS, name: [text, {text: text}]}).decode())
    assert draft is None or draft.login_url
