"""java.text.SimpleDateFormat in UTC and English: patterns compiled once to fast functions, parsing lenient as Java's.

Letters taken: y, M, L, d, D, H, k, h, K, m, s, S, a, E, z, Z, X, and quoted text. Week years and weeks (Y, w, W), u, F
and G are refused by name. Java's switch from the Julian calendar in 1582 is reproduced.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate

from ferryman.errors import ConfigError, DataError

DAY, HOUR, MINUTE = 86_400_000, 3_600_000, 60_000
Format = Callable[[int], str]
Parse = Callable[[str], int]

_MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_DAYS = "Thursday Friday Saturday Sunday Monday Tuesday Wednesday".split()  # noqa: SIM905
_DATE_LETTERS, _TIME_LETTERS = frozenset("yMLdDE"), frozenset("HkhKmsa")
_ZONE_LETTERS = frozenset("zZX")
_KNOWN = _DATE_LETTERS | _TIME_LETTERS | _ZONE_LETTERS | {"S"}
_CUTOVER = -141_427
"""The day number of 15 October 1582, the first of the Gregorian calendar."""
_MOST_CACHED = 100_000


class Unparseable(DataError):
    """A text that the pattern does not match."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of one pattern letter, or (letter "") literal text."""

    letter: str
    width: int
    text: str = ""


@cache
def pieces(pattern: str) -> tuple[Piece, ...]:
    """The pattern cut into pieces. Raises ConfigError (key ``format``) that names an unsupported letter."""
    found: list[Piece] = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = match[0]
        if match[2]:
            if match[2] not in _KNOWN:
                raise ConfigError.of("format", f"Invalid date format {pattern}: the letter {match[2]} is not supported")
            found.append(Piece(match[2], len(text)))
        elif text == "'":
            raise ConfigError.of("format", f"Invalid date format {pattern}: Unterminated quote")
        else:
            literal = "'" if text == "''" else text if match[1] is None else match[1].replace("''", "'")
            found.append(Piece("", len(literal), literal))
    return tuple(found)


def civil(days: int) -> tuple[int, int, int]:
    """Year (0 is 1 BC), month and day of a day number since 1970."""
    if days >= _CUTOVER:
        era, day_of_era = divmod(days + 719_468, 146_097)
        year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
        day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
        year = year_of_era + era * 400
    else:
        cycle, day_of_cycle = divmod(days + 719_470, 1461)
        year_of_cycle = (day_of_cycle - day_of_cycle // 1460) // 365
        day_of_year = day_of_cycle - 365 * year_of_cycle
        year = year_of_cycle + cycle * 4
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def day_number(year: int, month: int, day: int) -> int:
    """The day number since 1970 of a date whose month and day may lie outside their ranges."""
    years, month = divmod(month - 1, 12)
    year += years - (month < 2)
    offset = (153 * ((month - 2) % 12) + 2) // 5 + day - 1
    gregorian = 365 * year + year // 4 - year // 100 + year // 400 + offset - 719_468
    return gregorian if gregorian >= _CUTOVER else 365 * year + year // 4 + offset - 719_470


@cache
def formatter(pattern: str) -> Format:
    """What turns milliseconds since the epoch into text."""
    parts = [_Cached(kind, run) for kind, run in _groups(pieces(pattern))]
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


def _groups(found: Sequence[Piece]) -> list[tuple[str, list[Piece]]]:
    """Neighbouring pieces that change at the same pace; literals stay with what precedes them."""
    groups: list[tuple[str, list[Piece]]] = []
    for piece in found:
        constant = piece.letter == "" or piece.letter in _ZONE_LETTERS
        kind = "day" if piece.letter in _DATE_LETTERS else "second" if piece.letter in _TIME_LETTERS else "milli"
        if groups and (constant or groups[-1][0] == kind):
            groups[-1][1].append(piece)
        else:
            groups.append(("day" if constant else kind, [piece]))
    return groups or [("day", [])]


class _Cached(dict[int, str]):
    """Texts of a group by the number that it depends on, made when first asked for."""

    def __init__(self, kind: str, run: Sequence[Piece]) -> None:
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
        text = self[number] = "".join([_shown(piece, values) for piece in self.run])
        return text


def _date_values(days: int) -> Mapping[str, int]:
    year, month, day = civil(days)
    return {
        "y": year if year > 0 else 1 - year,
        "M": month,
        "L": month,
        "d": day,
        "D": days - day_number(year, 1, 1) + 1,
        "E": days % 7,
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


def _shown(piece: Piece, values: Mapping[str, int]) -> str:
    match piece.letter:
        case "":
            return piece.text
        case "z":
            return "Coordinated Universal Time" if piece.width >= 4 else "UTC"
        case "Z":
            return "+0000"
        case "X":
            return "Z"
        case "a":
            return "PM" if values["a"] else "AM"
        case "E":
            return _DAYS[values["E"]] if piece.width >= 4 else _DAYS[values["E"]][:3]
        case "M" | "L" if piece.width >= 3:
            name = _MONTHS[values["M"] - 1]
            return name if piece.width >= 4 else name[:3]
        case "y" if piece.width == 2:
            return f"{values['y'] % 100:02d}"
        case letter:
            return f"{values[letter]:0{piece.width}d}"


@cache
def parser(pattern: str) -> Parse:
    """What turns text into milliseconds since the epoch. Text after the pattern's end is ignored, fields roll over.

    The function raises Unparseable where SimpleDateFormat would raise ParseException.
    """
    found = pieces(pattern)
    compiled = re.compile("".join(_regex(found, place) for place in range(len(found))), re.IGNORECASE)
    fields = [piece for piece in found if piece.letter]

    def parse(text: str) -> int:
        match = compiled.match(text)
        if match is None:
            raise Unparseable(f"Could not parse timestamp: value ({text}) does not match pattern ({pattern})")
        return _moment(fields, match.groups())

    return _remembering(found, parse) or parse


_FIXED = (("y", 4), ("M", 2), ("d", 2), ("H", 2), ("m", 2), ("s", 2), ("S", 3))


def _remembering(found: Sequence[Piece], parse: Parse) -> Parse | None:
    """For patterns like yyyy-MM-dd HH:mm:ss.SSS: the same, remembering what the day, the clock and the rest amount to.

    Only texts whose digits have the pattern's places are remembered; any other goes the usual way.
    """
    fields = tuple((piece.letter, piece.width) for piece in found if piece.letter)
    if fields not in (_FIXED, _FIXED[:6], _FIXED[:3]):
        return None
    strict = re.compile("".join(re.escape(p.text) if not p.letter else f"([0-9]{{{p.width}}})" for p in found))
    ends = list(accumulate(piece.width for piece in found))
    last = {piece.letter: end for piece, end in zip(found, ends, strict=True)}
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


def _regex(found: Sequence[Piece], place: int) -> str:
    piece = found[place]
    if not piece.letter:
        return re.escape(piece.text)
    match piece.letter:
        case "a":
            return r"[ \t]*(AM|PM)"
        case "E":
            return rf"[ \t]*({'|'.join(_DAYS)}|{'|'.join(day[:3] for day in _DAYS)})"
        case "M" | "L" if piece.width >= 3:
            return rf"[ \t]*({'|'.join(_MONTHS)}|{'|'.join(month[:3] for month in _MONTHS)})"
        case "z" | "Z":
            return r"[ \t]*((?:GMT|UTC)(?:[+-]\d{1,2}:?\d{2})?|[+-]\d{4}|Coordinated Universal Time)"
        case "X":
            return r"[ \t]*(Z|[+-]\d{2}" + {1: "", 2: r"\d{2}"}.get(piece.width, r":\d{2}") + ")"
    adjacent = place + 1 < len(found) and found[place + 1].letter not in ("", "a", "E", *_ZONE_LETTERS)
    digits = f"{{{piece.width}}}" if adjacent else "+"
    return rf"[ \t]*(-?\d{digits})"


def _moment(fields: Sequence[Piece], texts: Sequence[str]) -> int:
    values: dict[str, int] = {}
    offset = 0
    for piece, text in zip(fields, texts, strict=True):
        if piece.letter in _ZONE_LETTERS:
            offset = _offset(text)
        else:
            values["M" if piece.letter == "L" else piece.letter] = _number(piece, text)
    year = values.get("y", 1970)
    if "D" in values and not values.keys() & {"M", "d"}:
        days = day_number(year, 1, 1) + values["D"] - 1
    else:
        days = day_number(year, values.get("M", 1), values.get("d", 1))
    clock = _hour(values) * HOUR + values.get("m", 0) * MINUTE + values.get("s", 0) * 1000 + values.get("S", 0)
    return days * DAY + clock - offset


def _hour(values: Mapping[str, int]) -> int:
    if "H" in values or "k" in values:
        return values["H"] if "H" in values else 0 if values["k"] == 24 else values["k"]
    hour = values.get("K", values.get("h", 0))
    return (0 if "h" in values and hour == 12 else hour) + 12 * values.get("a", 0)


def _number(piece: Piece, text: str) -> int:
    if text.lstrip("-").isdecimal():
        number = int(text)
        return _century(number) if piece.letter == "y" and piece.width <= 2 and re.fullmatch(r"\d\d", text) else number
    names = {"a": ["AM", "PM"], "E": _DAYS}.get(piece.letter, _MONTHS)
    place = next(at for at, name in enumerate(names) if name[:3].casefold() == text[:3].casefold())
    return place + (1 if names is _MONTHS else 0)


def _century(number: int) -> int:
    """Two digits mean the year within 80 years before and 20 after now."""
    start = datetime.now(UTC).year - 80
    year = start - start % 100 + number
    return year if year >= start else year + 100


def _offset(text: str) -> int:
    match = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", text)
    if match is None:
        return 0
    amount = int(match[2]) * HOUR + int(match[3] or 0) * MINUTE
    return amount if match[1] == "+" else -amount
