"""Times are told in the person's zone, which their browser names in a cookie; without one, in the academy's."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from saas.tenancy.models import Tenant
from tenants.access import Role
from tenants.lti.launches.models import Launch, Outcome
from tests.features.pages import words
from tests.house import House, Kit

NOON = datetime(2026, 3, 1, 12, 2, tzinfo=UTC)
COOKIE = "__Host-zone"


def heading(kit: Kit, zone: str) -> str:
    """Of the page of a launch at two past noon."""
    with kit.session() as session:
        launch = Launch(outcome=Outcome.ACCEPTED, checks={}, started_at=NOON)
        session.add(launch)
        session.flush()
        path = f"/integrations/launches/{launch.id}"
    admin = kit.signed_in(Role.ADMIN)
    cookies = f"__Host-session={admin.app.cookies['__Host-session']}; {COOKIE}={zone}"
    admin.app.reset()
    page = admin.get(path, headers={"Cookie": cookies}, status=200)
    return " ".join(words(page).partition("Launch of")[2].split()[:5])


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Amsterdam", "Mar 1, 2026, 1:02:00 PM"),
        ("Asia/Kolkata", "Mar 1, 2026, 5:32:00 PM"),
        ("America/Argentina/Buenos_Aires", "Mar 1, 2026, 9:02:00 AM"),
        ("Etc/GMT+5", "Mar 1, 2026, 7:02:00 AM"),
    ],
)
def test_times_are_told_in_the_zone_of_the_persons_browser(house: House, zone: str, shown: str) -> None:
    assert heading(house.academy(), zone) == shown


@pytest.mark.parametrize(
    "zone", ["", "Nowhere/Atlantis", "Europe", "../../etc/passwd", "/etc/localtime", "x" * 3000, "%00"]
)
def test_without_a_zone_of_theirs_the_academys_counts(house: House, zone: str) -> None:
    kit = house.academy()
    with house.runtime.database.shell() as session:
        session.execute(sa.update(Tenant).where(Tenant.id == kit.academy.id).values(timezone="Europe/Amsterdam"))
    house.runtime.tenants.forget()
    assert heading(kit, zone) == "Mar 1, 2026, 1:02:00 PM"
