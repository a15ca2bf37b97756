"""java.text.SimpleDateFormat in UTC and US English: patterns compiled to fast functions, parsing lenient as Java's."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import accumulate

from ferryman.errors import ConfigError, DataError
from ferryman.java import zone_names
from ferryman.java.gregorian_calendar import (
    civil,
    day_number,
    day_of_week,
    resolved,
    week_of_month,
    week_of_year,
    week_year,
)
from ferryman.java.numbers import wrapped
from ferryman.java.zone_names import ZONE_NAMES

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
Format = Callable[[int], str]
Parse = Callable[[str], int]

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()  # noqa: SIM905
_ERAS = ("BC", "AD")
_DATE_LETTERS, _TIME_LETTERS = frozenset("GyYMLwWDdFEu"), frozenset("HkhKmsa")
_ZONE_LETTERS = frozenset("zZX")
_KNOWN = _DATE_LETTERS | _TIME_LETTERS | _ZONE_LETTERS | {"S"}
_MOST_CACHED = 100_000
MAX_PATTERN_CHARACTERS = 1000
"""Characters that a pattern may have."""
_MOST_DIGITS = 100
_HOURS = "[+-](?:2[0-3]|[01][0-9])"
"""The sign and hours of an offset."""
_ATOMIC = "(?>" if re.match("(?>(?:ab?c)+)", "aca") else "(?:"
"""Begins a group that gives nothing back. Python before 3.11.5 loses its place in one with choices in choices; there
a zone's name may be given back for a shorter one, which matters only where no date is."""


class Unparseable(DataError):
    """A text that the pattern does not match."""


@dataclass(frozen=True, slots=True)
class PatternPart:
    """A run of one pattern letter, or literal text."""

    letter: str
    """Empty for literal text."""
    width: int
    """How many letters there are."""
    text: str = ""
    """The literal text, quotes resolved."""


@cache
def pattern_parts(pattern: str) -> tuple[PatternPart, ...]:
    """The pattern cut into parts. Raises ConfigError (key ``format``) in the words of Java's exception."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ConfigError.for_key("format", f"The pattern has more than {MAX_PATTERN_CHARACTERS:,} characters")
    found: list[PatternPart] = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = match[0]
        if match[2]:
            if match[2] not in _KNOWN:
                raise ConfigError.for_key("format", f"Illegal pattern character '{match[2]}'")
            if match[2] == "X" and len(text) > 3:
                raise ConfigError.for_key("format", f"invalid ISO 8601 format: length={len(text)}")
            found.append(PatternPart(match[2], len(text)))
        elif text == "'":
            raise ConfigError.for_key("format", "Unterminated quote")
        else:
            literal = "'" if text == "''" else text if match[1] is None else match[1].replace("''", "'")
            found.append(PatternPart("", len(literal), literal))
    return tuple(found)


@cache
def formatter(pattern: str) -> Format:
    """What turns milliseconds since the epoch into text."""
    parts = [_Cached(kind, run) for kind, run in _groups(pattern_parts(pattern))]
    if [part.kind for part in parts] == ["day"]:
        only = parts[0]
        return lambda millis: only[millis // DAY]
    if [part.kind for part in parts] == ["day", "second"]:
        days, seconds = parts
        return lambda millis: days[millis // DAY] + seconds[millis // 1000 % 86_400]
    if [part.kind for part in parts] == ["day", "second", "milli"]:
        days, seconds, last = parts
        return lambda millis: days[millis // DAY] + seconds[millis // 1000 % 86_400] + last[millis % 1000]
    return lambda millis: "".join([part[part.number(millis)] for part in parts])


def _groups(found: Sequence[PatternPart]) -> list[tuple[str, list[PatternPart]]]:
    """Neighbouring parts that change at the same pace; literals stay with what precedes them."""
    groups: list[tuple[str, list[PatternPart]]] = []
    for part in found:
        constant = part.letter == "" or part.letter in _ZONE_LETTERS
        kind = "day" if part.letter in _DATE_LETTERS else "second" if part.letter in _TIME_LETTERS else "milli"
        if groups and (constant or groups[-1][0] == kind):
            groups[-1][1].append(part)
        else:
            groups.append(("day" if constant else kind, [part]))
    return groups or [("day", [])]


class _Cached(dict[int, str]):
    """Texts of a group by the number that it depends on, made when first asked for."""

    def __init__(self, kind: str, run: Sequence[PatternPart]) -> None:
        super().__init__()
        self.kind = kind
        self.run = run

    def number(self, millis: int) -> int:
        """The day, the second of the day or the millisecond of the second."""
        if self.kind == "day":
            return millis // DAY
        return millis // 1000 % 86_400 if self.kind == "second" else millis % 1000

    def __missing__(self, number: int) -> str:
        if len(self) > _MOST_CACHED:
            self.clear()
        values = _date_values(number) if self.kind == "day" else _time_values(number, self.kind)
        text = self[number] = "".join([_shown(part, values) for part in self.run])
        return text


def _date_values(days: int) -> Mapping[str, int]:
    year, month, day = civil(days)
    return {
        "G": int(year > 0),
        "y": year if year > 0 else 1 - year,
        "Y": week_year(days),
        "M": month,
        "L": month,
        "w": week_of_year(days),
        "W": week_of_month(days),
        "d": day,
        "D": days - day_number(year, 1, 1) + 1,
        "F": (day - 1) // 7 + 1,
        "E": day_of_week(days) - 1,
        "u": (day_of_week(days) + 5) % 7 + 1,
    }


def _time_values(number: int, kind: str) -> Mapping[str, int]:
    if kind == "milli":
        return {"S": number}
    hour, minute, second = number // 3600, number // 60 % 60, number % 60
    return {
        "H": hour,
        "k": hour or 24,
        "K": hour % 12,
        "h": hour % 12 or 12,
        "m": minute,
        "s": second,
        "a": hour // 12,
    }


def _shown(part: PatternPart, values: Mapping[str, int]) -> str:
    match part.letter:
        case "":
            return part.text
        case "z":
            return "Coordinated Universal Time" if part.width >= 4 else "UTC"
        case "Z":
            return "+0000"
        case "X":
            return "Z"
        case "a":
            return "PM" if values["a"] else "AM"
        case "G":
            return _ERAS[values["G"]]
        case "E":
            return _DAYS[values["E"]] if part.width >= 4 else _DAYS[values["E"]][:3]
        case "M" | "L" if part.width >= 3:
            name = _MONTHS[values["M"] - 1]
            return name if part.width >= 4 else name[:3]
        case "y" | "Y" if part.width == 2:
            return f"{values[part.letter] % 100:02d}"
        case letter:
            return f"{values[letter]:0{part.width}d}"


@cache
def parser(pattern: str) -> Parse:
    """What turns text into milliseconds since the epoch. Text after the pattern's end is ignored, fields roll over.

    The function raises Unparseable where SimpleDateFormat would raise ParseException.
    """
    found = pattern_parts(pattern)
    compiled = re.compile("".join(_regex(found, place) for place in range(len(found))), re.IGNORECASE)
    fields = [part for part in found if part.letter]

    def parse(text: str) -> int:
        match = compiled.match(text)
        if match is None:
            raise Unparseable(f"Could not parse timestamp: value ({text}) does not match pattern ({pattern})")
        return _moment(fields, match.groups())

    return _remembering(found, parse) or parse


_FIXED = (("y", 4), ("M", 2), ("d", 2), ("H", 2), ("m", 2), ("s", 2), ("S", 3))


def _remembering(found: Sequence[PatternPart], parse: Parse) -> Parse | None:
    """For patterns like yyyy-MM-dd HH:mm:ss.SSS: the same, remembering what the day, the clock and the rest amount to.

    Only texts whose digits have the pattern's places are remembered; any other goes the usual way.
    """
    fields = tuple((part.letter, part.width) for part in found if part.letter)
    if fields not in (_FIXED, _FIXED[:6], _FIXED[:3]):
        return None
    strict = re.compile("".join(re.escape(p.text) if not p.letter else f"([0-9]{{{p.width}}})" for p in found))
    ends = list(accumulate(part.width for part in found))
    last = {part.letter: end for part, end in zip(found, ends, strict=True)}
    day, clock = last["d"], last.get("s", last["d"])
    days: dict[str, int] = {}
    clocks: dict[str, int] = {}
    rests: dict[str, int] = {}

    def learnt(text: str) -> int:
        match = strict.fullmatch(text)
        if match is None:
            return parse(text)
        if len(days) > _MOST_CACHED or len(clocks) > _MOST_CACHED:
            days.clear()
            clocks.clear()
        year, month, date, hour, minute, second, milli = (*map(int, match.groups()), 0, 0, 0, 0)[:7]
        days[text[:day]] = day_number(year, month, date) * DAY
        clocks[text[day:clock]] = hour * HOUR + minute * MINUTE + second * 1000
        rests[text[clock:]] = milli
        return days[text[:day]] + clocks[text[day:clock]] + milli

    def remembered(text: str) -> int:
        try:
            return days[text[:day]] + clocks[text[day:clock]] + rests[text[clock:]]
        except KeyError:
            return learnt(text)

    return remembered


_TEXTS: Mapping[str, Sequence[str]] = {
    "a": ("AM", "PM"),
    "G": _ERAS,
    "E": [*_DAYS, *(day[:3] for day in _DAYS)],
    "M": [*_MONTHS, *(month[:3] for month in _MONTHS)],
}


def _text_of(part: PatternPart) -> Sequence[str] | None:
    """The words that a part stands for; None for numbers, literals and zones."""
    if part.letter in "ML" and part.letter:
        return _TEXTS["M"] if part.width >= 3 else None
    return _TEXTS.get(part.letter)


def _numeric(part: PatternPart) -> bool:
    return bool(part.letter) and part.letter not in _ZONE_LETTERS and _text_of(part) is None


def _regex(found: Sequence[PatternPart], place: int) -> str:
    part = found[place]
    if not part.letter:
        return f"(?-i:{re.escape(part.text)})"
    if words := _text_of(part):
        return rf"((?>{'|'.join(words)}))"
    if part.letter in "zZ":
        return _zone()
    if part.letter == "X":
        return rf"[ \t]*+((?-i:Z)|{_HOURS}" + {1: "", 2: "[0-5][0-9]"}.get(part.width, ":[0-5][0-9]") + ")"
    if place + 1 == len(found) or not _numeric(found[place + 1]):
        return r"[ \t]*+(-?\d++(?:(?-i:E)-?\d++|(?!(?-i:E)-?\d)))"
    return rf"(?=[\s\S]{{{part.width}}})({_within(part.width)})"


@cache
def _zone() -> str:
    """GMT with or without hours and minutes, an offset, or a name. Behind blanks GMT is a name as any other."""
    names = zone_names.any_of(name for name in ZONE_NAMES if name != "GMT")
    gmt = "GMT(?:[+-](?:2[0-3]|[01]?[0-9]):[0-5][0-9]|(?![+-]))"
    return rf"({gmt}|[ \t]++GMT|[ \t]*+(?:{_HOURS}[0-5][0-9]|{_ATOMIC}{names})))"


def _within(width: int) -> str:
    """A number that is followed by another: blanks before it and its sign count to its width."""
    ways = [
        rf"[ \t]{{{blanks}}}" + (rf"(?:\d{{1,{left}}}+|-\d{{1,{left - 1}}}+)" if left > 1 else r"\d")
        for blanks, left in ((blanks, width - blanks) for blanks in range(width))
    ]
    return f"(?>{'|'.join(ways)})"


def _moment(fields: Sequence[PatternPart], texts: Sequence[str]) -> int:
    values: dict[str, int] = {}
    set_at: dict[str, int] = {}
    offset, ambiguous = 0, False
    for place, (part, text) in enumerate(zip(fields, texts, strict=True), 1):
        if part.letter in _ZONE_LETTERS:
            offset = _offset(text)
            continue
        letter = {"L": "M", "u": "E", "k": "H", "K": "h"}.get(part.letter, part.letter)
        values[letter] = _number(part, text)
        set_at[letter] = place
        if part.letter in "yY" and part.width <= 2 and re.fullmatch(r"\d\d", text):
            ambiguous = values[letter] == _century_start().year
    clock = _hour(values, set_at) * HOUR + values.get("m", 0) * MINUTE + values.get("s", 0) * 1000 + values.get("S", 0)
    at = resolved(values, set_at) * DAY + clock - offset
    if ambiguous and at < _century_start().timestamp() * 1000:
        later = values | {year: values[year] + 100 for year in "yY" if year in values}
        at = resolved(later, set_at) * DAY + clock - offset
    return wrapped(at, 64)


def _hour(values: Mapping[str, int], set_at: Mapping[str, int]) -> int:
    whole, half = set_at.get("H", 0), max(set_at.get("h", 0), set_at.get("a", 0))
    complete = half if "h" in set_at and "a" in set_at else 0
    if whole and whole > complete:
        return values["H"]
    return values.get("h", 0) + 12 * values.get("a", 0)


def _number(part: PatternPart, text: str) -> int:
    if words := _text_of(part):
        place = [_folded(word) for word in words].index(_folded(text))
        return place % {"E": 7, "M": 12, "L": 12}.get(part.letter, 2) + (part.letter in "EML")
    number = _as_int(text)
    match part.letter:
        case "y" | "Y" if part.width <= 2 and re.fullmatch(r"\d\d", text):
            return _century(number)
        case "k":
            return 0 if number == 24 else number
        case "h":
            return 0 if number == 12 else number
        case "u":
            return number % 7 + 1 if 1 <= number <= 7 else number
        case _:
            return number


def _as_int(text: str) -> int:
    """As DecimalFormat reads it and Number.intValue cuts it: a long is narrowed, anything larger saturates."""
    digits, _, exponent = text.strip().partition("E")
    if len(digits) + len(exponent) > _MOST_DIGITS:
        return _as_int_of_many(digits, exponent)
    number = int(digits) if not exponent else int(Decimal(digits).scaleb(max(-400, min(int(exponent), 400))))
    if -(1 << 63) <= number < 1 << 63:
        return wrapped(number, 32)
    return (1 << 31) - 1 if number > 0 else -(1 << 31)


def _as_int_of_many(digits: str, exponent: str) -> int:
    """The same for texts of any length: a number beyond 64 bits saturates, one between -1 and 1 is zero."""
    number = Decimal(digits)
    # No further than the digits are many: beyond that it changes nothing.
    most = Decimal(len(digits) + 400)
    power = int(max(-most, min(Decimal(exponent or "0"), most)))
    size = number.adjusted() + power if number else -1
    if size < 0:
        return 0
    if size < 30:
        return _as_int(str(int(number.scaleb(power))))
    return (1 << 31) - 1 if number > 0 else -(1 << 31)


def _century_start() -> datetime:
    now = datetime.now(UTC)
    return now.replace(year=now.year - 80, day=min(now.day, 28) if now.month == 2 else now.day)


def _century(number: int) -> int:
    """Two digits mean the year within 80 years before and 20 after now."""
    start = _century_start().year
    year = start - start % 100 + number
    return year if year >= start else year + 100


def _offset(text: str) -> int:
    match = re.search("([+-])([0-9]{1,2}):?([0-9]{2})?$", text)
    if match is None:
        return _ZONES.get(_folded(text.strip()), 0) * MINUTE
    amount = int(match[2]) * HOUR + int(match[3] or 0) * MINUTE
    return amount if match[1] == "+" else -amount


def _folded(text: str) -> str:
    """As Java compares in any case, a dotless i with an i too."""
    return text.upper().lower()


_ZONES: Mapping[str, int] = {_folded(name): minutes for name, minutes in ZONE_NAMES.items()}
