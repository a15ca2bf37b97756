"""Which column of PostgreSQL takes which Connect type, and in which form: as Confluent's dialect chooses them."""

import datetime as dt
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.connectors.sql.column_fits.fit import Fit, Refusal
from ferryman.connectors.sql.column_fits.rules import fit
from ferryman.connectors.sql.dialects.postgresql.column_types import debezium_types
from ferryman.connectors.sql.dialects.postgresql.column_types.targets import target
from ferryman.connectors.sql.dialects.postgresql.column_types.values import copied
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.frame import series
from ferryman.connectors.sql.records.values import Zones, scalar_form
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

_PRIMITIVE: dict[Type, sa.types.TypeEngine[Any]] = {
    Type.INT8: sa.SMALLINT(),
    Type.INT16: sa.SMALLINT(),
    Type.INT32: sa.INTEGER(),
    Type.INT64: sa.BIGINT(),
    Type.FLOAT32: sa.REAL(),
    Type.FLOAT64: sa.DOUBLE_PRECISION(),
    Type.BOOLEAN: sa.BOOLEAN(),
    Type.STRING: sa.TEXT(),
    Type.BYTES: postgresql.BYTEA(),
}
_LOGICAL: dict[str, sa.types.TypeEngine[Any]] = {
    DECIMAL: sa.NUMERIC(),
    DATE: sa.DATE(),
    TIME: sa.TIME(),
    TIMESTAMP: sa.TIMESTAMP(),
}


class PostgresTypes:
    """See ``Types``."""

    notation = debezium_types.NOTATION

    def column_type(self, column: Column) -> sa.types.TypeEngine[Any] | None:
        """Arrays are arrays of their element's type; structs and maps have none."""
        return _column_type(column.schema, column.of_debezium)

    def fit(self, schema: Schema, existing: sa.types.TypeEngine[Any], zones: Zones) -> Fit | Refusal:
        """Structs, maps and arrays go into json and jsonb too, timestamps as instants into columns with a zone."""
        return fit(schema, target(existing), zones, "apart")

    def default(self, schema: Schema, zones: Zones) -> str | None:
        """What COPY would read, as a literal; no text of PostgreSQL holds a NUL."""
        if schema.default is None or schema.type in (Type.STRUCT, Type.MAP):
            return None
        frame = series(schema, [schema.default]).alias("d").to_frame()
        text = _literal(frame.select(copied(pl.col("d"), schema, _native(schema), zones)).item())
        return None if "\0" in text else text


def _native(schema: Schema) -> Fit:
    """How values go into the column that is created for them."""
    if schema.type is Type.ARRAY and schema.values is not None:
        return Fit("array", items=_native(schema.values))
    return Fit(scalar_form(schema))


def _column_type(schema: Schema, of_debezium: bool = False) -> sa.types.TypeEngine[Any] | None:
    if schema.type is not Type.ARRAY:
        found = debezium_types.column_type(schema) if of_debezium else None
        return found or _LOGICAL.get(schema.name or "") or _PRIMITIVE.get(schema.type)
    depth, element = 0, schema
    while element.type is Type.ARRAY and element.values is not None:
        depth, element = depth + 1, element.values
    inner = _column_type(element, of_debezium) if element.type is not Type.ARRAY else None
    return None if inner is None else postgresql.ARRAY(inner, dimensions=depth)


def _literal(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)
