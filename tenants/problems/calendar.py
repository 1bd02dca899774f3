"""What can be refused with calendars."""

from saas.problems import Problem

CALENDAR_PROBLEMS: tuple[Problem, ...] = (
    Problem("CALENDAR_FEED", 404, "There is no calendar at this address",
            "It is no calendar feed of this academy, or whose it was has given it up.", "Whoever subscribed to it",
            "Sign in, open Calendar, copy the address shown there, and subscribe to it anew."),
)  # fmt: skip
