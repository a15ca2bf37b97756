"""Many rows to Avro messages at once, field by field: for batches that are too small to be worth a frame.

Of each field all values are looked at together, and each becomes its bytes; a message is one row of these, joined.
Anything unusual is left to the code that writes value by value and says what is wrong: ``encode`` then returns None.
"""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.defaults import NUMBERS, UNION
from ferryman.formats.json.payload import INTEGER_RANGES
from ferryman.formats.varint import long
from ferryman.java.decimals import twos_complement, unscaled
from ferryman.schema import DECIMAL, RecursiveSchema, Schema, Type

_RANGES = {"int": INTEGER_RANGES[Type.INT32], "long": INTEGER_RANGES[Type.INT64]}
_FLAGS = {False: b"\x00", True: b"\x01"}


class _Doubt(Exception):
    """A value, or a schema, that is written one by one."""


def encode(values: Sequence[Any], schema: Schema, plain: Any, head: bytes) -> list[bytes] | None:
    """``head`` and the bytes of each value, by the plain spelling of its schema's Writing; None for the others to do:
    where a value is null or does not fit, and for arrays, maps, unions, enums and fixed sizes."""
    if plain == "bytes" or _has_lists(schema):
        return None  # a message that is nothing but bytes has no length before them
    try:
        parts = list(_present(schema, plain, values))
    except (_Doubt, DataError, ValueError, TypeError, AttributeError, OverflowError, struct.error, RecursionError):
        return None
    return list(map(b"".join, zip([head] * len(values), *parts, strict=True)))


@lru_cache(maxsize=4000)
def _has_lists(schema: Schema) -> bool:
    if schema.type in (Type.ARRAY, Type.MAP) or isinstance(schema, RecursiveSchema):
        return True
    return any(_has_lists(field.schema) for field in schema.fields)


Parts = Iterator[Sequence[bytes]]
"""Columns of bytes; what stands in a row of them, one after the other, is a value."""


def _present(schema: Schema, plain: Any, values: Sequence[Any]) -> Parts:
    """Values of which none is null."""
    if schema.optional:
        number, plain = _branch(plain)
        yield [long(number)] * len(values)
    if schema.type is Type.STRUCT:
        yield from _members(schema, plain, values)
        return
    write = _LOGICAL[schema.name] if schema.name in _LOGICAL else _WRITERS.get(schema.type)
    if write is None:
        raise _Doubt
    yield write(schema, plain, values)


def _members(schema: Schema, plain: Any, values: Sequence[Any]) -> Parts:
    if schema.name == UNION or not isinstance(plain, dict) or plain.get("type") != "record" or _kinds(values) - {dict}:
        raise _Doubt
    for field, member in zip(schema.fields, plain["fields"], strict=True):
        name = field.name
        yield from _member(field.schema, member["type"], [value.get(name) for value in values])


def _member(schema: Schema, plain: Any, values: Sequence[Any]) -> Parts:
    if type(None) not in _kinds(values):
        yield from _present(schema, plain, values)
        return
    if not schema.optional or schema.default is not None:
        raise _Doubt
    null = long(1 - _branch(plain)[0])
    parts = _present(schema, plain, [value for value in values if value is not None])
    joined = map(b"".join, zip(*parts, strict=True))
    yield [null if value is None else next(joined) for value in values]


def _branch(plain: Any) -> tuple[int, Any]:
    """The number of the branch that is not null, and its type."""
    if not isinstance(plain, list) or len(plain) != 2:
        raise _Doubt
    number = 1 - plain.index("null")
    return number, plain[number]


def _kinds(values: Sequence[Any]) -> set[type]:
    return set(map(type, values))


def _of(kind: type, name: str, plain: Any, values: Sequence[Any]) -> None:
    """Raises where another type, or another spelling of it, is met."""
    if plain != name or _kinds(values) - {kind}:
        raise _Doubt


def _integers(schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    _of(int, plain, plain, values)
    low, high = INTEGER_RANGES[schema.type]
    if values and not low <= min(values) <= max(values) <= high:
        raise _Doubt
    return _numbers(plain, values)


def _logical(number: Callable[[Any], int], schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    return _numbers(plain, list(map(number, values)))


def _numbers(plain: Any, values: Sequence[int]) -> Sequence[bytes]:
    low, high = _RANGES[plain] if plain in ("int", "long") else (0, -1)
    if values and not low <= min(values) <= max(values) <= high:
        raise _Doubt
    spelled = {value: _zigzag(value) for value in set(values)}
    return [spelled[value] for value in values]


def _zigzag(value: int) -> bytes:
    if value >= 0:
        return long(value)
    spelled = long(-value - 1)  # its least bit says that it is negative
    return bytes([spelled[0] | 1]) + spelled[1:]


def _texts(schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    _of(str, "string", plain, values)
    return _sized(list(map(str.encode, values)))


def _bytes(schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    _of(bytes, "bytes", plain, values)
    return _sized(values)


def _decimals(schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    if plain != "bytes":
        raise _Doubt
    return _sized([twos_complement(unscaled(value, schema.scale)) for value in values])


def _sized(values: Sequence[bytes]) -> Sequence[bytes]:
    sizes = {size: long(size) for size in set(map(len, values))}
    return [sizes[len(value)] + value for value in values]


def _flags(schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    _of(bool, "boolean", plain, values)
    return [_FLAGS[value] for value in values]


def _fractions(name: str, code: str, schema: Schema, plain: Any, values: Sequence[Any]) -> Sequence[bytes]:
    _of(float, name, plain, values)
    return list(map(struct.Struct(code).pack, values))


Write = Callable[[Schema, Any, Sequence[Any]], Sequence[bytes]]
_WRITERS: Mapping[Type, Write] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), _integers),
    Type.FLOAT32: partial(_fractions, "float", "<f"),
    Type.FLOAT64: partial(_fractions, "double", "<d"),
    Type.BOOLEAN: _flags,
    Type.STRING: _texts,
    Type.BYTES: _bytes,
}
_LOGICAL: Mapping[str | None, Write] = {
    DECIMAL: _decimals,
    **{name: partial(_logical, number) for name, (_, number) in NUMBERS.items()},
}
"""By the schema's name, whatever its type."""
