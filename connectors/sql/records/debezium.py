"""Debezium's own types (``io.debezium.time.*``, ``io.debezium.data.*``) as values that a database takes.

What its sources encode as numbers or bytes becomes the text that it stands for, or a number; a schema keeps its name,
by which a dialect knows the column that it creates. As ``io.debezium.connector.jdbc.type`` does it: times without a
zone are the clock on the wall, and nothing moves them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from ferryman.errors import DataError
from ferryman.formats.polars_types import MISFITS, dtype
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

TIMES = "io.debezium.time."
DATA = "io.debezium.data."
GEOMETRY = f"{DATA}geometry."
BITS, VARIABLE, DURATION = f"{DATA}Bits", f"{DATA}VariableScaleDecimal", f"{TIMES}MicroDuration"
UNLIMITED = 2**31 - 1
"""The length of bits that are as many as there are."""
_MOST_SCALE = 30
"""Digits after the point of a created column for decimals of any scale, where a column must say it."""

_FARTHEST = 260_000 * 31_556_952
"""Seconds from 1970, in both directions, that are surely written out by polars, whose years end about 262,000."""

Convert = Callable[[pl.Series, Schema], pl.Series]


@dataclass(frozen=True, slots=True)
class Notation:
    """How a database writes what Debezium has types for."""

    bits_are_numbers: bool = False
    """Whether bits are taken as a number, or as the text of their digits."""
    has_durations: bool = False
    """Whether it has a type for durations, as ISO 8601 writes them."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of a type."""

    schema: Schema
    """What its values are then."""
    convert: Convert
    """Makes them so."""


def conversion(schema: Schema, notation: Notation, moves_clocks: bool) -> Conversion | None:
    """What becomes of a type of Debezium's; None if its values are taken as they are.

    ``moves_clocks``: whether Connect's dates and times would be moved to a zone, which Debezium's sink does not do;
    then they become text as well. Raises DataError, by its name, for a type that cannot be written.
    """
    name = schema.name or ""
    if name.startswith(GEOMETRY):
        raise DataError(f"The type {name} is not written: drop its fields with the key field.exclude.list")
    if name == DURATION and not notation.has_durations:
        return None
    if name == VARIABLE:
        return Conversion(_decimal(schema), _decimals)
    if name == BITS:
        convert, kind = (_numbers, Type.INT64) if notation.bits_are_numbers else (_bits, Type.STRING)
        return _named(schema, kind, name, convert)
    if name in _TEXTS:
        return _named(schema, Type.STRING, name, _TEXTS[name])
    if moves_clocks and name in _CONNECTS:
        return _named(schema, Type.STRING, _CONNECTS[name], _CLOCKS[name])
    return None


def _named(schema: Schema, kind: Type, name: str, convert: Convert) -> Conversion:
    default = None if schema.default is None else convert(_series(schema, [schema.default]), schema).item()
    return Conversion(replace(schema, type=kind, name=name, default=default), convert)


def _decimal(schema: Schema) -> Schema:
    scale = (("scale", str(_MOST_SCALE)),)
    return Schema(Type.BYTES, optional=schema.optional, name=DECIMAL, version=1, parameters=scale)


def convert(found: Conversion, schema: Schema, values: Sequence[Any]) -> Sequence[Any]:
    """Python values of a schema, converted. Raises DataError for one that is none of the type."""
    if found.convert is _decimals:
        return [None if value is None else _unscaled(value) for value in values]
    try:
        series = _series(schema, values)
    except MISFITS:
        raise _misfit(schema) from None
    return converted_column(found, schema, series).to_list()


def converted_column(found: Conversion, schema: Schema, values: pl.Series) -> pl.Series:
    """A column of a schema, converted. Raises DataError for a value that is none of the type."""
    try:
        return found.convert(values, schema)
    except MISFITS:
        raise _misfit(schema) from None


def _misfit(schema: Schema) -> DataError:
    return DataError(f"A value is no {schema.name}")


def _series(schema: Schema, values: Sequence[Any]) -> pl.Series:
    return pl.Series(values, dtype=dtype(schema), strict=True)


def _expression(make: Callable[[pl.Expr], pl.Expr], most: int | None = None) -> Convert:
    """``most``: the greatest number, and with its sign the smallest, that polars can write out; beyond it panics."""

    def convert(values: pl.Series, _: Schema) -> pl.Series:
        if most is not None and not values.is_between(-most, most).all():
            raise OverflowError
        return values.alias("v").to_frame().select(make(pl.col("v"))).to_series()

    return convert


def _date(values: pl.Expr) -> pl.Expr:
    return values.cast(pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d")


def _moment(unit: Literal["ms", "us", "ns"]) -> Callable[[pl.Expr], pl.Expr]:
    def text(values: pl.Expr) -> pl.Expr:
        moments = values.cast(pl.Int64).cast(pl.Datetime(unit))
        return moments.dt.to_string("%Y-%m-%d %H:%M:%S%.9f").str.replace("000$", "")

    return text


def _clock(digits: int) -> Callable[[pl.Expr], pl.Expr]:
    """A time of day, or a span of it, in units of 10^-digits of a second."""

    def text(values: pl.Expr) -> pl.Expr:
        size = values.cast(pl.Int64).abs()
        seconds, fraction = size // 10**digits, size % 10**digits
        places = (seconds // 3600, seconds // 60 % 60, seconds % 60)
        hours, minutes, rest = (place.cast(pl.String).str.zfill(2) for place in places)
        sign = pl.when(values < 0).then(pl.lit("-")).otherwise(pl.lit(""))
        dot = fraction.cast(pl.String).str.zfill(digits).str.replace(r"^(\d{6})000$", "${1}")
        found: pl.Expr = sign + hours + pl.lit(":") + minutes + pl.lit(":") + rest + pl.lit(".") + dot
        return found

    return text


def _duration(values: pl.Expr) -> pl.Expr:
    """Microseconds as ISO 8601 has durations."""
    size = values.abs()
    sign = pl.when(values < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    fraction = (size % 1_000_000).cast(pl.String).str.zfill(6)
    return pl.lit("PT") + sign + (size // 1_000_000).cast(pl.String) + pl.lit(".") + fraction + pl.lit("S")


def _bits(values: pl.Series, schema: Schema) -> pl.Series:
    """Bytes, the lowest first, as the digits of their bits."""
    texts = [None if value is None else _digits(value, schema) for value in values.to_list()]
    return pl.Series(texts, dtype=pl.String)


def _numbers(values: pl.Series, schema: Schema) -> pl.Series:
    numbers = [None if value is None else int(_digits(value, schema) or "0", 2) for value in values.to_list()]
    if any(number is not None and number >= 2**63 for number in numbers):
        raise OverflowError
    return pl.Series(numbers, dtype=pl.Int64)


def _digits(value: bytes, schema: Schema) -> str:
    number, length = int.from_bytes(value, "little"), int(schema.parameter("length") or UNLIMITED)
    text = bin(number)[2:] if number else ""
    if length != UNLIMITED and len(text) > length:
        raise OverflowError
    return text if length == UNLIMITED else text.zfill(length)


def _decimals(values: pl.Series, _: Schema) -> pl.Series:
    raise TypeError("decimals of any scale are converted one by one")


def _unscaled(value: Any) -> Decimal:
    try:
        number = int.from_bytes(value["value"], "big", signed=True)
        digits = tuple(map(int, str(abs(number))))
        return Decimal((int(number < 0), digits, -int(value["scale"])))
    except (TypeError, KeyError, ValueError):
        raise DataError(f"A value is no {VARIABLE}") from None


_TEXTS: dict[str, Convert] = {
    f"{TIMES}Date": _expression(_date, _FARTHEST // 86_400),
    f"{TIMES}Time": _expression(_clock(3)),
    f"{TIMES}MicroTime": _expression(_clock(6)),
    f"{TIMES}NanoTime": _expression(_clock(9)),
    f"{TIMES}Timestamp": _expression(_moment("ms"), _FARTHEST * 1_000),
    f"{TIMES}MicroTimestamp": _expression(_moment("us"), _FARTHEST * 1_000_000),
    f"{TIMES}NanoTimestamp": _expression(_moment("ns")),
    DURATION: _expression(_duration),
}
_CONNECTS = {DATE: f"{TIMES}Date", TIME: f"{TIMES}Time", TIMESTAMP: f"{TIMES}Timestamp"}
_CLOCKS: dict[str, Convert] = {
    DATE: _expression(lambda values: values.dt.to_string("%Y-%m-%d")),
    TIME: _expression(lambda values: values.dt.to_string("%H:%M:%S%.3f")),
    TIMESTAMP: _expression(lambda values: values.dt.to_string("%Y-%m-%d %H:%M:%S%.6f")),
}
