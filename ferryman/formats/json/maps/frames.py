"""Columns of objects that are parsed by their shape. A null stands where there is none; what leaves a doubt is told."""

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import chain
from typing import Any

import polars as pl

from ferryman.formats.json import typed_objects
from ferryman.formats.json.maps.shapes import Kind, Shape
from ferryman.formats.json.nested_columns import Read, cut, owners, spread

_LOW, _HIGH = -(1 << 63), (1 << 63) - 1
_TOO_WIDE = (OverflowError, TypeError)
"""What polars raises for an integer that a column has no room for."""
_DTYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "str": pl.String(),
    "null": pl.Null(),
}
_NONE = frozenset[int]()


def frame(shape: Shape, objects: Sequence[Any]) -> tuple[pl.DataFrame, Set[int]]:
    """The members of objects, of which there is at least one, and the places of the odd ones: with an integer where the
    others have fractions, or with one beyond 64 bits. What the columns have there means nothing."""
    found, odd = list[pl.Series](), set[int]()
    for place, (name, kind) in enumerate(shape):
        column, guilty = _column(kind, typed_objects.values(objects, place))
        found.append(column.alias(name))
        odd |= guilty
    return pl.DataFrame(found), odd


def _column(kind: Kind, values: Sequence[Any]) -> Read:
    if kind.shape is None and kind.items is None:
        return _plain(kind, values)
    there = [value for value in values if value is not None]
    if not there:
        return Read(pl.Series([None], dtype=_dtype(kind)).new_from_index(0, len(values)), _NONE)
    column, odd = _maps(kind.shape, there) if kind.shape is not None else _lists(kind.items, there)
    if len(there) == len(values):
        return Read(column, odd)
    if odd:
        places = [at for at, value in enumerate(values) if value is not None]
        odd = {places[at] for at in odd}
    return Read(spread(column, values), odd)


def _plain(kind: Kind, values: Sequence[Any]) -> Read:
    odd: Set[int] = _NONE
    if kind.name == "float" and int in set(map(type, values)):
        odd = {at for at, value in enumerate(values) if value.__class__ is int}
    try:
        return Read(pl.Series(_without(values, odd), dtype=_DTYPES[kind.name]), odd)
    except _TOO_WIDE:
        odd = {at for at, value in enumerate(values) if value is not None and not _LOW <= value <= _HIGH}
        return Read(pl.Series(_without(values, odd), dtype=_DTYPES[kind.name]), odd)


def _without(values: Sequence[Any], odd: Set[int]) -> Sequence[Any]:
    return [None if at in odd else value for at, value in enumerate(values)] if odd else values


def _maps(shape: Shape, objects: Sequence[Any]) -> Read:
    found, odd = frame(shape, objects)
    return Read(found.to_struct(), odd)


def _lists(kind: Kind | None, lists: Sequence[Sequence[Any]]) -> Read:
    assert kind is not None
    items, odd = _column(kind, list(chain.from_iterable(lists)))
    sizes = list(map(len, lists))
    return Read(cut(items, pl.Series(sizes, dtype=pl.Int64)), owners(sizes, odd))


def _dtype(kind: Kind) -> pl.DataType:
    if kind.shape is not None:
        return pl.Struct({name: _dtype(inner) for name, inner in kind.shape})
    return _DTYPES[kind.name] if kind.items is None else pl.List(_dtype(kind.items))


def taken(found: pl.DataFrame, left_out: Set[int]) -> pl.DataFrame:
    """The frame but for the rows at these places."""
    if not left_out:
        return found
    return found[pl.Series(_others(found.height, left_out), dtype=pl.UInt32)]


def _others(count: int, left_out: Set[int]) -> Iterable[int]:
    return [at for at in range(count) if at not in left_out]
