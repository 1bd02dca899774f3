"""The checklist decides and is the log."""

import orjson
import pytest

from saas.problems import Refused
from tenants.lti.wire.checks import LAUNCH_STEPS, LOGIN_STEPS, Check, Checklist


def test_a_passed_check_is_recorded_with_what_was_seen_and_wanted() -> None:
    checks = Checklist(LAUNCH_STEPS)
    checks.require("version", "1.3.0", "LTI13_VERSION", seen="1.3.0", wanted="1.3.0")
    assert checks.checks == (Check("version", passed=True, seen="1.3.0", wanted="1.3.0"),)
    assert checks.failed is None


def test_a_failed_check_is_recorded_and_refuses() -> None:
    checks = Checklist(LAUNCH_STEPS)
    with pytest.raises(Refused) as caught:
        checks.require("version", "", "LTI13_VERSION", seen="1.2.0", wanted="1.3.0")
    assert (caught.value.code, caught.value.seen, caught.value.wanted) == ("LTI13_VERSION", "1.2.0", "1.3.0")
    assert checks.failed == Check("version", passed=False, seen="1.2.0", wanted="1.3.0", code="LTI13_VERSION")


def test_a_note_refuses_nobody() -> None:
    checks = Checklist(LAUNCH_STEPS)
    checks.note("roles", "none: a learner")
    assert checks.checks == (Check("roles", passed=True, seen="none: a learner"),)


def test_an_unknown_step_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="unknown step"):
        Checklist(LOGIN_STEPS).note("nonce")


def test_steps_never_reached_are_listed_in_their_place() -> None:
    checks = Checklist(LOGIN_STEPS)
    checks.note("parameters")
    with pytest.raises(Refused):
        checks.refuse("active", "LTI13_INACTIVE")
    listed = checks.every_step()
    assert [check.name for check in listed] == list(LOGIN_STEPS)
    assert [check.passed for check in listed] == [True, None, False, None, None, None]


def test_the_log_survives_json() -> None:
    checks = Checklist(LAUNCH_STEPS)
    checks.note("state", "ours")
    with pytest.raises(Refused):
        checks.refuse("kid", "LTI13_KID", seen="nothing", wanted="a kid")
    stored = orjson.dumps(checks.as_json())
    assert stored == b'[["state",true,"ours","",""],["kid",false,"nothing","a kid","LTI13_KID"]]'
    assert Checklist.from_json(LAUNCH_STEPS, orjson.loads(stored)).checks == checks.checks


def test_rows_of_a_step_that_no_longer_exists_are_left_out() -> None:
    rows = [["signature", True, "", "", ""], ["of_old", True, "", "", ""]]
    assert [check.name for check in Checklist.from_json(LAUNCH_STEPS, rows).checks] == ["signature"]


@pytest.mark.parametrize("row", [["kid", True, 5, "", ""], ["kid", True], ["kid", True, "", "", "", ""]])
def test_an_unreadable_row_is_an_error(row: list[object]) -> None:
    with pytest.raises(ValueError, match=r"check|unpack"):
        Checklist.from_json(LAUNCH_STEPS, [row])


def test_what_is_seen_is_made_fit_to_store() -> None:
    checks = Checklist(LAUNCH_STEPS)
    checks.note("roles", "a\0b\u202ec\n" + "x" * 1000)
    seen = checks.checks[0].seen
    assert seen.startswith("abc x")
    assert seen.isprintable()
    assert len(seen) == 301


def test_every_step_has_a_title() -> None:
    for steps in (LOGIN_STEPS, LAUNCH_STEPS):
        assert all(name.isidentifier() and title[0].isupper() for name, title in steps.items())
