"""The shape that JSON objects without a schema have in common: their keys in order, and of which kind each value is."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ferryman.formats.json import typed_objects
from ferryman.formats.json.typed_objects import MOST_FIELDS, Decode

_SAMPLES = 50
"""This many objects are examined for the kinds of values that are null in the first."""
_PLAIN: Mapping[type, str] = {int: "int", float: "float", bool: "bool", str: "str", type(None): "null"}


class Kind(NamedTuple):
    """Of which kind the values of a key are."""

    name: str
    """int, float, bool, str; null where there are only nulls; list, map."""
    items: "Kind | None" = None
    """The kind of a list's elements."""
    shape: "Shape | None" = None
    """The shape of maps."""


Shape = tuple[tuple[str, Kind], ...]


def shape_of(objects: Sequence[dict[str, Any]]) -> Shape | None:
    """The shape of the first of some objects; others that have its keys say what its nulls and empty lists would be.

    None if it has none that columns can hold: no key, a list of other than plain values of a kind, keys with escapes.
    """
    first = objects[0]
    found: dict[str, Any] = dict(first)
    for name, value in first.items():
        if value is None or value == []:
            others = (each.get(name) for each in objects[1:_SAMPLES])
            found[name] = next((each for each in others if each is not None and each != []), value)
    try:
        return _shape(found)
    except ValueError:
        return None


def _shape(value: dict[str, Any]) -> Shape:
    if not value or not all(map(_is_plain, value)):
        raise ValueError("no keys, or keys with escapes")
    return tuple([(name, _kind(item)) for name, item in value.items()])


def _is_plain(name: str) -> bool:
    return bool(name) and name.isprintable() and '"' not in name and "\\" not in name


def _kind(value: Any) -> Kind:
    if value.__class__ is dict:
        return Kind("map", shape=_shape(value))
    if value.__class__ is not list:
        return Kind(_PLAIN[value.__class__])
    kinds = {item.__class__ for item in value} or {type(None)}
    if len(kinds) != 1 or not kinds <= _PLAIN.keys():
        raise ValueError("a list of mixed values, or of maps or lists")
    return Kind("list", items=Kind(_PLAIN[kinds.pop()]))


def keys(shape: Shape) -> Iterator[str]:
    """All keys in the order in which they stand in the text, those of maps inside too."""
    for name, kind in shape:
        yield name
        if kind.shape is not None:
            yield from keys(kind.shape)


def floats(shape: Shape) -> Iterator[str]:
    """Those of the keys whose values are fractions, or lists of them."""
    for name, kind in shape:
        if kind.name == "float" or (kind.items is not None and kind.items.name == "float"):
            yield name
        elif kind.shape is not None:
            yield from floats(kind.shape)


@lru_cache(maxsize=1000)
def decoder(shape: Shape) -> Decode | None:
    """Parses objects of a shape; None if it is too wide, with what is inside, or a key stands in it twice.

    The whole text is searched for each key, so that those of nested objects count as much as the others.
    Where a float is wanted, integers are taken too and stay integers.
    """
    names = list(keys(shape))
    if len(names) > MOST_FIELDS or len(set(names)) != len(names):
        return None
    try:
        return msgspec.json.Decoder(_object(shape)).decode
    except ValueError:
        return None


def _object(shape: Shape) -> Any:
    return typed_objects.objects({name: _type(kind) for name, kind in shape}, may_lack=False)


def _type(kind: Kind) -> Any:
    match kind.name:
        case "map":
            assert kind.shape is not None
            return _object(kind.shape)
        case "list":
            assert kind.items is not None
            return list[_item(kind.items)] | None  # type: ignore[misc]
        case "null":
            return None
        case _:
            return _item(kind) | None


def _item(kind: Kind) -> Any:
    return {"int": int, "float": int | float, "bool": bool, "str": str, "null": None}[kind.name]
