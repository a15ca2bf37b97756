"""JSON objects of a struct schema parsed into objects with a slot a field, their types checked on the way.

What is of another kind than its field, or has a member that the schema has not, is told apart, and so is what is not
JSON: the caller parses it by another way, which says what is wrong with it. Integers may be of any size.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from ferryman.schema import Schema, Type

Decode = Callable[[bytes], msgspec.Struct]

_MOST_FIELDS = 200
"""In a struct; members in another order than the schema's are looked for from its start, which takes the square."""
_LOOK = 32
"""So many bodies show whether most of them fit."""
_KINDS: dict[Type, Any] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), int),
    Type.FLOAT32: float,
    Type.FLOAT64: float,
    Type.BOOLEAN: bool,
    Type.STRING: str,
    Type.BYTES: str,
}
_MISFITS = (msgspec.MsgspecError, ValueError, RecursionError)


def typed(schema: Schema, bodies: Sequence[bytes]) -> tuple[Sequence[msgspec.Struct], Sequence[int]]:
    """The bodies as objects of a struct schema that can be columns, and the places of those that are none of it.

    Where these are many, all are.
    """
    decode = _decoder(schema)
    if decode is None:
        return (), range(len(bodies))
    try:
        return [decode(body) for body in bodies], ()
    except _MISFITS:
        return _sorted(decode, bodies)


def values(objects: Sequence[msgspec.Struct], place: int) -> list[Any]:
    """What the objects have in the field at that place of their schema; None where it is null or missing."""
    return list(map(attrgetter(_slot(place)), objects))


def _sorted(decode: Decode, bodies: Sequence[bytes]) -> tuple[Sequence[msgspec.Struct], Sequence[int]]:
    objects, others = list[msgspec.Struct](), list[int]()
    for at, body in enumerate(bodies):
        try:
            objects.append(decode(body))
        except _MISFITS:
            others.append(at)
            if len(others) > _LOOK and len(others) > len(objects):
                return (), range(len(bodies))
    return objects, others


@lru_cache(maxsize=1000)
def _decoder(schema: Schema) -> Decode | None:
    try:
        kind = _object(schema)
    except ValueError:
        return None
    return msgspec.json.Decoder(kind).decode


def _object(schema: Schema) -> Any:
    """Raises ValueError for a struct that is too wide, or has names that msgspec has no place for."""
    if len(schema.fields) > _MOST_FIELDS:
        raise ValueError("too many fields")
    return msgspec.defstruct(
        "Object",
        [(_slot(at), _kind(field.schema) | None, None) for at, field in enumerate(schema.fields)],
        rename={_slot(at): field.name for at, field in enumerate(schema.fields)},
        forbid_unknown_fields=True,
        gc=False,
    )


def _kind(schema: Schema) -> Any:
    if schema.type is Type.STRUCT:
        return _object(schema)
    if schema.type is not Type.ARRAY:
        return _KINDS[schema.type]
    assert schema.values is not None
    item = _KINDS[schema.values.type]
    return list[item | None] if schema.values.optional else list[item]  # type: ignore[valid-type]


def _slot(place: int) -> str:
    return f"f{place}"
