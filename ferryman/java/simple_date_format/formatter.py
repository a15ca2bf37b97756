"""Milliseconds to text."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from ferryman.java.gregorian_calendar import civil, day_number, day_of_week, week_of_month, week_of_year, week_year
from ferryman.java.instants import DAY
from ferryman.java.simple_date_format.pattern import (
    DATE_LETTERS,
    TIME_LETTERS,
    ZONE_LETTERS,
    PatternPart,
    pattern_parts,
)
from ferryman.java.simple_date_format.words import DAYS, ERAS, MONTHS

Format = Callable[[int], str]
_MOST_CACHED = 100_000


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
        constant = part.letter == "" or part.letter in ZONE_LETTERS
        kind = "day" if part.letter in DATE_LETTERS else "second" if part.letter in TIME_LETTERS else "milli"
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
            return ERAS[values["G"]]
        case "E":
            return DAYS[values["E"]] if part.width >= 4 else DAYS[values["E"]][:3]
        case "M" | "L" if part.width >= 3:
            name = MONTHS[values["M"] - 1]
            return name if part.width >= 4 else name[:3]
        case "y" | "Y" if part.width == 2:
            return f"{values[part.letter] % 100:02d}"
        case letter:
            return f"{values[letter]:0{part.width}d}"
