"""Events as a page lists them: by day, in the person's zone and language, a month at a time."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from itertools import groupby

from babel.dates import format_date, format_skeleton, format_time

from tenants.calendar.services import Entry

#: No calendar goes beyond.
FIRST_YEAR, LAST_YEAR = 2000, 2100
_MONTH = re.compile(r"([0-9]{4})-([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Month:
    year: int
    number: int

    @classmethod
    def read(cls, text: str) -> "Month | None":
        """Of an address, such as "2026-03"; None for anything else."""
        found = _MONTH.fullmatch(text)
        month = cls(int(found[1]), int(found[2])) if found else None
        return month if month is not None and month.exists else None

    @classmethod
    def at(cls, moment: datetime, zone: tzinfo) -> "Month":
        local = moment.astimezone(zone)
        return cls(local.year, local.month)

    @property
    def exists(self) -> bool:
        return FIRST_YEAR <= self.year <= LAST_YEAR and 1 <= self.number <= 12

    @property
    def before(self) -> "Month | None":
        month = Month(self.year, self.number - 1) if self.number > 1 else Month(self.year - 1, 12)
        return month if month.exists else None

    @property
    def after(self) -> "Month | None":
        month = self._following
        return month if month.exists else None

    def span(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From its first midnight there up to the next month's, which need not be whole days later."""
        return self.begins(zone), self._following.begins(zone)

    def label(self, locale: str) -> str:
        return str(format_skeleton("yMMMM", datetime(self.year, self.number, 1, tzinfo=UTC), locale=locale))

    @property
    def _following(self) -> "Month":
        return Month(self.year, self.number + 1) if self.number < 12 else Month(self.year + 1, 1)

    def begins(self, zone: tzinfo) -> datetime:
        return datetime(self.year, self.number, 1, tzinfo=zone).astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


@dataclass(frozen=True, slots=True)
class Line:
    """``when``: the time of day; ``day``: the date before it, where no heading says it. ``way``: where it is opened
    here, or "". ``is_doubtful``: see `CalendarEvent.is_doubtful`.
    """

    entry: Entry
    day: str
    when: str
    way: str
    is_over: bool
    is_doubtful: bool

    @property
    def is_open(self) -> bool:
        """Whether there is something to go to."""
        return not (self.is_over or self.entry.event.is_cancelled)

    @property
    def link(self) -> str:
        """Where it was said to be, for those who may know it; nothing that is no web address."""
        url = self.entry.event.url
        return url if self.entry.may_join and url.startswith("https://") else ""


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    label: str
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Reading:
    """How one person reads times. ``way``: of an event, in an address of ours."""

    zone: tzinfo
    locale: str
    now: datetime
    way: Callable[[Entry], str]

    def midnight(self) -> datetime:
        """When today began."""
        today = self.now.astimezone(self.zone).date()
        return datetime(today.year, today.month, today.day, tzinfo=self.zone).astimezone(UTC)

    def lines(self, entries: Sequence[Entry]) -> list[Line]:
        return [self.line(each) for each in entries]

    def line(self, entry: Entry) -> Line:
        event = entry.event
        is_over = event.ends_at < self.now
        return Line(
            entry,
            self._date(event.starts_at.astimezone(self.zone).date(), "medium"),
            self._when(event.starts_at, event.ends_at),
            "" if is_over or event.is_cancelled else self.way(entry),
            is_over,
            event.is_doubtful(self.now),
        )

    def days(self, entries: Sequence[Entry]) -> list[Day]:
        """``entries`` by time; each stands on the day it begins."""
        by_day = groupby(entries, key=lambda each: each.event.starts_at.astimezone(self.zone).date())
        return [Day(day, self._date(day, "full"), self.lines(list(those))) for day, those in by_day]

    def _when(self, starts_at: datetime, ends_at: datetime) -> str:
        starts, ends = starts_at.astimezone(self.zone), ends_at.astimezone(self.zone)
        if starts_at == ends_at:
            return self._time(starts)
        if starts.date() == ends.date():
            return f"{self._time(starts)} – {self._time(ends)}"
        return f"{self._time(starts)} – {self._date(ends.date(), 'medium')}, {self._time(ends)}"

    def _time(self, local: datetime) -> str:
        return str(format_time(local, "short", tzinfo=self.zone, locale=self.locale))

    def _date(self, day: date, width: str) -> str:
        return str(format_date(day, width, locale=self.locale))
