"""Columns to Avro messages: each field's bytes as a column of text, one character a byte, joined and cut apart again.

polars joins texts in one pass but bytes only in pairs; text of the first 256 characters is bytes to Python's latin-1.
The messages of a batch are cut apart at a marker that nobody outside can know, and are counted.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from secrets import token_bytes
from typing import Any

import polars as pl

from ferryman.formats.json.nested_columns import cut
from ferryman.formats.varint import long
from ferryman.java.decimals import twos_complement
from ferryman.record import Columns
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

_MARKER = token_bytes(16)
_GROUP = 1 << 14
"""Two of the seven-bit groups of a number are looked up at once."""
_HALF, _WORD = 1 << 15, 1 << 16

Parts = list[pl.Series]
_KINDS = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32), "int"),
    Type.INT64: "long",
    Type.FLOAT32: "float",
    Type.FLOAT64: "double",
    Type.BOOLEAN: "boolean",
    Type.STRING: "string",
    Type.BYTES: "bytes",
}


# How a batch becomes messages. A value is a list of columns (``Parts``), whose texts, one after the other in a row, are
# its bytes:
#
#     record {id: long, name: union of null and string}        head: magic byte and schema id
#
#     first              id        name
#     MARKER head        06        02 04 "ab"          row 0: id 3, name "ab"
#     MARKER head        c8 01     00                  row 1: id 100, name null
#
#     MARKER head 06 02 04 ab MARKER head c8 01 00     joined over rows, and cut at the markers
#
# Numbers differ in length, so each is a part for its first two bytes, one for the next two if any row has them, and so
# on; a row that is through has the empty text there. A null row is null in every part. The marker is random: should a
# value hold it after all, there are too many messages, and the rows do the batch.


class _Doubt(Exception):
    """A value that columns might write otherwise than rows; the whole batch is then left to the rows."""


def encode(columns: Columns, plain: Any, head: bytes) -> list[bytes] | None:
    """``head`` and the bytes of each struct, by the plain spelling of its schema's Writing; None for the rows to do."""
    try:
        parts = _value(columns.schema.as_optional(False), _own(plain, columns), columns.frame.to_struct("s"))
    except _Doubt:
        return None
    first = pl.lit((_MARKER + head + _branch(plain)).decode("latin-1"))
    joined = pl.DataFrame([part.alias(str(number)) for number, part in enumerate(parts)]).select(
        pl.concat_str(first, pl.all()).str.join("")
    )
    found = str(joined.item()).encode("latin-1").split(_MARKER)[1:]
    return found if len(found) == len(columns) else None


def _own(plain: Any, columns: Columns) -> Any:
    if not columns.schema.optional:
        return plain
    return next(each for each in plain if each != "null")


def _branch(plain: Any) -> bytes:
    """The number of the branch that is not null, where there is one."""
    return long(1 - plain.index("null")) if isinstance(plain, list) else b""


def _value(schema: Schema, plain: Any, found: pl.Series) -> Parts:
    """The texts that make a value, one after the other; null where the value is."""
    if schema.type in _NESTED:
        if not isinstance(plain, dict):
            raise _Doubt
        return _NESTED[schema.type](schema, plain, found)
    if plain != _KINDS.get(schema.type):
        raise _Doubt
    if schema.name == DECIMAL:
        return _decimals(found)
    if schema.name in (DATE, TIMESTAMP):
        return _numbers(found.to_physical())
    if schema.name == TIME:
        return _numbers(found.to_physical() // 1_000_000)
    return _PLAIN[schema.type](found)


def _structs(schema: Schema, plain: Any, found: pl.Series) -> Parts:
    if plain["type"] != "record":
        raise _Doubt
    if found.null_count():
        there = found.drop_nulls()
        if not len(there):
            return [pl.Series([None], dtype=pl.String()).new_from_index(0, len(found))]
        is_there = found.is_not_null()
        return [_joined(_structs(schema, plain, there)).gather((is_there.cum_sum() - 1).set(~is_there, None))]
    return [
        part
        for field, member in zip(schema.fields, plain["fields"], strict=True)
        for part in _member(field.schema, member["type"], found.struct.field(field.name))
    ]


def _arrays(schema: Schema, plain: Any, found: pl.Series) -> Parts:
    if plain["type"] != "array" or schema.values is None:
        raise _Doubt
    values = schema.values
    return _blocks(found, lambda items: _member(values, plain["items"], items))


def _maps(schema: Schema, plain: Any, found: pl.Series) -> Parts:
    """Maps of Avro, or arrays of records of key and value, which have the same bytes."""
    keys, values = schema.keys, schema.values
    if keys is None or values is None:
        raise _Doubt
    if plain["type"] == "map":
        names, members = "string", plain["values"]
        keys = replace(keys, optional=False)
    elif plain["type"] == "array" and isinstance(plain["items"], dict):
        names, members = [member["type"] for member in plain["items"]["fields"]]
    else:
        raise _Doubt

    def pairs(items: pl.Series) -> Parts:
        return [
            *_member(keys, names, items.struct.field("key")),
            *_member(values, members, items.struct.field("value")),
        ]

    return _blocks(found, pairs)


def _blocks(found: pl.Series, parts: Callable[[pl.Series], Parts]) -> Parts:
    """A list is the number of its items, these, and a nought; one without items is the nought alone."""
    sizes = found.list.len()
    is_full = sizes > 0
    items = _joined(parts(found.filter(is_full).explode()))
    inside = cut(items, sizes.fill_null(0)).list.join("")
    return [*_numbers(sizes), inside, _latin([b"", b"\x00"]).gather(is_full.cast(pl.UInt32()))]


def _joined(parts: Parts) -> pl.Series:
    """One text of several in a row; null where one of them is."""
    named = pl.DataFrame([part.alias(str(number)) for number, part in enumerate(parts)])
    return named.select(pl.concat_str(pl.all())).to_series()


def _member(schema: Schema, plain: Any, found: pl.Series) -> Parts:
    if found.null_count() and (not schema.optional or schema.default is not None):
        raise _Doubt
    if not schema.optional:
        return _value(schema, plain, found)
    if not isinstance(plain, list) or len(plain) != 2:
        raise _Doubt
    # A union is the number of the branch, then its value. A row with a null in any part is null as a whole for
    # concat_str, and becomes the number of the null branch, which has nothing behind it. So all parts have to be joined
    # here.
    parts = _value(schema, next(each for each in plain if each != "null"), found)
    null = long(plain.index("null")).decode("latin-1")
    number = pl.lit(_branch(plain).decode("latin-1"))
    named = pl.DataFrame([part.alias(str(index)) for index, part in enumerate(parts)])
    return [named.select(pl.concat_str(number, pl.all()).fill_null(null)).to_series()]


def _latin(texts: Sequence[bytes]) -> pl.Series:
    return pl.Series([text.decode("latin-1") for text in texts], dtype=pl.String())


@cache
def _groups() -> pl.Series:
    """Two groups: the last of a number, then those with more to come, then nothing."""
    last = [long(number >> 1) if number % 2 == 0 else _odd(number) for number in range(_GROUP)]
    more = [bytes([number & 0x7F | 0x80, number >> 7 | 0x80]) for number in range(_GROUP)]
    return _latin([*last, *more, b""])


def _odd(number: int) -> bytes:
    even = long(number >> 1)
    return bytes([even[0] | 1]) + even[1:]


def _numbers(found: pl.Series) -> Parts:
    # Avro's zigzag: n from 0 on is 2n, below it is 2·(-n-1)+1. For the smallest long -n alone would overflow.
    low = found.min()
    wide = found.cast(pl.Int64())
    if low is not None and low < 0:  # type: ignore[operator]
        signs = (wide < 0).cast(pl.Int64())
        folded = pl.select(pl.when(wide < 0).then(-(wide + 1)).otherwise(wide)).to_series()
        return _zigzag(folded.cast(pl.UInt64()) * 2 + signs.cast(pl.UInt64()))
    return _zigzag(wide.cast(pl.UInt64()) * 2)


def _zigzag(rest: pl.Series) -> Parts:
    # A number goes out from its low end, seven bits a byte, the top bit set on all bytes but the last. Two bytes at
    # once are looked up in one table, which has three ranges (``_groups``):
    #
    #     0 … GROUP-1           the number ends within these 14 bits: one or two bytes
    #     GROUP … 2·GROUP-1     more bits follow: two bytes, both with the top bit set
    #     2·GROUP               nothing: the number ended in a part before this one
    #
    # The rounds end when no row has bits left.
    table, parts = _groups(), []
    nothing = None
    while True:
        more = rest // _GROUP
        index = (rest % _GROUP).cast(pl.UInt32())
        last = (more.max() or 0) == 0
        if not last:
            index = index + (more > 0).cast(pl.UInt32()) * _GROUP
        if nothing is not None:
            index = index.set(nothing, 2 * _GROUP)
        parts.append(table.gather(index))
        if last:
            return parts
        nothing, rest = more == 0, more


def _strings(found: pl.Series) -> Parts:
    sizes = found.str.len_bytes()
    if sizes.sum() != found.str.len_chars().sum():
        found = _texts([None if text is None else text.encode() for text in found.to_list()])
    return [*_zigzag(sizes.cast(pl.UInt64()) * 2), found]


def _bytes(found: pl.Series) -> Parts:
    return [*_zigzag(found.bin.size().cast(pl.UInt64()) * 2), _texts(found.to_list())]


def _texts(items: Sequence[bytes | None]) -> pl.Series:
    return pl.Series([None if item is None else item.decode("latin-1") for item in items], dtype=pl.String())


def _booleans(found: pl.Series) -> Parts:
    return [_latin([b"\x00", b"\x01"]).gather(found.cast(pl.UInt32()))]


def _floats(code: str, size: int) -> Callable[[pl.Series], Parts]:
    def parts(found: pl.Series) -> Parts:
        text = struct.pack(f"<{len(found)}{code}", *found.fill_null(0.0).to_list()).decode("latin-1")
        made = pl.Series([text[start : start + size] for start in range(0, len(text), size)], dtype=pl.String())
        return [made.set(found.is_null(), None) if found.null_count() else made]

    return parts


@cache
def _amounts() -> tuple[pl.Series, pl.Series]:
    """Decimals below 2^15 with their size; then, for others, the size and what stands before the last two bytes."""
    short = [long(len(text)) + text for text in map(twos_complement, range(_HALF))]
    high = [long(len(text) + 2) + text for text in map(twos_complement, range(_HALF))]
    low = [number.to_bytes(2, "big") for number in range(_WORD)]
    return _latin([*short, *high]), _latin([*low, b""])


def _decimals(found: pl.Series) -> Parts:
    numbers = found.to_physical()
    if not numbers.is_between(0, (1 << 31) - 1).all():
        raw = [None if number is None else twos_complement(number) for number in numbers.to_list()]
        return _bytes(pl.Series(raw, dtype=pl.Binary()))
    wide = numbers.cast(pl.Int64())
    # Up to 2^31 two look-ups make the size and the bytes, high end first:
    #
    #     below 2^15    short[n]: size and all bytes              low[2^16]: nothing
    #     else          high[n / 2^16]: size and first bytes      low[n % 2^16]: the last two bytes
    #
    # high starts where short ends, at 2^15, in the same table. From 2^15 to 2^16 the first byte is 00: without it the
    # two others would be a negative number.
    first, second = _amounts()
    small = wide < _HALF
    start = (wide // _WORD + _HALF).set(small, 0) + wide.set(~small, 0)
    return [first.gather(start.cast(pl.UInt32())), second.gather((wide % _WORD).set(small, _WORD).cast(pl.UInt32()))]


_NESTED: dict[Type, Callable[[Schema, Any, pl.Series], Parts]] = {
    Type.STRUCT: _structs,
    Type.ARRAY: _arrays,
    Type.MAP: _maps,
}
_PLAIN: dict[Type, Callable[[pl.Series], Parts]] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), _numbers),
    Type.FLOAT32: _floats("f", 4),
    Type.FLOAT64: _floats("d", 8),
    Type.BOOLEAN: _booleans,
    Type.STRING: _strings,
    Type.BYTES: _bytes,
}
