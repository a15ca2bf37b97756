"""Dates and times from milliseconds since the epoch, by the shortest way, and back."""

from datetime import UTC, date, datetime, time

from ferryman.errors import DataError
from ferryman.formats.json.text import time_millis
from ferryman.java.instants import DAY
from ferryman.java.texts import millis, moment

FIRST_MILLIS, LAST_MILLIS = -62_135_596_800_000, 253_402_300_799_999
"""The bounds of datetime: the years 1 to 9999."""
_EXACT_MILLIS = 4_000_000_000_000
"""Up to here (the year 2096) a double holds seconds to the microsecond."""
_EPOCH_ORDINAL = 719_163


def instant(at: int) -> datetime:
    """A Timestamp. Raises DataError outside the years 1 to 9999."""
    if 0 <= at < _EXACT_MILLIS:
        return datetime.fromtimestamp(at / 1000, UTC)
    return moment(_checked(at))


def day_of(at: int) -> date:
    """The Date. Raises DataError outside the years 1 to 9999."""
    return date.fromordinal(_EPOCH_ORDINAL + _checked(at) // DAY)


def clock_of(at: int) -> time:
    """The Time of the day."""
    seconds, milli = divmod(at % DAY, 1000)
    minutes, second = divmod(seconds, 60)
    return time(minutes // 60, minutes % 60, second, milli * 1000)


def millis_of(value: date | time) -> int:
    """The milliseconds of a Date, Time or Timestamp."""
    if isinstance(value, datetime):
        return millis(value)
    if isinstance(value, time):
        return time_millis(value)
    return (value.toordinal() - _EPOCH_ORDINAL) * DAY


def _checked(at: int) -> int:
    if not FIRST_MILLIS <= at <= LAST_MILLIS:
        raise DataError(f"The time {at} is outside the years 1 to 9999")
    return at
