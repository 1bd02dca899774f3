"""Dynamic registration: what calls our link, what the platform says of itself, what we say and what comes back."""

import json
from typing import Any

import pytest

from saas.problems import Refused
from tenants.lti.wire.ags import SCOPES
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.dynamic_registration import (
    PLATFORM_CONFIGURATION,
    REGISTRATION_STEPS,
    TOOL_CONFIGURATION,
    Invitation,
    Message,
    PlatformDescription,
    Registered,
    ToolDescription,
    conflict,
    read_configuration,
    read_registered,
    registration_request,
)
from tenants.lti.wire.nrps import SCOPE as NRPS_SCOPE

DOCUMENT = "https://lms.example/mod/lti/openid-configuration.php"
CONFIGURATION: dict[str, Any] = {
    "issuer": "https://lms.example",
    "authorization_endpoint": "https://lms.example/mod/lti/auth.php",
    "token_endpoint": "https://lms.example/mod/lti/token.php",
    "jwks_uri": "https://lms.example/mod/lti/certs.php",
    "registration_endpoint": "https://lms.example/mod/lti/openid-registration.php",
    "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    "id_token_signing_alg_values_supported": ["RS256"],
    "scopes_supported": ["openid", SCOPES[3], NRPS_SCOPE],
    PLATFORM_CONFIGURATION: {
        "product_family_code": "Moodle",
        "version": "4.5.6",
        "messages_supported": [
            {"type": "LtiResourceLinkRequest"},
            {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea", 5]},
            "LtiSubmissionReviewRequest",
            {"placements": []},
        ],
    },
}
TOOL = ToolDescription(
    name="Academy “One”",
    description="Courses",
    domain="academy.example",
    login_url="https://academy.example/lti/login",
    redirect_urls=("https://academy.example/lti/launch",),
    jwks_url="https://academy.example/lti/jwks",
    target_link_uri="https://academy.example/lti/launch",
    logo_url="https://academy.example/static/logo.png",
    scopes=(SCOPES[0], SCOPES[3], NRPS_SCOPE),
    messages=(
        Message("LtiResourceLinkRequest"),
        Message("LtiDeepLinkingRequest", "https://academy.example/lti/pick", "Pick", ("ContentArea", "RichTextEditor")),
        Message("LtiContextUpdate"),
    ),
)


def described(document: Any = CONFIGURATION, *, url: str = DOCUMENT, status: int = 200) -> PlatformDescription:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_configuration(Checklist(REGISTRATION_STEPS), status, body, url)


def without(*names: str, **changes: object) -> dict[str, Any]:
    return {name: value for name, value in {**CONFIGURATION, **changes}.items() if name not in names}


def refused(document: Any, **how: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        described(document, **how)
    return caught.value


def test_rt_001_a_platform_in_its_own_words() -> None:
    platform = described()
    assert (platform.issuer, platform.product_family_code, platform.version) == (
        "https://lms.example",
        "moodle",
        "4.5.6",
    )
    assert platform.authorization_endpoint.endswith("/auth.php")
    assert platform.token_endpoint.endswith("/token.php")
    assert platform.jwks_uri.endswith("/certs.php")
    assert platform.registration_endpoint.endswith("/openid-registration.php")
    assert platform.token_audience == ""
    assert dict(platform.messages) == {
        "LtiResourceLinkRequest": (),
        "LtiDeepLinkingRequest": ("ContentArea",),
        "LtiSubmissionReviewRequest": (),
    }


def test_an_audience_of_its_own_is_kept() -> None:
    assert described(without(authorization_server="https://auth.example")).token_audience == "https://auth.example"
    assert described(without(authorization_server=CONFIGURATION["token_endpoint"])).token_audience == ""


@pytest.mark.parametrize(
    ("pairs", "seen"),
    [
        ([], "openid_configuration: missing"),
        ([("openid_configuration", "")], "openid_configuration: missing"),
        ([("openid_configuration", "http://lms.example/c")], "openid_configuration: no https address"),
        ([("openid_configuration", "javascript:x")], "openid_configuration: no https address"),
        ([("openid_configuration", DOCUMENT), ("openid_configuration", DOCUMENT)], "openid_configuration: given twice"),
        ([("openid_configuration", DOCUMENT), ("registration_token", "a b")], "registration_token: no token"),
        ([("openid_configuration", DOCUMENT), ("registration_token", "ü")], "registration_token: no token"),
    ],
)
def test_rt_002_what_our_link_is_called_with(pairs: list[tuple[str, str]], seen: str) -> None:
    with pytest.raises(Refused) as caught:
        Invitation.read(pairs, Checklist(REGISTRATION_STEPS))
    assert (caught.value.code, caught.value.seen) == ("LTI13_REG_PARAM", seen)


def test_the_token_is_optional_and_never_shown() -> None:
    checks = Checklist(REGISTRATION_STEPS)
    whole = Invitation.read([("openid_configuration", DOCUMENT), ("registration_token", "s3cret")], checks)
    assert whole.registration_token == "s3cret"
    assert "s3cret" not in f"{whole!r} {checks.as_json()}"
    assert Invitation.read([("openid_configuration", DOCUMENT)], checks).registration_token == ""
    local = [("openid_configuration", "http://localhost/c")]
    assert Invitation.read(local, checks, schemes=("http", "https")).openid_configuration == "http://localhost/c"


@pytest.mark.parametrize(
    ("body", "status"), [(b"", 200), (b"<html>", 200), (b"[]", 200), (b"{}", 404), (b"null", 200), (b"{}", 500)]
)
def test_rt_002_a_description_that_is_none(body: bytes, status: int) -> None:
    assert refused(body, status=status).code == "LTI13_REG_CONFIGURATION"


@pytest.mark.parametrize(
    "issuer", [None, "", 5, "https://other.example", "https://lms.example.evil.example", "lms.example", "https://"]
)
def test_rt_002_a_platform_speaks_for_itself_alone(issuer: object) -> None:
    assert refused(without(issuer=issuer)).code == "LTI13_REG_ISSUER"
    assert described(without(issuer="https://LMS.example/path")).issuer == "https://LMS.example/path"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "registration_endpoint"])
@pytest.mark.parametrize("value", [None, "", "http://lms.example/x", "javascript:x", ["https://lms.example/x"]])
def test_rt_002_each_address_is_needed(name: str, value: object) -> None:
    refusal = refused(without(**{name: value}))
    assert refusal.code == "LTI13_REG_ENDPOINT"
    assert refusal.seen.startswith(f"{name}: ")


def test_rt_002_no_common_way_of_signing() -> None:
    refusal = refused(without(id_token_signing_alg_values_supported=["HS256", "none"]))
    assert (refusal.code, refusal.seen) == ("LTI13_REG_ALG", "HS256, none")
    assert described(without("id_token_signing_alg_values_supported")).algorithms == {"RS256"}


def test_rt_001_our_request_says_what_the_platform_can_do_and_nothing_empty() -> None:
    request = json.loads(registration_request(TOOL, described()))
    tool = request.pop(TOOL_CONFIGURATION)
    assert request == {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": TOOL.login_url,
        "redirect_uris": list(TOOL.redirect_urls),
        "client_name": TOOL.name,
        "jwks_uri": TOOL.jwks_url,
        "logo_uri": TOOL.logo_url,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": f"{SCOPES[3]} {NRPS_SCOPE}",
    }
    assert tool == {
        "domain": "academy.example",
        "description": "Courses",
        "target_link_uri": TOOL.target_link_uri,
        "claims": ["iss", "sub", "name", "given_name", "family_name", "email", "locale"],
        "messages": [
            {"type": "LtiResourceLinkRequest"},
            {
                "type": "LtiDeepLinkingRequest",
                "target_link_uri": "https://academy.example/lti/pick",
                "label": "Pick",
                "placements": ["ContentArea"],
            },
        ],
    }


def test_a_platform_that_lists_nothing_is_offered_everything() -> None:
    silent = described(without("scopes_supported", PLATFORM_CONFIGURATION))
    request = json.loads(registration_request(TOOL, silent))
    assert request["scope"].split() == list(TOOL.scopes)
    assert len(request[TOOL_CONFIGURATION]["messages"]) == 3


@pytest.mark.parametrize(
    ("document", "registered"),
    [
        ({"client_id": "c1", TOOL_CONFIGURATION: {"deployment_id": "1"}}, Registered("c1", "1")),
        ({"client_id": "c1", "deployment_id": 7}, Registered("c1", "7")),
        ({"client_id": 12, "scope": "a b"}, Registered("12", "", frozenset({"a", "b"}))),
    ],
)
def test_rt_006_what_came_of_it(document: dict[str, Any], registered: Registered) -> None:
    assert read_registered(Checklist(REGISTRATION_STEPS), 201, json.dumps(document).encode()) == registered


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error":"invalid_request","error_description":"No jwks"}', "400 invalid_request: No jwks"),
        (401, b"", "401"),
        (200, b"<html>Sign in</html>", "200 Sign in"),
        (200, b"{}", "200"),
        (500, b'{"client_id":"x"}', "500 JSON with client_id"),
    ],
)
def test_a_refused_registration_tells_why(status: int, body: bytes, said: str) -> None:
    checks = Checklist(REGISTRATION_STEPS)
    with pytest.raises(Refused) as caught:
        read_registered(checks, status, body)
    assert (caught.value.code, caught.value.seen) == ("LTI13_REG_REFUSED", said)
    assert checks.failed == checks.checks[-1]


def test_rt_005_a_second_registration_is_a_conflict() -> None:
    assert conflict("https://lms.example", "c1").code == "LTI13_REG_CONFLICT"
