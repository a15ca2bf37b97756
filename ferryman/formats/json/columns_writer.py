"""Columns to JSON objects as JsonConverter writes them, by polars' own writer, where that prints what the rows would.

On any doubt the answer is None, and the caller writes the rows, whose results and errors are the right ones.
"""

from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from itertools import chain
from secrets import token_hex
from typing import NamedTuple

import polars as pl

from ferryman.data import values_of
from ferryman.errors import DataError
from ferryman.formats.eager import same
from ferryman.formats.json.many_values import printed_all
from ferryman.formats.json.nested_columns import cut
from ferryman.formats.json.payload import writer
from ferryman.java.decimals import twos_complement
from ferryman.record import Columns, Maps
from ferryman.schema import DATE, DECIMAL, FLOATS, INTEGERS, TIME, TIMESTAMP, Schema, Type

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


class _Apart(NamedTuple):
    """Values of a column that are printed by themselves."""

    mark: bytes
    """What polars prints in their place. Nobody outside can know it."""
    texts: Sequence[bytes]
    """The JSON of each, null excepted, in the order in which they are met in the text."""


class How(NamedTuple):
    """How values are written."""

    replace: bool = True
    """Whether a null is written as its field's default."""
    numeric: bool = False
    """Whether decimals are numbers, or base64."""


def dumps(columns: Columns, how: How) -> list[bytes] | None:
    """The JSON of each struct; None where the rows must write it."""
    writing = _Writing(how)
    try:
        frame = writing.frame(columns.schema, columns.frame)
    except (_Doubt, DataError):
        return None
    return _lines(frame, writing.apart)


def dumps_maps(maps: Maps) -> list[bytes] | None:
    """The JSON of each map; None where the rows must write it."""
    if not all(map(_is_printable, maps.frame.iter_columns())):
        return None
    return _lines(maps.frame, ())


def _is_printable(found: pl.Series) -> bool:
    match found.dtype:
        case pl.Struct():
            return all(map(_is_printable, found.struct.unnest().iter_columns()))
        case pl.List(inner=inner):
            return inner != pl.Float64 or _is_plain(found.explode())
        case _:
            return found.dtype != pl.Float64 or _is_plain(found)


def _lines(frame: pl.DataFrame, apart: Sequence[_Apart]) -> list[bytes] | None:
    written = BytesIO()
    frame.write_ndjson(written)
    text = written.getvalue().replace(b'"' + _MARK.encode(), b"").replace(_MARK.encode() + b'"', b"")
    for mark, texts in apart:
        first, *others = text.split(b'"' + mark + b'"')
        if len(others) != len(texts):
            return None
        text = b"".join([first, *chain.from_iterable(zip(texts, others, strict=True))])
    # Line breaks within texts are escaped.
    lines = text.split(b"\n")[:-1]
    return lines if len(lines) == frame.height else None


class _Writing:
    """Makes columns that polars prints right of columns with a schema."""

    def __init__(self, how: How) -> None:
        self._how = how
        self.apart: list[_Apart] = []
        """What has to be put into the text afterwards."""

    def frame(self, schema: Schema, found: pl.DataFrame) -> pl.DataFrame:
        """The columns of structs. Raises _Doubt, or DataError as the rows' writer."""
        return pl.DataFrame([self._column(field.schema, found.get_column(field.name)) for field in schema.fields])

    def _column(self, schema: Schema, found: pl.Series) -> pl.Series:
        if found.null_count() and (not schema.optional or (schema.default is not None and self._how.replace)):
            raise _Doubt
        if schema.name in _LOGICAL or schema.type not in (Type.STRUCT, Type.ARRAY):
            return self._printable(schema, found)
        there = found.drop_nulls()
        if not len(there):
            return pl.Series(found.name, [None], dtype=pl.Null).new_from_index(0, len(found))
        made = self._structs(schema, there) if schema.type is Type.STRUCT else self._arrays(schema, there)
        if len(there) < len(found):
            is_there = found.is_not_null()
            made = made.gather((is_there.cum_sum() - 1).set(~is_there, None))
        return made.alias(found.name)

    def _structs(self, schema: Schema, found: pl.Series) -> pl.Series:
        if not schema.fields:
            raise _Doubt
        return self.frame(schema, found.struct.unnest()).to_struct()

    def _arrays(self, schema: Schema, found: pl.Series) -> pl.Series:
        if schema.values is None:
            raise _Doubt
        sizes = found.list.len()
        return cut(self._column(schema.values, found.filter(sizes > 0).explode()), sizes)

    def _printable(self, schema: Schema, found: pl.Series) -> pl.Series:
        match schema.name:
            case name if name == DECIMAL and self._how.numeric:
                return _numbers(found)
            case name if name == DECIMAL:
                return _base64(found) if _are_short(found) else self._apart(schema, found)
            case name if name in (DATE, TIMESTAMP):
                return found.to_physical()
            case name if name == TIME:
                return found.to_physical() // 1_000_000
        if schema.type in _AS_IS or (schema.type in FLOATS and _is_plain(found)):
            return found
        if schema.type is Type.BYTES:
            return found.bin.encode("base64")
        return self._apart(schema, found)

    def _apart(self, schema: Schema, found: pl.Series) -> pl.Series:
        """A column of marks, in the place of which the text of each value is put."""
        values = [value for value in values_of(found, schema) if value is not None]
        mark = token_hex(16)
        write = writer(schema, self._how.numeric, self._how.replace)
        self.apart.append(_Apart(mark.encode(), printed_all(values, write)))
        return same(found.name, mark, pl.String(), len(found)).set(found.is_null(), None)


def _numbers(found: pl.Series) -> pl.Series:
    """Digits between marks, which are taken away with the quotes around them."""
    digits = found.cast(pl.String).alias("x").to_frame()
    return digits.select(pl.concat_str(pl.lit(_MARK), "x", pl.lit(_MARK))).to_series().alias(found.name)


def _is_plain(floats: pl.Series) -> bool:
    """Whether Java prints them without an exponent, as polars does."""
    size = floats.abs()
    return bool(((size >= 1e-3) & (size < 1e7) | (size == 0)).all())


def _are_short(found: pl.Series) -> bool:
    """Whether all have no more than 64 bits."""
    return bool(found.to_physical().is_between(-_LONG, _LONG).all())


def _base64(found: pl.Series) -> pl.Series:
    wide = found.to_physical().cast(pl.Int64())
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
