"""Columns of what has no schema, as transforms see them: the class that a column's values have, and columns put in."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from ferryman.formats import eager
from ferryman.record import Maps

_DTYPES: Mapping[type, pl.DataType] = {
    int: pl.Int64(),
    float: pl.Float64(),
    bool: pl.Boolean(),
    str: pl.String(),
    type(None): pl.Null(),
}
_CLASSES = {dtype: kind for kind, dtype in _DTYPES.items()}


def column(maps: Maps, name: str) -> pl.Series:
    """The values of a key; nulls where there is no such key."""
    return maps.frame.get_column(name) if name in maps.frame.columns else of(name, type(None), [None] * len(maps))


def class_of(column: pl.Series) -> type | None:
    """The class of plain values, that of null where there are no others; None for maps and lists."""
    return type(None) if column.null_count() == len(column) else _CLASSES.get(column.dtype)


def of(name: str, kind: type, values: Sequence[Any]) -> pl.Series:
    """Plain values of one class, or null, as a column."""
    return pl.Series(name, values, dtype=_DTYPES[kind])


def same(name: str, value: Any, count: int) -> pl.Series:
    """A plain value for each record."""
    return eager.same(name, value, _DTYPES[value.__class__], count)


def put(maps: Maps, columns: Iterable[pl.Series]) -> Maps:
    """The maps with these keys set one after the other: in place, or else behind the others."""
    return Maps(eager.put(maps.frame, columns))
