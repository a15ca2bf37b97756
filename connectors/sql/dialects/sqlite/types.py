"""Which column of SQLite takes which Connect type, and in which form: as Confluent's dialect chooses them."""

from math import copysign, isfinite, isnan
from typing import Any

import polars as pl
import sqlalchemy as sa

from ferryman.connectors.sql.column_fits.fit import Fit, Refusal
from ferryman.connectors.sql.dialects.sqlite import column_fits
from ferryman.connectors.sql.dialects.sqlite.values import bound
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.debezium import TIMES, Notation
from ferryman.connectors.sql.records.frame import series
from ferryman.connectors.sql.records.values import TEMPORAL, Form, Zones, scalar_form
from ferryman.schema import DECIMAL, INTEGERS, Schema, Type

_PRIMITIVE: dict[Type, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(INTEGERS, sa.INTEGER()),
    Type.FLOAT32: sa.REAL(),
    Type.FLOAT64: sa.REAL(),
    Type.BOOLEAN: sa.INTEGER(),
    Type.STRING: sa.TEXT(),
    Type.BYTES: sa.BLOB(),
}


_DEBEZIUM: dict[str, sa.types.TypeEngine[Any]] = {
    f"{TIMES}Date": sa.DATE(),
    **dict.fromkeys((f"{TIMES}Time", f"{TIMES}MicroTime", f"{TIMES}NanoTime"), sa.TIME()),
    **dict.fromkeys((f"{TIMES}Timestamp", f"{TIMES}MicroTimestamp", f"{TIMES}NanoTimestamp"), sa.TIMESTAMP()),
}
"""Columns whose dates and times are text, as Debezium has no sink for SQLite to follow."""


class SqliteTypes:
    """See ``Types``."""

    notation = Notation()

    def column_type(self, column: Column) -> sa.types.TypeEngine[Any] | None:
        """Decimals, dates and times are numbers; structs, maps and arrays have none."""
        schema = column.schema
        found = _DEBEZIUM.get(schema.name or "") if column.of_debezium else None
        if found is not None:
            return found
        return sa.NUMERIC() if schema.name in (DECIMAL, *TEMPORAL) else _PRIMITIVE.get(schema.type)

    def fit(self, schema: Schema, existing: sa.types.TypeEngine[Any], zones: Zones) -> Fit | Refusal:
        """Dates and times go as text into columns declared for them or for text, else as milliseconds."""
        return column_fits.fit(schema, existing, zones)

    def default(self, schema: Schema, zones: Zones) -> str | sa.TextClause | None:
        """Structs, maps and arrays have none, nor what SQLite reads to a NUL or has no number for."""
        if schema.default is None or schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
            return None
        form: Form = "milliseconds" if schema.name in TEMPORAL else scalar_form(schema)
        frame = series(schema, [schema.default]).alias("d").to_frame()
        return _literal(frame.select(bound(pl.col("d"), schema, form, zones)).item())


def _literal(value: Any) -> str | sa.TextClause | None:
    match value:
        case bytes():
            return sa.text(f"X'{value.hex()}'")
        case float() if not isfinite(value):
            return None if isnan(value) else sa.text(f"{copysign(1, value):.0f}e999")
        case str() if "\0" in value:
            return None
        case _:
            return str(int(value) if isinstance(value, bool) else value)
