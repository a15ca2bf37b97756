"""The values of Parquet's columns as Connect has them: maps, which are lists of entries, and decimals read as bytes."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from ferryman.formats.polars_types import dtype
from ferryman.java.decimals import from_unscaled
from ferryman.schema import DECIMAL, Schema, Type

Convert = Callable[[Any], Any]


def column_type(schema: Schema, found: pl.DataType) -> pl.DataType:
    """The type for a column of a schema that was read as another one: a decimal that is bytes stays that.

    Raises DataError for an array or map whose elements have no schema.
    """
    match schema.type, found:
        case Type.BYTES, pl.Binary():
            return found
        case Type.STRUCT, pl.Struct():
            known = {each.name: _instance(each.dtype) for each in found.fields}
            parts = {each.name: each.schema for each in schema.fields}
            return pl.Struct({name: column_type(part, known.get(name, found)) for name, part in parts.items()})
        case Type.ARRAY, pl.List() if schema.values is not None:
            return pl.List(column_type(schema.values, _instance(found.inner)))
        case Type.MAP, pl.Map() if schema.keys is not None and schema.values is not None:
            key = column_type(schema.keys, _instance(found.key))
            return pl.List(pl.Struct({"key": key, "value": column_type(schema.values, _instance(found.value))}))
        case _:
            return dtype(schema)


def conversion(schema: Schema, kind: pl.DataType) -> Convert | None:
    """What makes Connect's values of those of a column of that type; None if they are."""
    match schema.type, kind:
        case Type.BYTES, pl.Binary() if schema.name == DECIMAL:
            return _unscaled(schema.scale)
        case Type.STRUCT, pl.Struct():
            kinds = {each.name: _instance(each.dtype) for each in kind.fields}
            inner = {
                field.name: convert
                for field in schema.fields
                if (convert := conversion(field.schema, kinds[field.name])) is not None
            }
            return (lambda value: _members(value, inner)) if inner else None
        case Type.ARRAY, pl.List() if schema.values is not None:
            item = conversion(schema.values, _instance(kind.inner))
            return None if item is None else _items(item)
        case Type.MAP, pl.List(inner=pl.Struct() as entry) if schema.keys is not None and schema.values is not None:
            of_key, of_value = (_instance(each.dtype) for each in entry.fields)
            return _entries(conversion(schema.keys, of_key) or _same, conversion(schema.values, of_value) or _same)
        case _:
            return None


def _instance(kind: Any) -> pl.DataType:
    found: pl.DataType = kind if isinstance(kind, pl.DataType) else kind()
    return found


def _same(value: Any) -> Any:
    return value


def _unscaled(scale: int) -> Convert:
    return lambda value: None if value is None else from_unscaled(int.from_bytes(value, "big", signed=True), scale)


def _members(value: Mapping[str, Any] | None, inner: Mapping[str, Convert]) -> dict[str, Any] | None:
    if value is None:
        return None
    return {name: inner[name](item) if name in inner else item for name, item in value.items()}


def _items(item: Convert) -> Convert:
    return lambda value: None if value is None else [item(each) for each in value]


def _entries(key: Convert, item: Convert) -> Convert:
    return lambda value: None if value is None else {key(each["key"]): item(each["value"]) for each in value}
