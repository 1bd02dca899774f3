"""The filters of the launch log as they stand in an address; what cannot be read narrows nothing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self, TypeVar
from uuid import UUID

from saas.searching import words_in
from tenants.lti.launches.models import Direction, Launch, Outcome, Protocol
from tenants.lti.launches.services import Wanted

T = TypeVar("T")
#: In the order of the page.
NAMES = ("since", "until", "direction", "connection", "protocol", "outcome", "code", "person")


@dataclass(frozen=True, slots=True)
class Filters:
    """``shown``: what stands in the fields; ``wanted``: what that means."""

    shown: Mapping[str, str]
    wanted: Wanted

    @classmethod
    def of(cls, given: Mapping[str, str], zone: tzinfo) -> Self:
        """``zone`` is the academy's: days begin and end there."""
        shown = {name: words_in(given, name) for name in NAMES}
        since, until = (read_as(date.fromisoformat, shown[name]) for name in ("since", "until"))
        kind, _, connection = shown["connection"].partition(":")
        connection_id = read_as(UUID, connection)
        wanted = Wanted(
            since=_midnight(since, zone),
            until=_midnight(until, zone, days=1),
            platform_id=connection_id if kind == "platform" else None,
            consumer_key_id=connection_id if kind == "key" else None,
            tool_id=connection_id if kind == "tool" else None,
            tool_link_id=connection_id if kind == "tool-link" else None,
            direction=read_as(Direction, shown["direction"]),
            outcome=read_as(Outcome, shown["outcome"]),
            protocol=read_as(Protocol, shown["protocol"]),
            code=shown["code"].upper(),
            person=shown["person"],
            before=read_as(position_in, given.get("before", "")),
        )
        return cls(shown, wanted)

    @property
    def narrowed(self) -> bool:
        return any(self.shown.values())

    def after(self, last: Launch) -> dict[str, str]:
        """The query of the next page."""
        kept = {name: value for name, value in self.shown.items() if value}
        return {**kept, "before": f"{last.started_at.isoformat()}_{last.id}"}


def position_in(text: str) -> tuple[datetime, UUID]:
    at, _, last = text.partition("_")
    moment = datetime.fromisoformat(at)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment.astimezone(UTC), UUID(last)


def _midnight(day: date | None, zone: tzinfo, *, days: int = 0) -> datetime | None:
    """None also for a day beyond what a calendar holds."""
    if day is None:
        return None
    try:
        return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC)
    except OverflowError:
        return None


def read_as(read: Callable[[str], T], text: str) -> T | None:
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None
