"""The shape that JSON objects without a schema have in common: their keys in order, and of which kind each value is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from ferryman.formats.json import typed_objects
from ferryman.formats.json.typed_objects import MOST_FIELDS, Decode

_PLAIN: Mapping[type, str] = {int: "int", float: "float", bool: "bool", str: "str", type(None): "null"}
_TYPES: Mapping[str, Any] = {"int": int, "float": int | float, "bool": bool, "str": str}
_DEEPEST = 20


class Kind(NamedTuple):
    """The kind of a key's values, as far as they are not null."""

    name: str
    """int, float, bool, str; null where there are only nulls; list, map."""
    items: "Kind | None" = None
    """The kind of a list's elements."""
    shape: "Shape | None" = None
    """The shape of maps."""


Shape = tuple[tuple[str, Kind], ...]


def shape_of(objects: Sequence[dict[str, Any]]) -> Shape | None:
    """The shape of the first of some objects; others that have its keys say what its nulls and empty lists would be.

    None if it has none that columns can hold: no key, a list of mixed values, keys with escapes.
    """
    keys = tuple(objects[0])
    try:
        return _shape([each for each in objects if tuple(each) == keys], _DEEPEST)
    except ValueError:
        return None


def _shape(objects: Sequence[dict[str, Any]], deepest: int) -> Shape:
    """The shape of objects with the same keys."""
    names = tuple(objects[0])
    if not names or not all(map(_is_plain, names)):
        raise ValueError("no keys, or keys with escapes")
    return tuple([(name, _kind([each[name] for each in objects], deepest - 1)) for name in names])


def _is_plain(name: str) -> bool:
    return bool(name) and name.isprintable() and '"' not in name and "\\" not in name


def _kind(values: Sequence[Any], deepest: int) -> Kind:
    """The kind of the first value that is not null; an empty list says nothing of its elements."""
    there = [value for value in values if value is not None]
    if deepest < 0:
        raise ValueError("too deep")
    if not there:
        return Kind("null")
    kind = there[0].__class__
    same = [value for value in there if value.__class__ is kind]
    if kind is dict:
        # Most of them, and not the first: what it holds may be another thing in each.
        keys = Counter(map(tuple, same)).most_common(1)[0][0]
        return Kind("map", shape=_shape([each for each in same if tuple(each) == keys], deepest))
    if kind is not list:
        return Kind(_PLAIN[kind])
    items = list(chain.from_iterable(same))
    if len({item.__class__ for item in items if item is not None}) > 1:
        raise ValueError("a list of mixed values")
    return Kind("list", items=_kind(items, deepest))


def keys(shape: Shape) -> Iterator[str]:
    """All keys in the order in which they stand in the text, those of maps inside too."""
    for name, kind in shape:
        yield name
        yield from _inner_keys(kind)


def _inner_keys(kind: Kind) -> Iterator[str]:
    if kind.shape is not None:
        yield from keys(kind.shape)
    elif kind.items is not None:
        yield from _inner_keys(kind.items)


def objects_in(shape: Shape) -> Iterator[Shape]:
    """The shape itself, and those of maps inside."""
    yield shape
    for _, kind in shape:
        while kind.items is not None:
            kind = kind.items
        if kind.shape is not None:
            yield from objects_in(kind.shape)


def floats(shape: Shape) -> Iterator[str]:
    """The names of all keys whose values are fractions, or lists of them."""
    for each in objects_in(shape):
        for name, kind in each:
            while kind.items is not None:
                kind = kind.items
            if kind.name == "float":
                yield name


@lru_cache(maxsize=1000)
def is_once_each(shape: Shape) -> bool:
    """Whether each key stands once in a text, whatever object it is of."""
    names = list(keys(shape))
    return len(set(names)) == len(names) and not any(
        _has_maps_in_lists(kind) for each in objects_in(shape) for _, kind in each
    )


def _has_maps_in_lists(kind: Kind) -> bool:
    return kind.items is not None and (kind.items.shape is not None or _has_maps_in_lists(kind.items))


@lru_cache(maxsize=1000)
def width(shape: Shape) -> int:
    """How many keys there are, those inside others included."""
    return sum(1 for _ in keys(shape))


@lru_cache(maxsize=1000)
def decoder(shape: Shape) -> Decode | None:
    """Parses objects of a shape; None if it is too wide, with what is inside.

    Where a float is wanted, integers are taken too and stay integers.
    """
    if width(shape) > MOST_FIELDS:
        return None
    try:
        return msgspec.json.Decoder(_object(shape)).decode
    except ValueError:
        return None


def _object(shape: Shape) -> Any:
    return typed_objects.objects({name: _type(kind) for name, kind in shape}, may_lack=False)


def _type(kind: Kind) -> Any:
    if kind.shape is not None:
        return _object(kind.shape) | None
    if kind.items is not None:
        return list[_type(kind.items)] | None  # type: ignore[misc]
    return None if kind.name == "null" else _TYPES[kind.name] | None
