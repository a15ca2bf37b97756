"""Columns to JSON objects as JsonConverter writes them, by polars' own writer, where that prints what the rows would.

On any doubt the answer is None, and the caller writes the rows, whose results and errors are the right ones.
"""

from binascii import b2a_base64
from collections.abc import Iterable
from functools import cache
from io import BytesIO

import polars as pl

from ferryman.java.decimals import twos_complement
from ferryman.record import Columns, Maps
from ferryman.schema import DATE, DECIMAL, INTEGERS, TIME, TIMESTAMP, Schema, Type

_AS_IS = frozenset({*INTEGERS, Type.BOOLEAN, Type.STRING})
_LONG = (1 << 63) - 1
_TWO, _THREE = 1 << 15, 1 << 23
"""Numbers below these have at most two, and three, bytes."""
_HALF_TEXT = 1 << 12


class _Doubt(Exception):
    """A value that columns might write otherwise than rows; the whole batch is then left to the rows."""


def dumps(columns: Columns, replace_null_with_default: bool = True) -> list[bytes] | None:
    """The JSON of each struct, decimals in base64; None where the rows must write it."""
    try:
        frame = _frame(columns.schema, columns.frame, replace_null_with_default)
    except _Doubt:
        return None
    return _lines(frame)


def dumps_maps(maps: Maps) -> list[bytes] | None:
    """The JSON of each map; None where the rows must write it."""
    if not all(map(_is_printable, maps.frame.iter_columns())):
        return None
    return _lines(maps.frame)


def _is_printable(found: pl.Series) -> bool:
    match found.dtype:
        case pl.Struct():
            return all(map(_is_printable, found.struct.unnest().iter_columns()))
        case pl.List(inner=inner):
            return inner != pl.Float64 or _is_plain(found.explode())
        case _:
            return found.dtype != pl.Float64 or _is_plain(found)


def _lines(frame: pl.DataFrame) -> list[bytes] | None:
    written = BytesIO()
    frame.write_ndjson(written)
    # Line breaks within texts are escaped.
    lines = written.getvalue().split(b"\n")[:-1]
    return lines if len(lines) == frame.height else None


def _frame(schema: Schema, frame: pl.DataFrame, replace: bool) -> pl.DataFrame:
    return pl.DataFrame([_column(field.schema, frame.get_column(field.name), replace) for field in schema.fields])


def _column(schema: Schema, found: pl.Series, replace: bool) -> pl.Series:
    if schema.type is Type.STRUCT:
        if schema.optional or found.null_count() or not schema.fields:
            raise _Doubt
        return _frame(schema, found.struct.unnest(), replace).to_struct(found.name)
    if found.null_count() and (not schema.optional or (schema.default is not None and replace)):
        raise _Doubt
    return _printable(schema, found)


def _printable(schema: Schema, found: pl.Series) -> pl.Series:
    match schema.name:
        case name if name == DECIMAL:
            return _base64(found)
        case name if name in (DATE, TIMESTAMP):
            return found.to_physical()
        case name if name == TIME:
            return found.to_physical() // 1_000_000
    if schema.type in _AS_IS:
        return found
    if schema.type is Type.BYTES:
        return found.bin.encode("base64")
    if schema.type in (Type.FLOAT32, Type.FLOAT64):
        return _plain(found)
    raise _Doubt


def _plain(found: pl.Series) -> pl.Series:
    if not _is_plain(found):
        raise _Doubt
    return found


def _is_plain(floats: pl.Series) -> bool:
    """Whether Java prints them without an exponent, as polars does."""
    size = floats.abs()
    return bool(((size >= 1e-3) & (size < 1e7) | (size == 0)).all())


def _base64(found: pl.Series) -> pl.Series:
    numbers = found.to_physical()
    if not numbers.is_between(-_LONG, _LONG).all():
        raise _Doubt
    wide = numbers.cast(pl.Int64())
    if wide.is_between(-_THREE, _THREE - 1).all():
        return _looked_up(wide).alias(found.name)
    return pl.Series(found.name, _texts(wide.to_list()), dtype=pl.String())


@cache
def _tables() -> tuple[pl.Series, pl.Series]:
    """The texts of numbers of up to two bytes, from the lowest on, and then of twelve bits; these again, then nothing.

    Four characters are three bytes, so two are twelve bits.
    """
    short = _texts(range(-_TWO, _TWO))
    bits = [b2a_base64((number << 12).to_bytes(3, "big"))[:2].decode() for number in range(_HALF_TEXT)]
    return pl.Series([*short, *bits], dtype=pl.String()), pl.Series([*bits, ""], dtype=pl.String())


def _looked_up(numbers: pl.Series) -> pl.Series:
    """Numbers of up to three bytes in base64, by two look-ups."""
    first, second = _tables()
    small = numbers.is_between(-_TWO, _TWO - 1)
    bits = numbers % (2 * _THREE)  # from 0 on, as two's complement has it
    start = (bits // _HALF_TEXT + 2 * _TWO).zip_with(~small, numbers + _TWO)
    rest = (bits % _HALF_TEXT).set(small, _HALF_TEXT)
    parts = pl.DataFrame({"a": first.gather(start.cast(pl.UInt32())), "b": second.gather(rest.cast(pl.UInt32()))})
    return parts.select(pl.concat_str("a", "b")).to_series()


def _texts(numbers: Iterable[int | None]) -> list[str | None]:
    encode = b2a_base64
    return [None if number is None else encode(twos_complement(number), newline=False).decode() for number in numbers]
