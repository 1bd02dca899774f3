"""Which launches are believed and which are not, each with the code people are shown."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from saas.problems import Refused
from tenants.lti.wire.checks import LAUNCH_STEPS, Checklist
from tenants.lti.wire.claims import AGS_CLAIM, CLAIM
from tenants.lti.wire.launch13 import (
    DATA_PRIVACY_REQUEST,
    DEEP_LINKING_REQUEST,
    SUBMISSION_REVIEW_REQUEST,
    LaunchForm,
    check_answer,
)
from tests.protocol.lms import Platform

SETTINGS = "https://purl.imsglobal.org/spec/lti-dl/claim/deep_linking_settings"


def test_a_whole_launch_passes_every_check_of_the_wire(platform: Platform) -> None:
    checks = Checklist(LAUNCH_STEPS)
    launch = platform.launch(platform.claims(), checks=checks)
    assert [check.name for check in checks.checks] == [
        "format",
        "algorithm",
        "kid",
        "registration",
        "key",
        "signature",
        "dates",
        "expiry",
        "start",
        "age",
        "audience",
        "authorized_party",
        "nonce",
        "version",
        "message_type",
        "deployment",
        "roles",
        "subject",
        "claims",
    ]
    assert all(check.passed for check in checks.checks)
    assert (launch.issuer, launch.client_id, launch.deployment_id, launch.sub, launch.nonce) == (
        platform.registration.issuer,
        platform.registration.client_id,
        "1",
        "4711",
        platform.nonce,
    )
    assert launch.target_link_uri == "https://academy.example/lti/activities/7"
    assert launch.message_type == "LtiResourceLinkRequest"
    assert not launch.new_deployment


def test_the_checks_come_in_the_order_of_the_steps(platform: Platform) -> None:
    checks = Checklist(LAUNCH_STEPS)
    platform.launch(platform.claims(), checks=checks)
    names = [check.name for check in checks.checks]
    assert names == [name for name in LAUNCH_STEPS if name in names]


@pytest.mark.parametrize(
    ("name", "params", "seen"),
    [
        ("token and state", {"id_token": "t", "state": "s"}, None),
        ("error and state", {"error": "login_required", "state": "s"}, None),
        ("no token", {"state": "s"}, "id_token: missing"),
        ("no state", {"id_token": "t"}, "state: missing"),
        ("error without state", {"error": "x"}, "state: missing"),
        ("nothing", {}, "state: missing; id_token: missing"),
        ("long state", {"id_token": "t", "state": "s" * 2049}, "state: 2049 characters, at most 2048"),
    ],
)
def test_the_posted_form(name: str, params: dict[str, str], seen: str | None) -> None:
    checks = Checklist(LAUNCH_STEPS)
    if seen is None:
        form = LaunchForm.read(params.items(), checks)
        assert form == LaunchForm(**params), name
        assert "id_token='t'" not in repr(form)
    else:
        with pytest.raises(Refused) as caught:
            LaunchForm.read(params.items(), checks)
        assert (caught.value.code, caught.value.seen) == ("LTI13_PARAM", seen)


def test_two_tokens_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        LaunchForm.read([("id_token", "a"), ("state", "s"), ("id_token", "a")], Checklist(LAUNCH_STEPS))
    assert (caught.value.code, caught.value.seen) == ("LTI13_PARAM", "id_token: given twice")


def test_the_platforms_own_error_is_told_in_its_words() -> None:
    with pytest.raises(Refused) as caught:
        check_answer(Checklist(LAUNCH_STEPS), LaunchForm("s", error="login_required", error_description="Sign\nin <b>"))
    assert (caught.value.code, caught.value.seen) == ("LTI13_PLATFORM_ERROR", "login_required: Sign in <b>")
    checks = Checklist(LAUNCH_STEPS)
    check_answer(checks, LaunchForm("s", "t"))
    assert checks.checks[0].passed


@pytest.mark.case("T3-022")
@pytest.mark.parametrize("version", ["11.3", "1.2.0", None, "", 1.3, "1.3.0 ", ["1.3.0"]])
def test_another_version_is_refused(platform: Platform, version: object) -> None:
    refused = platform.refusal(platform.claims(version=version))
    assert (refused.code, refused.wanted) == ("LTI13_VERSION", "1.3.0")
    assert platform.refusal(platform.claims("version")).code == "LTI13_VERSION"


@pytest.mark.case("T3-024")
def test_a_token_with_hardly_anything_is_refused(platform: Platform) -> None:
    refused = platform.refusal(platform.claims("aud", "iss", "sub", "deployment_id", "roles"))
    assert (refused.code, refused.seen) == ("LTI13_REGISTRATION_MISMATCH", "issuer nothing, audience nothing")


@pytest.mark.case("T3-025")
def test_dates_of_the_seventies_are_refused(platform: Platform) -> None:
    refused = platform.refusal(platform.claims(iat=11111, exp=22222))
    assert refused.code == "LTI13_EXPIRED"
    assert refused.seen.startswith("expired 1970-01-01 06:10:22 UTC, ")
    assert refused.wanted.startswith("our clock says 2026-03-01 12:00:00 UTC")


@pytest.mark.case("T3-026")
@pytest.mark.parametrize("kind", [None, "", "LtiStartProctoring", "ltiresourcelinkrequest", ["LtiResourceLinkRequest"]])
def test_another_message_type_is_refused(platform: Platform, kind: Any) -> None:
    assert platform.refusal(platform.claims(message_type=kind)).code == "LTI13_MESSAGE_TYPE"
    assert platform.refusal(platform.claims("message_type")).code == "LTI13_MESSAGE_TYPE"


@pytest.mark.case("T3-027")
def test_missing_roles_are_refused(platform: Platform) -> None:
    assert platform.refusal(platform.claims("roles")).code == "LTI13_ROLES"


@pytest.mark.parametrize("roles", [None, "Learner", {}, 5])
def test_roles_that_are_no_list_are_refused(platform: Platform, roles: Any) -> None:
    assert platform.refusal(platform.claims(roles=roles)).code == "LTI13_ROLES"


@pytest.mark.case("T3-028")
def test_a_missing_deployment_is_refused(platform: Platform) -> None:
    refused = platform.refusal(platform.claims("deployment_id"))
    assert (refused.code, refused.seen) == ("LTI13_DEPLOYMENT", "missing")


@pytest.mark.case("T3-052")
@pytest.mark.parametrize("deployment", [1, "1" * 300])
def test_a_deployment_that_is_no_identifier_is_refused(platform: Platform, deployment: object) -> None:
    open_to_all = replace(platform.registration, accept_new_deployments=True)
    refused = platform.refusal(platform.claims(deployment_id=deployment), registration=open_to_all)
    assert refused.code == "LTI13_DEPLOYMENT"
    assert refused.seen in {"not text but the number 1", "300 characters"}


@pytest.mark.parametrize("deployment", ["", " ", "a\0", "1\n", True, None, ["1"]])
def test_other_unfit_deployments_are_refused(platform: Platform, deployment: object) -> None:
    open_to_all = replace(platform.registration, accept_new_deployments=True)
    refused = platform.refusal(platform.claims(deployment_id=deployment), registration=open_to_all)
    assert refused.code == "LTI13_DEPLOYMENT"


def test_an_unlisted_deployment_is_refused_or_new_by_policy(platform: Platform) -> None:
    refused = platform.refusal(platform.claims(deployment_id="2"))
    assert (refused.code, refused.seen, refused.wanted) == ("LTI13_DEPLOYMENT", "2", "1")
    open_to_all = replace(platform.registration, accept_new_deployments=True)
    assert platform.launch(platform.claims(deployment_id="2"), registration=open_to_all).new_deployment


def test_the_deployment_must_be_the_one_named_at_login(platform: Platform) -> None:
    both = replace(platform.registration, deployments=frozenset({"1", "2"}))
    assert platform.launch(platform.claims(), registration=both, login_deployment="1").deployment_id == "1"
    assert platform.refusal(platform.claims(), registration=both, login_deployment="2").code == "LTI13_DEPLOYMENT"


@pytest.mark.case("T3-030")
def test_a_missing_or_empty_sub_is_refused(platform: Platform) -> None:
    assert platform.refusal(platform.claims("sub")).code == "LTI13_ANONYMOUS"
    assert platform.refusal(platform.claims(sub="")).code == "LTI13_ANONYMOUS"
    assert platform.refusal(platform.claims(sub=None)).code == "LTI13_ANONYMOUS"


@pytest.mark.parametrize("sub", [5, True, ["a"], {}, "a\0b", "a\n", "\u202ea", "  ", "x" * 256])
def test_a_sub_that_is_no_identifier_is_refused(platform: Platform, sub: Any) -> None:
    refused = platform.refusal(platform.claims(sub=sub))
    assert refused.code == "LTI13_CLAIM"
    assert refused.seen.startswith("sub: ")


@pytest.mark.parametrize("sub", ["ü" * 255, "Ada", "ada", " a ", "<b>", "日本", "0"])
def test_a_sub_is_kept_exactly(platform: Platform, sub: Any) -> None:
    assert platform.launch(platform.claims(sub=sub)).sub == sub


@pytest.mark.case("T3-031")
@pytest.mark.parametrize("aud", ["another", ["another"], ["another", "third"], "academy-client ", "ACADEMY-CLIENT"])
def test_a_token_for_another_client_is_refused(platform: Platform, aud: object) -> None:
    refused = platform.refusal(platform.claims(aud=aud))
    assert (refused.code, refused.wanted) == ("LTI13_AUD", "academy-client")


@pytest.mark.parametrize(
    "aud",
    [
        None,
        "",
        [],
        [None],
        [["academy-client"]],
        {"academy-client": 1},
        5,
        ["academy-client"] * 21,
    ],
)
def test_an_audience_of_the_wrong_form_is_refused(platform: Platform, aud: object) -> None:
    assert platform.refusal(platform.claims(aud=aud)).code == "LTI13_AUD"


@pytest.mark.case("T3-032")
def test_several_audiences_with_another_azp_are_refused(platform: Platform) -> None:
    refused = platform.refusal(platform.claims(aud=["academy-client", "another"], azp="another"))
    assert (refused.code, refused.seen) == ("LTI13_AZP", "another")


@pytest.mark.case("T3-033")
def test_several_audiences_without_azp_are_refused(platform: Platform) -> None:
    refused = platform.refusal(platform.claims(aud=["academy-client", "another"]))
    assert (refused.code, refused.seen) == ("LTI13_AZP", "nothing")


@pytest.mark.case("T3-034")
@pytest.mark.parametrize("azp", ["another", "", 5, ["academy-client"]])
def test_one_audience_with_another_azp_is_refused(platform: Platform, azp: object) -> None:
    assert platform.refusal(platform.claims(azp=azp)).code == "LTI13_AZP"


@pytest.mark.case("T3-077")
@pytest.mark.parametrize(
    "how",
    [
        {"aud": ["academy-client"]},
        {"aud": ["academy-client", "another"], "azp": "academy-client"},
        {"azp": "academy-client"},
        {"azp": None},
    ],
)
def test_audiences_that_are_fine(platform: Platform, how: dict[str, Any]) -> None:
    assert platform.launch(platform.claims(**how)).sub == "4711"


def test_another_issuer_is_refused_before_any_key_is_looked_for(platform: Platform) -> None:
    checks = Checklist(LAUNCH_STEPS)
    with pytest.raises(Refused) as caught:
        platform.launch(platform.claims(iss="https://evil.example"), checks=checks)
    assert caught.value.code == "LTI13_REGISTRATION_MISMATCH"
    assert "key" not in [check.name for check in checks.checks]
    assert caught.value.wanted == "issuer https://lms.school.example, client academy-client"


@pytest.mark.parametrize(
    ("issuer", "by"),
    [
        ("https://lms.school.example/", "a slash"),
        ("https://LMS.school.example", "capital"),
    ],
)
def test_an_issuer_nearly_right_is_refused_with_the_exact_mend(platform: Platform, issuer: str, by: str) -> None:
    refused = platform.refusal(platform.claims(iss=issuer))
    assert refused.code == "LTI13_REGISTRATION_MISMATCH"
    assert f"differs only by {by}" in refused.wanted
    assert refused.wanted.endswith(f"set the issuer here to exactly {issuer}")


def test_a_token_for_a_sibling_registration_is_named_as_such(platform: Platform) -> None:
    """The same issuer with several client ids, as in the Canvas cloud."""
    registration = replace(platform.registration, sibling_clients=frozenset({"sibling"}))
    refused = platform.refusal(platform.claims(aud="sibling"), registration=registration)
    assert refused.code == "LTI13_REGISTRATION_MISMATCH"
    both = platform.claims(aud=["sibling", "academy-client"], azp="academy-client")
    assert platform.launch(both, registration=registration).sub == "4711"


@pytest.mark.case("T3-042")
def test_a_clock_slightly_ahead_is_fine_and_far_ahead_is_not(platform: Platform) -> None:
    assert platform.launch(platform.claims(iat=platform.seconds + 0.15)).sub == "4711"
    refused = platform.refusal(platform.claims(iat=platform.seconds + 120, exp=platform.seconds + 180))
    assert refused.code == "LTI13_NOT_YET_VALID"
    assert refused.seen == "from 2026-03-01 12:02:00 UTC, 120.0 s ahead"
    assert refused.wanted == "our clock says 2026-03-01 12:00:00 UTC; 60 s of difference are allowed"


@pytest.mark.case("T3-043")
def test_a_token_eleven_minutes_old_is_too_old_though_not_expired(platform: Platform) -> None:
    refused = platform.refusal(platform.claims(iat=platform.seconds - 660, exp=platform.seconds + 600))
    assert (refused.code, refused.seen) == ("LTI13_TOO_OLD", "issued 2026-03-01 11:49:00 UTC, 660 s ago")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"exp": 59.5}, None),
        ({"exp": -59.5}, None),
        ({"exp": -60}, "LTI13_EXPIRED"),
        ({"iat": 60, "exp": 60}, None),
        ({"iat": 61, "exp": 61}, "LTI13_NOT_YET_VALID"),
        ({"nbf": 60}, None),
        ({"nbf": 61}, "LTI13_NOT_YET_VALID"),
        ({"nbf": -9999}, None),
        ({"iat": -600}, None),
        ({"iat": -601}, "LTI13_TOO_OLD"),
        ({"iat": 0, "exp": 86400}, None),
        ({"iat": 0, "exp": 86401}, "LTI13_CLAIM"),
    ],
)
def test_the_limits_of_time(platform: Platform, changes: dict[str, Any], code: str | None) -> None:
    dates = {"iat": -70, "exp": 58, **changes}
    claims = platform.claims(**{name: platform.seconds + seconds for name, seconds in dates.items()})
    if code is None:
        assert platform.launch(claims).sub == "4711"
    else:
        assert platform.refusal(claims).code == code


def test_leeway_and_age_are_the_registrations(platform: Platform) -> None:
    patient = replace(platform.registration, leeway=300, max_age=3600)
    late = platform.claims(exp=platform.seconds - 299)
    late["iat"] = late["exp"] - 60
    assert platform.refusal(late).code == "LTI13_EXPIRED"
    assert platform.launch(late, registration=patient).sub == "4711"
    assert platform.refusal(platform.claims(), now=platform.now + timedelta(seconds=130)).code == "LTI13_EXPIRED"


@pytest.mark.case("T3-044")
@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("exp", -10, "exp: before iat"),
        ("exp", None, "exp: missing"),
        ("iat", None, "iat: missing"),
        ("exp", "1772366458", "exp: 1772366458, not a number"),
        ("iat", "1772366398", "iat: 1772366398, not a number"),
    ],
)
def test_dates_missing_as_text_or_the_wrong_way_round_are_refused(
    platform: Platform, name: str, value: Any, seen: str
) -> None:
    claims = platform.claims(**{name: platform.seconds + value if isinstance(value, int) else value})
    refused = platform.refusal(claims)
    assert (refused.code, refused.seen) == ("LTI13_CLAIM", seen)
    if value is None:
        assert platform.refusal(platform.claims(name)).seen == seen


@pytest.mark.parametrize("value", [True, [], {}, "", "soon", 1e300, -1e300, 10**30, -(10**18)])
@pytest.mark.parametrize("name", ["exp", "iat", "nbf"])
def test_dates_of_no_clock_are_refused_and_never_crash(platform: Platform, name: str, value: Any) -> None:
    claims = platform.claims(**{name: value})
    if name == "nbf" and value in (-1e300, -(10**18)):
        assert platform.launch(claims).sub == "4711"
    else:
        assert platform.refusal(claims).code in {"LTI13_CLAIM", "LTI13_NOT_YET_VALID", "LTI13_EXPIRED"}


def test_a_passed_launch_shows_both_clocks(platform: Platform) -> None:
    checks = Checklist(LAUNCH_STEPS)
    platform.launch(platform.claims(), checks=checks)
    dates = next(check for check in checks.checks if check.name == "dates")
    assert dates.seen == "issued 2026-03-01 11:59:58 UTC, valid for 60 s"
    assert dates.wanted == "our clock says 2026-03-01 12:00:00 UTC"


@pytest.mark.parametrize("nonce", [None, "", "another", 5, ["nonce-we-sent"], "nonce-we-sent ", "nönce"])
def test_another_nonce_is_refused_and_never_shown(platform: Platform, nonce: object) -> None:
    refused = platform.refusal(platform.claims(nonce=nonce))
    assert refused.code == "LTI13_NONCE"
    assert "nonce-we-sent" not in refused.seen + refused.wanted


def test_an_empty_nonce_of_ours_matches_nothing(platform: Platform) -> None:
    assert platform.refusal(platform.claims(nonce=""), nonce="").code == "LTI13_NONCE"


@pytest.mark.case("T3-054")
@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        5,
        "javascript:alert(1)",
        "/lti/activities/7",
        "https://",
        "https://[",
        "x" * 3000,
    ],
)
def test_a_missing_or_unusable_target_is_refused(platform: Platform, target: object) -> None:
    refused = platform.refusal(platform.claims(target_link_uri=target))
    assert refused.code == "LTI13_CLAIM"
    assert refused.seen.startswith("target_link_uri: ")
    assert platform.refusal(platform.claims("target_link_uri")).seen == "target_link_uri: missing"


@pytest.mark.parametrize(
    "link",
    [
        None,
        "17",
        [],
        {},
        {"id": None},
        {"id": ""},
        {"id": ["17"]},
        {"id": True},
        {"id": "a\0"},
    ],
)
def test_a_resource_link_without_an_id_is_refused(platform: Platform, link: object) -> None:
    refused = platform.refusal(platform.claims(resource_link=link))
    assert refused.code == "LTI13_CLAIM"
    assert refused.seen.startswith("resource_link.id: ")


def test_a_numeric_resource_link_id_is_text(platform: Platform) -> None:
    launch = platform.launch(platform.claims(resource_link={"id": 17}))
    assert launch.resource_link is not None
    assert launch.resource_link.id == "17"


GOOD_SETTINGS = {
    "deep_link_return_url": "https://lms.example/return",
    "accept_types": [],
    "accept_presentation_document_targets": [],
}
USER = {"user_id": "99"}


@pytest.mark.parametrize(
    ("kind", "changes", "seen"),
    [
        (DEEP_LINKING_REQUEST, {SETTINGS: GOOD_SETTINGS}, None),
        (DEEP_LINKING_REQUEST, {}, "deep_linking_settings.deep_link_return_url: missing"),
        (
            DEEP_LINKING_REQUEST,
            {SETTINGS: {**GOOD_SETTINGS, "deep_link_return_url": "javascript:x"}},
            "deep_linking_settings.deep_link_return_url: javascript:x",
        ),
        (
            DEEP_LINKING_REQUEST,
            {SETTINGS: {**GOOD_SETTINGS, "accept_types": "ltiResourceLink"}},
            "deep_linking_settings.accept_types: ltiResourceLink",
        ),
        (
            DEEP_LINKING_REQUEST,
            {SETTINGS: {**GOOD_SETTINGS, "accept_presentation_document_targets": None}},
            "deep_linking_settings.accept_presentation_document_targets: missing",
        ),
        (SUBMISSION_REVIEW_REQUEST, {"for_user": USER}, None),
        (SUBMISSION_REVIEW_REQUEST, {}, "for_user.user_id: missing"),
        (SUBMISSION_REVIEW_REQUEST, {"for_user": USER, AGS_CLAIM: {}}, "endpoint.lineitem: missing"),
        (DATA_PRIVACY_REQUEST, {"for_user": USER}, "context: present"),
    ],
)
def test_what_each_kind_of_message_needs(
    platform: Platform, kind: Any, changes: dict[str, Any], seen: str | None
) -> None:
    claims = platform.claims(message_type=kind, **changes)
    if seen is None:
        assert platform.launch(claims, message_types=frozenset({kind})).message_type == kind
    else:
        refused = platform.refusal(claims, message_types=frozenset({kind}))
        assert (refused.code, refused.seen) == ("LTI13_CLAIM", seen)
    assert platform.refusal(claims).code == "LTI13_MESSAGE_TYPE"


def test_a_data_privacy_launch_has_neither_course_nor_link(platform: Platform) -> None:
    claims = platform.claims("context", "resource_link", message_type=DATA_PRIVACY_REQUEST, for_user=USER)
    launch = platform.launch(claims, message_types=frozenset({DATA_PRIVACY_REQUEST}))
    assert (launch.context, launch.resource_link) == (None, None)
    assert CLAIM + "for_user" in launch.raw
