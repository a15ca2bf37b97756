"""Columns to JSON objects as JsonConverter writes them, by polars' own writer, where that prints what the rows would.

On any doubt the answer is None, and the caller writes the rows, whose results and errors are the right ones.
"""

from binascii import b2a_base64
from collections.abc import Iterable
from functools import cache
from io import BytesIO
from secrets import token_hex
from typing import NamedTuple

import polars as pl

from ferryman.formats.json.nested_columns import cut
from ferryman.java.decimals import twos_complement
from ferryman.record import Columns, Maps
from ferryman.schema import DATE, DECIMAL, INTEGERS, TIME, TIMESTAMP, Schema, Type

_AS_IS = frozenset({*INTEGERS, Type.BOOLEAN, Type.STRING})
_LOGICAL = frozenset({DECIMAL, DATE, TIME, TIMESTAMP})
_MARK = token_hex(16)
"""Nobody outside can know it."""
_LONG = (1 << 63) - 1
_TWO, _THREE = 1 << 15, 1 << 23
"""Numbers below these have at most two, and three, bytes."""
_HALF_TEXT = 1 << 12


class _Doubt(Exception):
    """A value that columns might write otherwise than rows; the whole batch is then left to the rows."""


class How(NamedTuple):
    """How values are written."""

    replace: bool = True
    """Whether a null is written as its field's default."""
    numeric: bool = False
    """Whether decimals are numbers, or base64."""


def dumps(columns: Columns, how: How) -> list[bytes] | None:
    """The JSON of each struct; None where the rows must write it."""
    try:
        frame = _frame(columns.schema, columns.frame, how)
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
    text = written.getvalue().replace(b'"' + _MARK.encode(), b"").replace(_MARK.encode() + b'"', b"")
    # Line breaks within texts are escaped.
    lines = text.split(b"\n")[:-1]
    return lines if len(lines) == frame.height else None


def _frame(schema: Schema, frame: pl.DataFrame, how: How) -> pl.DataFrame:
    return pl.DataFrame([_column(field.schema, frame.get_column(field.name), how) for field in schema.fields])


def _column(schema: Schema, found: pl.Series, how: How) -> pl.Series:
    if found.null_count() and (not schema.optional or (schema.default is not None and how.replace)):
        raise _Doubt
    if schema.name in _LOGICAL or schema.type not in (Type.STRUCT, Type.ARRAY):
        return _printable(schema, found, how)
    there = found.drop_nulls()
    if not len(there):
        return pl.Series(found.name, [None], dtype=pl.Null).new_from_index(0, len(found))
    made = _structs(schema, there, how) if schema.type is Type.STRUCT else _arrays(schema, there, how)
    if len(there) < len(found):
        is_there = found.is_not_null()
        made = made.gather((is_there.cum_sum() - 1).set(~is_there, None))
    return made.alias(found.name)


def _structs(schema: Schema, found: pl.Series, how: How) -> pl.Series:
    if not schema.fields:
        raise _Doubt
    return _frame(schema, found.struct.unnest(), how).to_struct()


def _arrays(schema: Schema, found: pl.Series, how: How) -> pl.Series:
    if schema.values is None:
        raise _Doubt
    sizes = found.list.len()
    return cut(_column(schema.values, found.filter(sizes > 0).explode(), how), sizes)


def _printable(schema: Schema, found: pl.Series, how: How) -> pl.Series:
    match schema.name:
        case name if name == DECIMAL:
            return _numbers(found) if how.numeric else _base64(found)
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


def _numbers(found: pl.Series) -> pl.Series:
    """Digits between marks, which are taken away with the quotes around them."""
    digits = found.cast(pl.String).alias("x").to_frame()
    return digits.select(pl.concat_str(pl.lit(_MARK), "x", pl.lit(_MARK))).to_series().alias(found.name)


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
