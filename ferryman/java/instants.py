"""Moments as java.time.Instant prints them."""

from datetime import datetime


def utc_text(moment: datetime, timespec: str = "milliseconds") -> str:
    """A moment in UTC, as ISO 8601 has it, with a Z."""
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
