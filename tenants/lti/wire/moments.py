"""Moments as tools write them (ISO 8601): with ``Z``, an offset with or without its colon, fractions of any length."""

import re
from datetime import UTC, datetime

from tenants.lti.wire.text import clean

MAX_TEXT = 60
#: Before there was anything to time; below are clocks that were never set, and days that not every time zone has.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})[Tt ](?P<time>\d{2}:\d{2}(?::\d{2})?)(?:[.,](?P<fraction>\d{1,9}))?"
    r"\s?(?P<zone>[Zz]|[+-]\d{2}(?::?\d{2})?)?"
)


def read_moment(value: object) -> datetime | None:
    """In UTC and microseconds; without a zone it is UTC. None for anything else, also a day no calendar has and what
    is before `EARLIEST`.
    """
    text = clean(value, MAX_TEXT + 1)
    found = _MOMENT.fullmatch(text) if text.isascii() and len(text) <= MAX_TEXT else None
    if found is None:
        return None
    zone = (found["zone"] or "Z").upper()
    zone = "+00:00" if zone == "Z" else zone if ":" in zone else f"{zone[:3]}:{zone[3:] or '00'}"
    seconds = found["time"] if found["time"].count(":") == 2 else f"{found['time']}:00"
    try:
        written = f"{found['day']}T{seconds}.{(found['fraction'] or '0')[:6]:0<6}{zone}"
        moment = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment >= EARLIEST else None
