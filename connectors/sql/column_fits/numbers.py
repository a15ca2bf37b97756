"""Numbers and booleans in columns: they arrive as the same number, or not at all."""

from collections.abc import Iterator

import polars as pl

from ferryman.connectors.sql.column_fits import digits
from ferryman.connectors.sql.column_fits.fit import Check, Fit
from ferryman.connectors.sql.column_fits.target import Bits, Boolean, Decimal, Float, Integer, Json, Target, Text
from ferryman.schema import DECIMAL, FLOATS, INTEGERS, Schema, Type

RANGES = {
    Type.INT8: (-(2**7), 2**7 - 1),
    Type.INT16: (-(2**15), 2**15 - 1),
    Type.INT32: (-(2**31), 2**31 - 1),
    Type.INT64: (-(2**63), 2**63 - 1),
}
"""The least and the greatest number of each of Connect's types."""
_ANY_SCALE = 400
"""More digits after the point than a float or a text of a number has."""
_FLOAT_BITS = {True: 53, False: 24}


def boolean(target: Target, *, as_numbers: bool) -> Fit | None:
    """A boolean; where the database has none, it is 0 or 1."""
    if isinstance(target, Text):
        return None if target.is_shorter_than(1 if as_numbers else len("true")) else Fit("plain")
    if isinstance(target, Boolean):
        return Fit("plain")
    if isinstance(target, Json):
        return Fit("text", convert=_as_json)
    has_both = not isinstance(target, Integer) or target.low <= 0 < target.high
    return Fit("plain") if as_numbers and has_both and isinstance(target, Integer | Bits | Float | Decimal) else None


def _as_json(values: pl.Series) -> pl.Series:
    return values.cast(pl.String)


def number(schema: Schema, target: Target) -> Fit | None:
    """A number of any kind; None if the column is not for numbers."""
    if isinstance(target, Text):
        return Fit("text", convert=_printed_float) if schema.type in FLOATS else Fit("plain")
    if isinstance(target, Json):
        return Fit("text", tuple(_special(schema.type not in FLOATS)), _as_json)
    if schema.type in INTEGERS:
        return _integer(schema.type, target)
    return _decimal(schema, target) if schema.name == DECIMAL else _float(schema.type, target)


def _printed_float(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).str.replace("inf", "Infinity", literal=True).str.replace(r"\.0$", "")


def _integer(kind: Type, target: Target) -> Fit | None:
    low, high = RANGES[kind]
    match target:
        case Integer() if target.low <= high:
            return Fit("plain", tuple(_within(target, low, high)))
        case Bits(length):
            return Fit("plain", tuple(_within(Integer(0, 2**length - 1), low, high)))
        case Float(double=double) if high.bit_length() > _FLOAT_BITS[double]:
            float_type = pl.Float64 if double else pl.Float32
            return Fit("plain", (Check(lambda values: _differs(values, float_type), _exact_float(double)),))
        case Float():
            return Fit("plain")
        case Decimal(scale=scale):
            return Fit("plain", tuple(_scaled(scale, 0)))
        case _:
            return None


def _within(target: Integer, low: int, high: int) -> Iterator[Check]:
    if target.low > low or target.high < high:
        least, most = max(target.low, -(2**63)), min(target.high, 2**63 - 1)

        def outside(values: pl.Series) -> pl.Series:
            numbers = values.cast(pl.Int64)
            return (numbers < least) | (numbers > most)

        yield Check(outside, f"numbers from {target.low} to {target.high}")


def _differs(values: pl.Series, float_type: type[pl.DataType]) -> pl.Series:
    return values.cast(float_type).cast(pl.Int128, strict=False) != values.cast(pl.Int128)


def _exact_float(double: bool) -> str:
    return f"numbers that a float of {64 if double else 32} bits holds exactly"


def _scaled(scale: int | None, most: int) -> Iterator[Check]:
    """A check unless no number has digits beyond ``most`` places, and the column has as many."""
    if scale is not None and scale < most:
        yield Check(lambda values: digits.beyond(digits.texts(values), scale), _rounded(scale))


def _rounded(scale: int) -> str:
    """What a column of that scale takes."""
    if scale < 0:
        return f"multiples of 1{'0' * -scale}"
    return "whole numbers" if scale == 0 else f"numbers of at most {scale} digits after the point"


def _decimal(schema: Schema, target: Target) -> Fit | None:
    match target:
        case Integer():
            checks = (*_scaled(0, schema.scale), *_range(target))
            return Fit("plain", checks, _as_whole if schema.scale > 0 else None)
        case Float(double=double, places=places):
            return Fit("plain", (_printed(double), *_scaled(places, schema.scale)))
        case Decimal(scale=scale):
            return Fit("plain", tuple(_scaled(scale, schema.scale)))
        case _:
            return None


def _printed(double: bool) -> Check:
    most = digits.DOUBLE_DIGITS if double else digits.SINGLE_DIGITS
    return Check(
        lambda values: digits.inexact(digits.texts(values), double),
        f"decimals of at most {most} digits, in its range",
    )


def _as_whole(values: pl.Series) -> pl.Series:
    """With one text for one number, so that keys which are the same look the same."""
    return _counted(values).cast(pl.String)


def _counted(values: pl.Series) -> pl.Series:
    """As integers of 128 bits, null for what is larger: for numbers of any size."""
    return digits.whole(digits.texts(values)).str.replace(r"^\+", "").cast(pl.Int128, strict=False)


def _range(target: Integer) -> Iterator[Check]:
    def outside(values: pl.Series) -> pl.Series:
        found = _counted(values)
        low, high = (pl.Series([limit], dtype=pl.Int128) for limit in (target.low, target.high))
        return ((found < low) | (found > high)).fill_null(value=True) & values.is_not_null()

    yield Check(outside, f"numbers from {target.low} to {target.high}")


def _float(kind: Type, target: Target) -> Fit | None:
    match target:
        case Integer():
            return Fit("text", (Check(_fraction, "whole numbers"), *_range(target)), _float_as_whole)
        case Float(double=double, special=special, widened=widened):
            narrowed = _narrowed() if kind is Type.FLOAT64 and not double else ()
            checks = (*_special(special), *narrowed, *_scaled(target.places, _ANY_SCALE))
            wider = kind is Type.FLOAT32 and double and widened
            return Fit("plain", checks, _widened if wider else None)
        case Decimal(scale=scale, special=special):
            return Fit("plain", (*_special(special), *_scaled(scale, _ANY_SCALE)))
        case _:
            return None


def _fraction(values: pl.Series) -> pl.Series:
    return values.is_nan() | values.is_infinite() | (values != values.floor())


def _float_as_whole(values: pl.Series) -> pl.Series:
    return values.cast(pl.Int128, strict=False).cast(pl.String)


def _widened(values: pl.Series) -> pl.Series:
    return values.cast(pl.Float64)


def _special(allowed: bool) -> Iterator[Check]:
    if not allowed:
        yield Check(lambda values: values.is_nan() | values.is_infinite(), "numbers, and neither NaN nor infinity")


def _narrowed() -> Iterator[Check]:
    def differs(values: pl.Series) -> pl.Series:
        found = values.cast(pl.Float32).cast(pl.Float64)
        changed = (found != values) & ~(values.is_nan() & found.is_nan())
        if not changed.any():
            return changed
        printed = digits.texts(values.set(values.is_infinite(), None))
        return changed & digits.inexact(printed, double=False).fill_null(value=False)

    yield Check(differs, f"numbers of at most {digits.SINGLE_DIGITS} digits, in its range")


def text(target: Target) -> Fit | None:
    """Text that is a number; None if the column is not for numbers."""
    match target:
        case Integer():
            return Fit("text", (_numeral(), *_scaled(0, _ANY_SCALE), *_range(target)), _as_whole)
        case Float(double=double, places=places):
            return Fit("plain", (_numeral(), _printed(double), *_scaled(places, _ANY_SCALE)))
        case Decimal(scale=scale):
            return Fit("plain", (_numeral(), *_scaled(scale, _ANY_SCALE)))
        case _:
            return None


def _numeral() -> Check:
    return Check(lambda values: ~values.str.contains(digits.NUMBER), "texts of decimal numbers")
