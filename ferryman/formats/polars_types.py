"""Which of polars' column types holds the values of which schema."""

from collections.abc import Mapping
from functools import lru_cache

import polars as pl

from ferryman.errors import DataError
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, RecursiveSchema, Schema, Type

_PLAIN: Mapping[Type, pl.DataType] = {
    Type.INT8: pl.Int8(),
    Type.INT16: pl.Int16(),
    Type.INT32: pl.Int32(),
    Type.INT64: pl.Int64(),
    Type.FLOAT32: pl.Float32(),
    Type.FLOAT64: pl.Float64(),
    Type.BOOLEAN: pl.Boolean(),
    Type.STRING: pl.String(),
    Type.BYTES: pl.Binary(),
}
TIMES: Mapping[str | None, pl.DataType] = {
    DATE: pl.Date(),
    TIME: pl.Time(),
    TIMESTAMP: pl.Datetime("ms", "UTC"),
}
"""By the schema's name."""
MISFITS = (TypeError, ValueError, OverflowError, RuntimeError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises for a value that a column cannot hold."""


@lru_cache(maxsize=4000)
def dtype(schema: Schema) -> pl.DataType:
    """The column type of a schema (see ferryman.record.Columns); a map is a list of its pairs, as in Parquet.

    Raises DataError for an array or map whose elements have no schema.
    """
    if isinstance(schema, RecursiveSchema):
        raise DataError(f"A struct that contains itself ({schema.name}) has no column")
    if schema.name == DECIMAL:
        return pl.Decimal(38, schema.scale)
    if schema.name in TIMES:
        return TIMES[schema.name]
    match schema.type:
        case Type.STRUCT:
            return pl.Struct({field.name: dtype(field.schema) for field in schema.fields})
        case Type.ARRAY:
            return pl.List(dtype(_known(schema.values)))
        case Type.MAP:
            return pl.List(pl.Struct({"key": dtype(_known(schema.keys)), "value": dtype(_known(schema.values))}))
        case _:
            return _PLAIN[schema.type]


def _known(schema: Schema | None) -> Schema:
    if schema is None:
        raise DataError("An array or a map without the schema of its elements has no column")
    return schema
