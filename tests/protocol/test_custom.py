"""The parameters of a link, as they come back from other LMSs."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from tenants.lti.wire import custom

ACTIVITY = UUID("0190a6f0-0000-7000-8000-000000000001")


def test_a_link_names_its_activity_and_asks_for_the_due_date() -> None:
    carried = custom.of_link(ACTIVITY)
    assert custom.activity_in(carried) == ACTIVITY
    assert carried[custom.DUE].startswith("$")
    assert custom.due_in(carried) is None, "a variable nobody replaced"


@pytest.mark.parametrize("value", ["", "7", "$Activity.id", "x" * 500])
def test_what_names_no_activity(value: str) -> None:
    assert custom.activity_in({custom.ACTIVITY: value}) is None
    assert custom.activity_in({}) is None


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T13:00:00+01:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.000Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_a_due_date_needs_its_zone(value: str, moment: datetime | None) -> None:
    assert custom.due_in({custom.DUE: value}) == moment
