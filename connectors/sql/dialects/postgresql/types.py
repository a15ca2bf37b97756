"""What becomes of a Connect type: its column in a created table, as Confluent's dialects choose it, and its form."""

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ferryman.schema import DATE, DECIMAL, INTEGERS, TIME, TIMESTAMP, Schema, Type

Form = Literal["plain", "bytes", "date", "time", "timestamp", "zoned", "array", "json"]
"""How values are written: ``zoned`` is an instant, ``timestamp`` the wall clock of db.timezone."""
Storage = Literal["native", "text", "number"]
"""Where a date or time goes: to a type of its own, or (SQLite has none) to text or numbers."""

TEMPORAL: dict[str, Form] = {DATE: "date", TIME: "time", TIMESTAMP: "timestamp"}

_POSTGRES: dict[Type, sa.types.TypeEngine[Any]] = {
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
_POSTGRES_LOGICAL: dict[str, sa.types.TypeEngine[Any]] = {
    DECIMAL: sa.NUMERIC(),
    DATE: sa.DATE(),
    TIME: sa.TIME(),
    TIMESTAMP: sa.TIMESTAMP(),
}
_SQLITE: dict[Type, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(INTEGERS, sa.INTEGER()),
    Type.FLOAT32: sa.REAL(),
    Type.FLOAT64: sa.REAL(),
    Type.BOOLEAN: sa.INTEGER(),
    Type.STRING: sa.TEXT(),
    Type.BYTES: sa.BLOB(),
}


def column_type(schema: Schema, postgres: bool) -> sa.types.TypeEngine[Any] | None:
    """The type of a created column; None if there is none for it."""
    if not postgres:
        return sa.NUMERIC() if schema.name in _POSTGRES_LOGICAL else _SQLITE.get(schema.type)
    if schema.type is Type.ARRAY:
        depth, element = 0, schema
        while element.type is Type.ARRAY and element.values is not None:
            depth, element = depth + 1, element.values
        inner = column_type(element, postgres)
        return None if inner is None or element.type is Type.ARRAY else postgresql.ARRAY(inner, dimensions=depth)
    return _POSTGRES_LOGICAL.get(schema.name or "") or _POSTGRES.get(schema.type)


def form(schema: Schema, existing: sa.types.TypeEngine[Any], postgres: bool) -> Form | None:
    """How values of the schema are written to a column of the table; None if they cannot be."""
    if schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
        if isinstance(existing, sa.JSON):
            return "json"
        return "array" if schema.type is Type.ARRAY and column_type(schema, postgres) is not None else None
    if schema.name in TEMPORAL:
        zoned = isinstance(existing, sa.DateTime) and existing.timezone
        return "zoned" if schema.name == TIMESTAMP and zoned else TEMPORAL[schema.name]
    return "bytes" if schema.type is Type.BYTES and schema.name != DECIMAL else "plain"


def storage(existing: sa.types.TypeEngine[Any], postgres: bool) -> Storage:
    """Where dates and times of a column go."""
    if postgres:
        return "native"
    return "text" if isinstance(existing, sa.Date | sa.DateTime | sa.Time | sa.String) else "number"
