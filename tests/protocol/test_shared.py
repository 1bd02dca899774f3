"""What of a launch is shown to outsiders."""

from tenants.lti.wire.checks import Check
from tenants.lti.wire.claims import CLAIM
from tenants.lti.wire.redact import HIDDEN
from tenants.lti.wire.shared import personal_values, shared_check, shared_claims


def test_parameters_an_lms_names_itself_are_hidden_whatever_their_name() -> None:
    claims = {"iss": "https://lms.example", CLAIM + "custom": {"type": "diabetic", "locale": "home"}}
    shown = shared_claims(claims, ())
    assert shown == {"iss": "https://lms.example", CLAIM + "custom": {"type": HIDDEN, "locale": HIDDEN}}


def test_short_names_are_names() -> None:
    personal = personal_values({"given_name": "Li", "family_name": "Wu"})
    check = shared_check(Check("target", False, "/people/Wu/li", "an activity", "LTI13_TARGET"), personal)
    assert check.seen == f"/people/{HIDDEN}/{HIDDEN}"
