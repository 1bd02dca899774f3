"""A browser names its zone to us, so that everybody reads times as their own clock shows them."""

from datetime import datetime, timedelta

from tests.browser.academies import Academies


def told(academies: Academies, zone: str) -> datetime:
    """When a launch was, as a person in that zone reads it on their second page."""
    context = academies.new_context(timezone_id=zone)
    context.add_cookies(academies.context("admin").cookies(academies.base("admin")))  # type: ignore[arg-type]  # -- Playwright takes back what it gave
    page = context.new_page()
    page.goto(f"{academies.base('admin')}/integrations")
    page.goto(f"{academies.base('admin')}/integrations/launches/{academies.ids['accepted']}")
    heading = page.get_by_role("heading", level=1).inner_text()
    context.close()
    return datetime.strptime(" ".join(heading.split()).removesuffix(" Accepted"), "Launch of %b %d, %Y, %I:%M:%S %p")  # noqa: DTZ007 -- as read


def test_times_are_told_in_the_persons_own_zone(academies: Academies) -> None:
    assert told(academies, "Asia/Kolkata") - told(academies, "UTC") == timedelta(hours=5, minutes=30)
