"""What each column of each database takes of each Connect type, as the dialects themselves answer."""

from collections.abc import Mapping

from ferryman.connectors.sql.column_fits.fit import Refusal
from ferryman.connectors.sql.config.databases import DIALECTS
from ferryman.connectors.sql.dialects.dialect import Dialect
from ferryman.connectors.sql.records.values import Zones
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    array,
    decimal,
    mapping,
    struct,
)

SCHEMAS: Mapping[str, Schema] = {
    "INT8": INT8,
    "INT16": INT16,
    "INT32": INT32,
    "INT64": INT64,
    "FLOAT32": FLOAT32,
    "FLOAT64": FLOAT64,
    "BOOLEAN": BOOLEAN,
    "STRING": STRING,
    "BYTES": BYTES,
    "Decimal(0)": decimal(0),
    "Decimal(5)": decimal(5),
    "Date": DATE_SCHEMA,
    "Time": TIME_SCHEMA,
    "Timestamp": TIMESTAMP_SCHEMA,
    "ARRAY of INT32": array(INT32.as_optional()),
    "ARRAY of STRING": array(STRING),
    "STRUCT": struct({"n": FLOAT64, "s": STRING}),
    "MAP": mapping(STRING, INT64),
}
"""The Connect types of the page, a Decimal with its scale."""
Taken = tuple[str, ...] | None
"""What of its values: none (None), all (empty), or only what these phrases say."""


def matrix() -> Mapping[str, Mapping[str, Mapping[str, Taken]]]:
    """By the names of dialects, columns and Connect types."""
    return {
        dialect.name: {
            column: {name: values_taken(dialect, column, schema) for name, schema in SCHEMAS.items()}
            for column in dialect.columns
        }
        for dialect in DIALECTS
    }


def values_taken(dialect: Dialect, column: str, schema: Schema) -> Taken:
    """What one of the dialect's columns takes of a schema's values."""
    found = dialect.types.fit(schema, dialect.columns[column], Zones("UTC", "UTC"))
    return None if isinstance(found, Refusal) else found.takes
