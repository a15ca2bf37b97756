"""Text to milliseconds, by one regular expression a pattern."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate

from ferryman.errors import DataError
from ferryman.java import zone_names
from ferryman.java.gregorian_calendar import day_number
from ferryman.java.instants import DAY, HOUR, MINUTE
from ferryman.java.simple_date_format.moment import moment
from ferryman.java.simple_date_format.pattern import ZONE_LETTERS, PatternPart, pattern_parts
from ferryman.java.simple_date_format.words import words_of
from ferryman.java.zone_names import ZONE_NAMES

Parse = Callable[[str], int]
_MOST_CACHED = 100_000
_HOURS = "[+-](?:2[0-3]|[01][0-9])"
"""The sign and hours of an offset."""
_ATOMIC = "(?>" if re.match("(?>(?:ab?c)+)", "aca") else "(?:"
"""Begins a group that gives nothing back. Python before 3.11.5 loses its place in one with choices in choices; there
a zone's name may be given back for a shorter one, which matters only where no date is."""


class Unparseable(DataError):
    """A text that the pattern does not match."""


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
        return moment(fields, match.groups())

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


def _numeric(part: PatternPart) -> bool:
    return bool(part.letter) and part.letter not in ZONE_LETTERS and words_of(part) is None


def _regex(found: Sequence[PatternPart], place: int) -> str:
    part = found[place]
    if not part.letter:
        return f"(?-i:{re.escape(part.text)})"
    if words := words_of(part):
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
