"""Random numbers, decimals, dates and times by the hints ``range`` and ``iteration``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Self

from ferryman.formats.json.payload import day, time_of_day
from ferryman.java.decimals import from_unscaled
from ferryman.java.texts import moment
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

Make = Callable[[Random, int], Any]
Number = int | float

DAY_MILLIS = 86_400_000
FROM_MILLIS, UNTIL_MILLIS = 1_577_836_800_000, 1_893_456_000_000
"""2020 and 2030 in milliseconds: where dates and times lie that no hint bounds. Most 64-bit numbers are no date."""
BITS: Mapping[Type, int] = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32}


@dataclass(frozen=True, slots=True)
class Range:
    """From ``low`` up to, not including, ``high``."""

    low: Any
    high: Any

    @classmethod
    def from_hints(cls, hints: Mapping[str, Any], low: Number, high: Number) -> Self:
        """The hint ``range``, or these bounds where it says nothing. Raises ValueError if it is malformed or empty."""
        given = hints.get("range")
        if given is None:
            return cls(low, high)
        if not isinstance(given, dict) or not given or given.keys() - {"min", "max"}:
            raise ValueError("the hint range must be an object with min, max or both")
        for name, bound in given.items():
            if isinstance(bound, bool) or not isinstance(bound, int | float):
                raise ValueError(f"{name} of the hint range must be a number")
        found = cls(given.get("min", low), given.get("max", high))
        if found.low >= found.high:
            raise ValueError("the hint range must have a max above its min")
        return found


def iterated(hints: Mapping[str, Any], limit: Number) -> Make:
    """``start``, ``start + step`` … by the record's number, wrapping at ``restart`` (by default the limit)."""
    given = hints["iteration"]
    if len(hints) > 1 or not isinstance(given, dict) or "start" not in given:
        raise ValueError("the hint iteration must be an object with start, and the only hint")
    unknown = given.keys() - {"start", "restart", "step", "initial"}
    if unknown:
        raise ValueError(f"the hint iteration has no {', '.join(sorted(unknown))}")
    start, restart = given["start"], given.get("restart")
    step = given.get("step", -1 if restart is not None and restart < start else 1)
    initial = given.get("initial", start)
    if restart is None:
        restart = limit if step >= 0 else -limit
    if restart == start:
        raise ValueError("the hint iteration must have a restart other than its start")
    around = restart - start
    if abs(around) == float("inf"):
        return lambda random, number: float(initial + number * step)
    return lambda random, number: start + (initial - start + number * step) % around


def whole_numbers(schema: Schema, hints: Mapping[str, Any]) -> Make:
    """What makes integers, or what integers stand for: decimals, dates, times, timestamps."""
    limit = 1 << (BITS.get(schema.type, 64) - 1)
    match schema.name:
        case name if name == DECIMAL:
            return _decimals(schema, hints)
        case name if name == TIMESTAMP:
            return _converted(hints, limit, moment, Range(FROM_MILLIS, UNTIL_MILLIS))
        case name if name == DATE:
            return _converted(hints, limit, day, Range(FROM_MILLIS // DAY_MILLIS, UNTIL_MILLIS // DAY_MILLIS))
        case name if name == TIME:
            return _converted(hints, limit, time_of_day, Range(0, DAY_MILLIS))
        case _:
            return _integers(hints, limit, Range(-limit, limit))


def _integers(hints: Mapping[str, Any], limit: int, default: Range) -> Make:
    for hint in ("range", "iteration"):
        for name, value in (hints.get(hint) or {}).items():
            if not float(value).is_integer():
                raise ValueError(f"{name} of the hint {hint} must be a whole number")
    if "iteration" in hints:
        make = iterated(hints, limit - 1)
        return lambda random, number: int(make(random, number))
    bounds = Range.from_hints(hints, default.low, default.high)
    low, span = int(bounds.low), int(bounds.high) - int(bounds.low)
    if low < -limit or low + span > limit:
        raise ValueError("the hint range is wider than the type")
    return lambda random, number: low + int(random.random() * span)


def _converted(hints: Mapping[str, Any], limit: int, convert: Callable[[int], Any], default: Range) -> Make:
    make, bounds = _integers(hints, limit, default), Range.from_hints(hints, default.low, default.high)
    convert(int(bounds.low))
    convert(int(bounds.high) - 1)
    return lambda random, number: convert(make(random, number))


def _decimals(schema: Schema, hints: Mapping[str, Any]) -> Make:
    scale, digits = schema.scale, min(int(schema.parameter("connect.decimal.precision") or 18), 18)
    bounds = Range.from_hints(hints, 0, float(Decimal(10) ** (digits - scale)))
    low = int(Decimal(str(bounds.low)).scaleb(scale))
    span = int(Decimal(str(bounds.high)).scaleb(scale)) - low
    if span <= 0:
        raise ValueError("the hint range holds no decimal of this scale")
    return lambda random, number: from_unscaled(low + int(random.random() * span), scale)
