"""Custom parameters that mean something here, by the names links carry them under: of either LTI.

LTI 1.3 Core §5.4.6 and appendix D; LTI 1.1.1 appendix C. A substitution variable the other LMS does not know comes back
as it was sent, with its dollar sign, and says nothing.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

ACTIVITY = "lyceum_activity"
DUE = "lyceum_due"
#: What the other LMS is asked to put in place of the value.
VARIABLES: Mapping[str, str] = {DUE: "$ResourceLink.submission.endDateTime"}


def of_link(activity_id: UUID) -> dict[str, str]:
    """What a link we hand out carries along."""
    return {ACTIVITY: str(activity_id), **VARIABLES}


def activity_in(custom: Mapping[str, str]) -> UUID | None:
    """The activity a link names that has no address of its own."""
    try:
        return UUID(_said(custom, ACTIVITY))
    except ValueError:
        return None


def due_in(custom: Mapping[str, str]) -> datetime | None:
    """When the other LMS wants it done; None without a date, or with one of no time zone."""
    try:
        moment = datetime.fromisoformat(_said(custom, DUE))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def _said(custom: Mapping[str, str], name: str) -> str:
    value = custom.get(name, "")
    return "" if value.startswith("$") else value
