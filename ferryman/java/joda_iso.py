"""Joda-Time's ISODateTimeFormat.dateTimeParser: which texts it takes for times, and which instants they are."""

import re
from datetime import UTC, datetime, timedelta, timezone

from ferryman.java.texts import millis

_USUAL = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII)
"""What Python reads alike, and sooner. A blank in the place of a T is ours."""
_TEXT = re.compile(
    r"(?:(\d{4})(?:-(\d\d?)(?:-(\d\d?))?|-(\d{3})|-W(\d\d?)(?:-(\d))?)?)?"
    r"(?:[Tt ](?:(\d\d?)(?::(\d\d?)(?::(\d\d?))?)?([.,]\d+)?)?"
    r"([Zz]|([+-])(\d\d)(?::?(\d\d)(?::?(\d\d)(?:[.,]?\d{1,3})?)?)?)?)?",
    re.ASCII,
)
"""The date, the time, and its offset."""
_UNITS = (3_600_000_000, 60_000_000, 1_000_000)
"""Microseconds of an hour, a minute and a second."""
_FRACTION = 9
"""How many digits of a fraction count."""


def instant(text: str) -> int:
    """Milliseconds since the epoch; UTC where the text names no zone (Joda takes the JVM's). Raises ValueError."""
    if _USUAL.fullmatch(text):
        found = datetime.fromisoformat(text)
        return millis(found if found.tzinfo else found.replace(tzinfo=UTC))
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, of_year, week, weekday, hour, minute, second, fraction, offset, sign, *shift = match.groups()
    if year is None and (hour is None or text[0] == " "):
        raise ValueError(text)
    if of_year:
        date = datetime.strptime(f"{year}-{of_year}", "%Y-%j")  # noqa: DTZ007
    elif week:
        date = datetime.fromisocalendar(int(year), int(week), int(weekday or 1))
    else:
        date = datetime(int(year or 1970), int(month or 1), int(day or 1))  # noqa: DTZ001
    zone = UTC
    if offset and sign:
        hours, minutes, seconds = (int(each or 0) for each in shift)
        east = timedelta(hours=hours, minutes=minutes, seconds=seconds)
        zone = timezone(-east if sign == "-" else east)
    return millis(date.replace(tzinfo=zone) + _time(hour, minute, second, fraction))


def _time(hour: str | None, minute: str | None, second: str | None, fraction: str | None) -> timedelta:
    """The time of day. A fraction is one of the smallest unit that there is."""
    parts = [int(part) for part in (hour, minute, second) if part is not None]
    if any(part >= most for part, most in zip(parts, (24, 60, 60), strict=False)):
        raise ValueError
    micros = sum(part * unit for part, unit in zip(parts, _UNITS, strict=False))
    if fraction:
        digits = fraction[1 : 1 + _FRACTION]
        micros += int(digits) * _UNITS[max(0, len(parts) - 1)] // 10 ** len(digits)
    return timedelta(microseconds=micros)
