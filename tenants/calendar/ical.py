"""A calendar as others read it: iCalendar (RFC 5545) for subscriptions.

Nothing that opens a meeting is in it: feeds are copied, cached and logged by others, so every event names our page for
it, which asks who comes (product case 117). What the origin wrote is left out for the same reason.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import icalendar

from tenants.calendar.models import CalendarEvent
from tenants.calendar.services import Entry

CONTENT_TYPE = "text/calendar"
PRODUCT = "-//Lyceum//Calendar//EN"
#: How often we ask to be read (RFC 7986 §5.7).
REFRESH = timedelta(hours=1)
#: What TEXT may not contain (RFC 5545 §3.3.11): control characters; line breaks become one space.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class Feed:
    """``name``: of the calendar; ``base``: the academy's address, without a slash at the end."""

    name: str
    base: str
    entries: Sequence[Entry]

    @property
    def etag(self) -> str:
        """Changes with every word of the text, and is known before any is written."""
        known = hashlib.sha256(repr((PRODUCT, self.name, self.base)).encode("utf-8", "replace"))
        for each in self.entries:
            event = each.event
            told = (event.uid, event.sequence, event.changed_at, event.state, each.course, each.activity, each.group)
            known.update(repr(told).encode("utf-8", "replace"))
        return known.hexdigest()[:32]

    def text(self) -> bytes:
        """CRLF, folded at 75 octets (RFC 5545 §3.1)."""
        calendar = icalendar.Calendar()
        calendar.add("version", "2.0")
        calendar.add("prodid", PRODUCT)
        for name in ("name", "x-wr-calname"):  # the library knows neither and would escape neither
            calendar.add(name, icalendar.vText(_line(self.name)))
        calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
        calendar.add("x-published-ttl", "PT1H")
        for each in self.entries:
            calendar.add_component(self._event(each))
        return bytes(calendar.to_ical())

    def _event(self, entry: Entry) -> icalendar.Event:
        event, written = entry.event, icalendar.Event()
        page = page_address(self.base, event)
        written.add("uid", event.uid)
        written.add("sequence", event.sequence)
        written.add("dtstamp", event.changed_at)
        written.add("last-modified", event.changed_at)
        written.add("created", event.created_at)
        written.add("dtstart", event.starts_at)
        if event.duration_seconds > 0:
            written.add("dtend", event.ends_at)
        written.add("summary", _line(event.title))
        written.add("description", "\n".join(filter(None, (_line(_where(entry)), page))))
        written.add("location", page)
        written.add("url", page)
        written.add("status", "CANCELLED" if event.is_cancelled else "CONFIRMED")
        return written


def page_address(base: str, event: CalendarEvent) -> str:
    return f"{base}/calendar/events/{event.id}"


def _where(entry: Entry) -> str:
    return " · ".join(filter(None, (entry.course, entry.activity, entry.group)))


def _line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())
