"""The Connect schema of a Parquet file that does not say itself what it was: as its columns tell it."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ferryman.errors import DataError
from ferryman.schema import DATE_SCHEMA, TIME_SCHEMA, TIMESTAMP_SCHEMA, Schema, Type, array, decimal, struct

_PLAIN: Mapping[type[pl.DataType] | pl.DataType, Type] = {
    pl.Int8: Type.INT8,
    pl.Int16: Type.INT16,
    pl.Int32: Type.INT32,
    pl.Int64: Type.INT64,
    # Connect has no unsigned integers; each fits into the next larger one.
    pl.UInt8: Type.INT16,
    pl.UInt16: Type.INT32,
    pl.UInt32: Type.INT64,
    pl.Float32: Type.FLOAT32,
    pl.Float64: Type.FLOAT64,
    pl.Boolean: Type.BOOLEAN,
    pl.String: Type.STRING,
    pl.Categorical: Type.STRING,
    pl.Enum: Type.STRING,
    pl.Binary: Type.BYTES,
}


def schema_of(columns: Mapping[str, pl.DataType]) -> Schema:
    """The struct of columns by name, all of them optional. Raises DataError for a type that Connect does not have."""
    return struct({name: _of(name, kind) for name, kind in columns.items()})


def _of(name: str, kind: pl.DataType) -> Schema:
    match kind:
        case pl.Decimal():
            return decimal(kind.scale, optional=True)
        case pl.Date():
            return DATE_SCHEMA.as_optional()
        case pl.Time():
            return TIME_SCHEMA.as_optional()
        case pl.Datetime():
            return TIMESTAMP_SCHEMA.as_optional()
        case pl.List():
            return array(_of(name, _instance(kind.inner)), optional=True)
        case pl.Struct():
            return struct({each.name: _of(each.name, _instance(each.dtype)) for each in kind.fields}, optional=True)
    found = _PLAIN.get(kind.base_type())
    if found is None:
        raise DataError(f"the column {name} is of the type {kind}, which Connect does not have")
    return Schema(found, optional=True)


def _instance(kind: Any) -> pl.DataType:
    found: pl.DataType = kind if isinstance(kind, pl.DataType) else kind()
    return found
