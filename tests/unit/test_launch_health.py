"""How a platform is doing, told from its newest launches."""

from datetime import UTC, datetime, timedelta

from tenants.lti.launches.services import Health

EARLIER = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = EARLIER + timedelta(minutes=5)


def test_a_refusal_after_the_last_good_launch_is_a_failure() -> None:
    assert Health(EARLIER, LATER, "LTI13_DEPLOYMENT").is_failing
    assert Health(None, LATER, "LTI13_DEPLOYMENT").is_failing


def test_a_good_launch_after_a_refusal_ends_the_failure() -> None:
    assert not Health(LATER, EARLIER, "LTI13_DEPLOYMENT").is_failing
    assert not Health(None, None, "").is_failing


def test_a_refusal_while_switched_off_is_no_failure_once_switched_on() -> None:
    assert not Health(None, LATER, "LTI13_INACTIVE").is_failing
