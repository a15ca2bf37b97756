"""Joda-Time's DateTimeFormat in English: patterns of path.format compiled once to functions from milliseconds to text.

Letters taken: G, C, Y, y, x, w, e, E, D, M, d, a, K, h, H, k, m, s, S, z, Z and quoted text, as Joda documents them.
Unlike in Java's SimpleDateFormat, Y is the year of era and x the week year.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from ferryman.errors import DataError
from ferryman.java.texts import instant

MAX_PATTERN_CHARACTERS = 1000
"""Characters that a pattern may have."""
Format = Callable[[int], str]
Part = Callable[[datetime], str]

_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d{2}))?")
_TOKEN = re.compile(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'")
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()  # noqa: SIM905
_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_NUMBERS: Mapping[str, Callable[[datetime], int]] = {
    "e": lambda at: at.isoweekday(),
    "w": lambda at: at.isocalendar().week,
    "D": lambda at: at.timetuple().tm_yday,
    "d": lambda at: at.day,
    "K": lambda at: at.hour % 12,
    "h": lambda at: at.hour % 12 or 12,
    "H": lambda at: at.hour,
    "k": lambda at: at.hour or 24,
    "m": lambda at: at.minute,
    "s": lambda at: at.second,
    "C": lambda at: at.year // 100,
}
_YEARS: Mapping[str, Callable[[datetime], int]] = {
    "Y": lambda at: at.year,
    "y": lambda at: at.year,
    "x": lambda at: at.isocalendar().year,
}
_WORDS = frozenset("EM")
_SIGN = {True: "-", False: "+"}


def zone(name: str) -> tzinfo:
    """A time zone by its Joda id: an IANA name, or an offset such as +02:00. Raises ValueError for any other."""
    if name in ("UTC", "Z", "GMT"):
        return UTC
    found = _OFFSET.fullmatch(name)
    if found:
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"The datetime zone id '{name}' is not recognised") from None


def has_words(pattern: str) -> bool:
    """Whether names of months or days occur in what the pattern makes, so that its text depends on the locale."""
    return any(
        found[2] and (found[2] in "aGz" or (found[2] in _WORDS and (found[2] == "E" or len(found[0]) > 2)))
        for found in _TOKEN.finditer(pattern)
    )


@cache
def formatter(pattern: str, zone_name: str = "UTC") -> Format:
    """What turns milliseconds since the epoch into text. Raises ValueError for a pattern or zone that is none.

    The function raises DataError for an instant outside the years 1 to 9999.
    """
    parts, at = _parts(pattern, zone_name), zone(zone_name)

    def shown(millis: int) -> str:
        try:
            local = instant(millis).astimezone(at)
        except OverflowError:  # in that zone
            raise DataError(f"The timestamp {millis} lies outside the years 1 to 9999") from None
        return "".join([part(local) for part in parts])

    return shown


def _parts(pattern: str, zone_name: str) -> Sequence[Part]:
    if not pattern:
        raise ValueError("Invalid pattern specification")
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ValueError(f"The pattern has more than {MAX_PATTERN_CHARACTERS:,} characters")
    return [_part(found, zone_name) for found in _TOKEN.finditer(pattern)]


def _part(found: re.Match[str], zone_name: str) -> Part:
    text, letter, width = found[0], found[2], len(found[0])
    if letter is None:
        if text == "'":
            raise ValueError("Illegal pattern: a quote is not closed")
        literal = "'" if text == "''" else text if found[1] is None else found[1].replace("''", "'")
        return lambda at: literal
    if letter in _YEARS:
        year = _YEARS[letter]
        return (lambda at: f"{year(at) % 100:02d}") if width == 2 else (lambda at: f"{year(at):0{width}d}")
    if letter in _NUMBERS:
        number = _NUMBERS[letter]
        return lambda at: f"{number(at):0{width}d}"
    if letter == "M" and width < 3:
        return lambda at: f"{at.month:0{width}d}"
    word = _word(letter, width, zone_name)
    if word is None:
        raise ValueError(f"Illegal pattern component: {text}")
    return word


def _word(letter: str, width: int, zone_name: str) -> Part | None:
    match letter:
        case "M":
            return lambda at: _MONTHS[at.month - 1] if width > 3 else _MONTHS[at.month - 1][:3]
        case "E":
            return lambda at: _DAYS[at.weekday()] if width > 3 else _DAYS[at.weekday()][:3]
        case "a":
            return lambda at: "PM" if at.hour >= 12 else "AM"
        case "G":
            return lambda at: "AD"
        case "S":
            return lambda at: f"{at.microsecond // 1000:03d}".ljust(width, "0")[:width]
        case "z" if width < 4:
            return lambda at: at.tzname() or zone_name if isinstance(at.tzinfo, ZoneInfo) else zone_name
        case "Z" if width > 2:
            return lambda at: zone_name
        case "Z":
            return lambda at: _offset(at, ":" if width == 2 else "")
    return None


def _offset(at: datetime, between: str) -> str:
    minutes = round((at.utcoffset() or timedelta()).total_seconds() / 60)
    return f"{_SIGN[minutes < 0]}{abs(minutes) // 60:02d}{between}{abs(minutes) % 60:02d}"
