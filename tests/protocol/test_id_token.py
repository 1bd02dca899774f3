"""The message as tools read it: text only, nothing empty; what is not granted is not there."""

from dataclasses import replace

import pytest

from tenants.lti.wire.ags import RESULT_SCOPE, SCORE_SCOPE
from tenants.lti.wire.authorize import AUTHORIZE_STEPS, ERRORS, AuthenticationRequest, error_fields
from tenants.lti.wire.checks import Checklist
from tenants.lti.wire.claims import AGS_CLAIM, CLAIM, NRPS_CLAIM, read_context, read_person
from tenants.lti.wire.consumer12 import custom_fields, parameters, signed
from tenants.lti.wire.id_token import LIFETIME, Addressee, answered, message
from tenants.lti.wire.login_initiation import LoginInitiation
from tenants.lti.wire.nrps import SCOPE as ROSTER
from tenants.lti.wire.occasion import Occasion
from tenants.lti.wire.shares import Share, shares_of
from tests.protocol.test_substitution import EVERYTHING, OCCASION

TOOL = Addressee("https://a.example", "client", "1", "https://t.example/x", (SCORE_SCOPE, RESULT_SCOPE, ROSTER))
BARE = Occasion(sub="s", course_id="c", course_title="", link_id="l", link_title="")


@pytest.mark.case("P3-017", "P3-019")
def test_our_own_reader_understands_it() -> None:
    claims = message(OCCASION, TOOL, EVERYTHING)
    person, context = read_person(claims), read_context(claims)
    assert (person.given_name, person.family_name, person.email) == ("Ada", "Lovelace", "ada@example.org")
    assert context is not None
    assert context.types == ("http://purl.imsglobal.org/vocab/lis/v2/course#CourseSection",)
    assert claims[AGS_CLAIM] == {
        "scope": [SCORE_SCOPE, RESULT_SCOPE],
        "lineitems": OCCASION.line_items,
        "lineitem": OCCASION.line_item,
    }
    assert claims[NRPS_CLAIM] == {"context_memberships_url": OCCASION.memberships, "service_versions": ["2.0"]}


@pytest.mark.case("P3-019", "P3-020")
def test_what_is_not_known_is_not_there() -> None:
    claims = message(BARE, replace(TOOL, scopes=()), shares_of(send_name=False, send_email=False))
    assert set(claims) == {
        "iss", "aud", "azp", "sub", *(CLAIM + name for name in (
            "version", "message_type", "deployment_id", "target_link_uri", "roles", "resource_link", "context",
            "tool_platform", "lis",
        )),
    }  # fmt: skip
    assert claims[CLAIM + "resource_link"] == {"id": "l"}
    context = claims[CLAIM + "context"]
    assert isinstance(context, dict)
    assert set(context) == {"id", "type"}


@pytest.mark.parametrize("share", [Share.NAME, Share.EMAIL])
def test_the_switches_keep_claims_back(share: Share) -> None:
    told = message(OCCASION, TOOL, [each for each in Share if each is not share])
    kept_back = {"name", "given_name", "family_name"} if share is Share.NAME else {"email"}
    assert not kept_back & set(told)
    assert {"name", "given_name", "family_name", "email"} - kept_back <= set(told)


def test_an_answer_is_minted_for_one_nonce() -> None:
    claims = answered(message(BARE, TOOL, ()), nonce="n", token_id="j", at=1000)
    assert (claims["nonce"], claims["jti"], claims["iat"], claims["exp"]) == ("n", "j", 1000, 1000 + LIFETIME)


def test_staff_are_instructors_and_nobody_an_administrator() -> None:
    for is_staff, role in ((True, "Instructor"), (False, "Learner")):
        occasion = replace(OCCASION, is_staff=is_staff)
        assert message(occasion, TOOL, ())[CLAIM + "roles"] == [
            f"http://purl.imsglobal.org/vocab/lis/v2/membership#{role}"
        ]
        assert parameters(occasion, ())["roles"] == role


def test_every_error_has_a_step_and_is_plain() -> None:
    said = error_fields("TOOL_HINT", 'Ünfit "text"\\\n', None)
    assert "state" not in said
    assert said["error"] == ERRORS["TOOL_HINT"]
    assert all(" " <= char <= "~" and char not in '"\\' for char in said["error_description"])
    assert error_fields("TOOL_HINT", "x", "")["state"] == ""
    assert len(AUTHORIZE_STEPS) == 16


def test_a_request_given_twice_is_read_for_its_state_but_not_believed() -> None:
    request = AuthenticationRequest.read([("state", "s"), ("redirect_uri", "a"), ("redirect_uri", "b"), ("x", "y")])
    assert request.faults == ("redirect_uri: given twice",)
    checks = Checklist(AUTHORIZE_STEPS)
    with pytest.raises(Exception, match="TOOL_AUTH_UNREADABLE"):
        request.check_readable(checks)
    assert checks.failed is not None


def test_the_login_initiation_says_the_same_as_form_and_link() -> None:
    begun = LoginInitiation(
        "https://t.example/login?a=b#x", "https://a.example", "h", "https://t.example/x", "m", "c", "1"
    )
    assert begun.address.startswith("https://t.example/login?a=b&iss=https%3A%2F%2Fa.example&")
    assert begun.fields["lti_storage_target"] == "_parent"
    assert "lti_storage_target" not in replace(begun, framed=False).fields


@pytest.mark.case("P1-004")
def test_names_of_custom_parameters() -> None:
    assert custom_fields({"Foo Bar": "1"}) == {"custom_foo_bar": "1", "custom_Foo Bar": "1"}
    assert custom_fields({"plain1": "1"}) == {"custom_plain1": "1"}
    assert custom_fields({"Ä-x": "1"}) == {"custom___x": "1", "custom_Ä-x": "1"}


def test_outcomes_come_both_or_not_at_all() -> None:
    assert "lis_outcome_service_url" not in parameters(OCCASION, (), outcome_url="https://a.example/o")
    assert "lis_result_sourcedid" not in parameters(OCCASION, (), sourcedid="x")
    both = parameters(OCCASION, (), outcome_url="https://a.example/o", sourcedid="x")
    assert (both["lis_outcome_service_url"], both["lis_result_sourcedid"]) == ("https://a.example/o", "x")


def test_nothing_of_the_query_is_said_twice() -> None:
    pairs = signed(
        "https://t.example/x?custom_a=A", {"custom_a": "B", "user_id": "u"}, key="k", secret="s", nonce="n", timestamp=1
    )
    assert "custom_a" not in dict(pairs)
    assert dict(pairs)["user_id"] == "u"
