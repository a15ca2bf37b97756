"""What the texts that a pattern's fields took amount to."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

from ferryman.java.gregorian_calendar import resolved
from ferryman.java.instants import DAY, HOUR, MINUTE
from ferryman.java.numbers import wrapped
from ferryman.java.simple_date_format.pattern import ZONE_LETTERS, PatternPart
from ferryman.java.simple_date_format.words import words_of
from ferryman.java.zone_names import ZONE_NAMES

_MOST_DIGITS = 100


def moment(fields: Sequence[PatternPart], texts: Sequence[str]) -> int:
    values: dict[str, int] = {}
    set_at: dict[str, int] = {}
    offset, ambiguous = 0, False
    for place, (part, text) in enumerate(zip(fields, texts, strict=True), 1):
        if part.letter in ZONE_LETTERS:
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
    if words := words_of(part):
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
