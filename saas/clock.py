"""The only clock. Everything that needs the time asks here, so tests can move it."""

from datetime import UTC, datetime


def now() -> datetime:
    """Aware UTC time."""
    return datetime.now(UTC)
