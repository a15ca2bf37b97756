"""The values of Parquet's columns as Connect has them: maps, which are lists of entries, unions, which are structs of
numbered fields, and decimals read as bytes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.schema_reader import UNION
from ferryman.formats.polars_types import dtype
from ferryman.java.decimals import from_unscaled
from ferryman.schema import DECIMAL, Field, Schema, Type

Convert = Callable[[Any], Any]


def column_types(schema: Schema, found: pl.Struct) -> dict[str, pl.DataType]:
    """The types for the columns of a struct's schema, by what they are called, if they were read as these: decimals
    that are bytes stay so, and unions keep the names of their columns.

    Raises DataError for an array or map whose elements have no schema, and where a column is missing.
    """
    known = _members_of(schema, found)
    return {name: _column_type(part.schema, known[name]) for name, part in _parts(schema, known)}


def conversion(schema: Schema, kind: pl.DataType) -> Convert | None:
    """What makes Connect's values of those of a column of that type; None if they are."""
    match schema.type, kind:
        case Type.BYTES, pl.Binary() if schema.name == DECIMAL:
            return _unscaled(schema.scale)
        case Type.STRUCT, pl.Struct():
            known = _members_of(schema, kind)
            parts = [(name, part.name, conversion(part.schema, known[name])) for name, part in _parts(schema, known)]
            if all(name == own and convert is None for name, own, convert in parts):
                return None
            return _struct([(name, own, convert or _same) for name, own, convert in parts])
        case Type.ARRAY, pl.List() if schema.values is not None:
            item = conversion(schema.values, _instance(kind.inner))
            return None if item is None else _items(item)
        case Type.MAP, pl.List(inner=pl.Struct() as entry) if schema.keys is not None and schema.values is not None:
            of_key, of_value = (_instance(each.dtype) for each in entry.fields)
            return _entries(conversion(schema.keys, of_key) or _same, conversion(schema.values, of_value) or _same)
        case _:
            return None


def _column_type(schema: Schema, found: pl.DataType) -> pl.DataType:
    match schema.type, found:
        case Type.BYTES, pl.Binary():
            return found
        case Type.STRUCT, pl.Struct():
            return pl.Struct(column_types(schema, found))
        case Type.ARRAY, pl.List() if schema.values is not None:
            return pl.List(_column_type(schema.values, _instance(found.inner)))
        case Type.MAP, pl.Map() if schema.keys is not None and schema.values is not None:
            key, value = _instance(found.key), _instance(found.value)
            kinds = {"key": _column_type(schema.keys, key), "value": _column_type(schema.values, value)}
            return pl.List(pl.Struct(kinds))
        case Type.MAP, pl.List(inner=pl.Struct() as entry) if schema.keys is not None and schema.values is not None:
            members = Schema(Type.STRUCT, fields=(Field("key", schema.keys), Field("value", schema.values)))
            return pl.List(pl.Struct(column_types(members, entry)))
        case _:
            return dtype(schema)


def _members_of(schema: Schema, found: pl.Struct) -> dict[str, pl.DataType]:
    known = {each.name: _instance(each.dtype) for each in found.fields}
    if missing := [name for name, _ in _parts(schema, known) if name not in known]:
        raise DataError(f"the column {missing[0]} of its schema is missing")
    return known


def _parts(schema: Schema, known: Mapping[str, pl.DataType]) -> list[tuple[str, Field]]:
    """A struct's fields with what their columns are called; parquet-avro numbers the types of a union."""
    numbered = [f"member{number}" for number in range(len(schema.fields))]
    if schema.name == UNION and list(known) == numbered:
        return list(zip(numbered, schema.fields, strict=True))
    return [(field.name, field) for field in schema.fields]


def _instance(kind: Any) -> pl.DataType:
    found: pl.DataType = kind if isinstance(kind, pl.DataType) else kind()
    return found


def _same(value: Any) -> Any:
    return value


def _unscaled(scale: int) -> Convert:
    return lambda value: None if value is None else from_unscaled(int.from_bytes(value, "big", signed=True), scale)


def _struct(parts: Sequence[tuple[str, str, Convert]]) -> Convert:
    return lambda value: None if value is None else {own: convert(value[name]) for name, own, convert in parts}


def _items(item: Convert) -> Convert:
    return lambda value: None if value is None else [item(each) for each in value]


def _entries(key: Convert, item: Convert) -> Convert:
    return lambda value: None if value is None else {key(each["key"]): item(each["value"]) for each in value}
