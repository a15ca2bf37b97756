"""Values of a struct as the polars frame that Parquet files are made of, whether they came as rows or as columns."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import polars as pl

from ferryman.errors import DataError
from ferryman.formats.polars_types import MISFITS, dtype
from ferryman.java.decimals import rescaled
from ferryman.record import Columns, Data
from ferryman.schema import DECIMAL, FLOATS, INTEGERS, RecursiveSchema, Schema, Type

Convert = Callable[[Any], Any]
_MOST_DIGITS = 38
"""Digits of a decimal, and digits behind its point, at most."""
_SCALARS = INTEGERS | FLOATS | {Type.BOOLEAN, Type.STRING}


def struct_of(schema: Schema | None, format_name: str) -> Schema:
    """The schema. Raises DataError if it is not that of a struct with fields."""
    if schema is None or schema.type is not Type.STRUCT or not schema.fields:
        raise DataError(f"{format_name} files need records with a schema of named fields (Avro, or JSON with schemas)")
    return schema


def frame(data: Data, schema: Schema | None) -> pl.DataFrame:
    """The data as a frame, a column a field. Raises DataError for a value that does not fit, naming its field."""
    found = struct_of(schema, "Parquet")
    _check(found)
    if isinstance(data, Columns) and (filled := _filled(data.frame, found)) is not None:
        return filled
    columns, values = [], data.rows().values
    for field in found.fields:
        try:
            columns.append(_series(field.schema, [value.get(field.name) for value in values]).alias(field.name))
        except (*MISFITS, AttributeError):
            # Not chained: polars quotes the value.
            text = f"A value of the field {field.name} is not a {field.schema.name or field.schema.type}"
            if field.schema.name == DECIMAL:
                text += f" of at most {_MOST_DIGITS} digits, as Parquet has them"
            raise DataError(text).in_field(field.name) from None
    return pl.DataFrame(columns)


def _filled(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame | None:
    """The frame with defaults in the place of nulls, as Struct.get gives them; None where rows have to find them."""
    fills = []
    for field in schema.fields:
        if not _has_default(field.schema) or not _has_nulls(frame.get_column(field.name)):
            continue
        if field.schema.name is not None or field.schema.type not in _SCALARS:
            return None
        fills.append(pl.col(field.name).fill_null(pl.lit(field.schema.default, dtype(field.schema))))
    return frame.with_columns(fills) if fills else frame


@lru_cache(maxsize=4000)
def _has_default(schema: Schema) -> bool:
    """Whether it or something in it has one."""
    if schema.default is not None:
        return True
    if isinstance(schema, RecursiveSchema):
        return False
    inner = (*(field.schema for field in schema.fields), schema.keys, schema.values)
    return any(_has_default(each) for each in inner if each is not None)


def _has_nulls(column: pl.Series) -> bool:
    """Whether a value is null, or may be within."""
    return bool(column.null_count()) or column.dtype.is_nested()


@lru_cache(maxsize=4000)
def _check(schema: Schema) -> None:
    """Raises DataError for what Parquet has no type for, naming the field."""
    if isinstance(schema, RecursiveSchema):
        raise DataError(f"A struct that contains itself ({schema.name}) has no column")
    if schema.name == DECIMAL and not 0 <= schema.scale <= _MOST_DIGITS:
        raise DataError(f"Parquet has decimals with a scale from 0 to {_MOST_DIGITS}, not {schema.scale}")
    if schema.type is Type.STRUCT and not schema.fields:
        raise DataError("Parquet has no struct without fields")
    for field in schema.fields:
        try:
            _check(field.schema)
        except DataError as error:
            raise error.in_field(field.name) from None
    for inner in (schema.keys, schema.values):
        if inner is not None:
            _check(inner)


def _series(schema: Schema, values: Sequence[Any]) -> pl.Series:
    if schema.default is not None:
        values = [schema.default if value is None else value for value in values]
    if not schema.optional and None in values:
        raise ValueError("null")
    convert = _convert(schema)
    if convert is not None:
        values = [None if value is None else convert(value) for value in values]
    return pl.Series(values, dtype=dtype(schema), strict=True)


def _known(schema: Schema | None) -> Schema:
    if schema is None:
        raise ValueError("a list or map whose elements have no schema")
    return schema


@lru_cache(maxsize=4000)
def _convert(schema: Schema) -> Convert | None:
    """What makes a value such as polars takes it; None where it is already."""
    if schema.name == DECIMAL:
        return lambda value: rescaled(value, schema.scale)
    match schema.type:
        case Type.STRUCT:
            members = [(field.name, _item(field.schema)) for field in schema.fields]
            return lambda value: {name: item(value.get(name)) for name, item in members}
        case Type.ARRAY:
            item = _item(_known(schema.values))
            return lambda value: [item(each) for each in value]
        case Type.MAP:
            key, item = _item(_known(schema.keys)), _item(_known(schema.values))
            return lambda value: [{"key": key(name), "value": item(each)} for name, each in value.items()]
        case _:
            return None


def _item(schema: Schema) -> Convert:
    convert, default = _convert(schema), schema.default

    def item(value: Any) -> Any:
        value = default if value is None else value
        if value is None and not schema.optional:
            raise ValueError("null")
        return value if convert is None or value is None else convert(value)

    return item
