"""Moments as java.time.Instant prints them, and lengths of time as dates have them."""

from datetime import datetime

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
"""Milliseconds."""


def utc_text(moment: datetime, timespec: str = "milliseconds") -> str:
    """A moment in UTC, as ISO 8601 has it, with a Z."""
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
