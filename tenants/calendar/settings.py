"""What the operator sets for calendars."""

from pydantic import Field

from saas.settings import Rate, Section


class CalendarSettings(Section):
    feeds: Rate = Field(
        "600/minute",
        description="readings of calendar feeds from one address to one academy, and of one feed; "
        "each process counts by itself",
    )
