"""JSON objects parsed into objects with a slot a member, the members' kinds checked on the way.

What is of another kind than its member, or has one that is not named, is told apart, and so is what is not JSON: the
caller parses it by another way, which says what is wrong with it. Integers may be of any size.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from ferryman.schema import DECIMAL, Schema, Type

Decode = Callable[[bytes], msgspec.Struct]
Kinds = Mapping[str, Any]
"""The type of each member, as msgspec takes it."""

MOST_FIELDS = 200
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


def typed(decode: Decode | None, bodies: Sequence[bytes]) -> tuple[Sequence[msgspec.Struct], Sequence[int]]:
    """The bodies as objects, and the places of those that are none such. Where these are many, all are."""
    if decode is None:
        return (), range(len(bodies))
    try:
        return [decode(body) for body in bodies], ()
    except _MISFITS:
        return _sorted(decode, bodies)


def values(objects: Sequence[msgspec.Struct], place: int) -> list[Any]:
    """What the objects have in the member at that place; None where it is null or, if it may be, missing."""
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


@lru_cache(maxsize=4000)
def of_schema(schema: Schema) -> Decode | None:
    """Parses payloads of a struct schema that can be columns; None if it is too wide, or its names are too strange.

    A member that is missing is null, whether the schema allows that or not. So may any value be. Decimals are texts,
    integers, or, as bytes, the digits of other numbers; what else stands there is for the caller to find.
    """
    try:
        return msgspec.json.Decoder(_struct(schema), float_hook=str.encode).decode
    except ValueError:
        return None


def _struct(schema: Schema) -> Any:
    return objects({field.name: _kind(field.schema) for field in schema.fields}, may_lack=True)


def objects(kinds: Kinds, may_lack: bool) -> Any:
    """The type of objects with these members, which may lack some of them or must not.

    Raises ValueError if they are too many, or have names that msgspec has no place for.
    """
    if len(kinds) > MOST_FIELDS:
        raise ValueError("too many members")
    members = [(_slot(at), kind) for at, kind in enumerate(kinds.values())]
    return msgspec.defstruct(
        "Object",
        [(*member, None) for member in members] if may_lack else members,
        rename={_slot(at): name for at, name in enumerate(kinds)},
        forbid_unknown_fields=True,
        gc=False,
    )


def _kind(schema: Schema) -> Any:
    if schema.name == DECIMAL:
        return Any
    match schema.type:
        case Type.STRUCT:
            return _struct(schema) | None
        case Type.ARRAY if schema.values is not None:
            return list[_kind(schema.values)] | None  # type: ignore[misc]
        case Type.MAP if schema.keys is not None and schema.values is not None:
            return _map(schema.keys, _kind(schema.values)) | None
        case _:
            return _KINDS[schema.type] | None


def _map(keys: Schema, values: Any) -> Any:
    return dict[str, values] if keys.type is Type.STRING else list[tuple[_kind(keys), values]]  # type: ignore[misc]


def _slot(place: int) -> str:
    return f"f{place}"
