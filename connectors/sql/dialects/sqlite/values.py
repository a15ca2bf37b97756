"""Values as SQLite's driver takes them: Python's own types."""

import polars as pl

from ferryman.connectors.sql.records.values import Form, Zones, iso_text
from ferryman.schema import DATE, DECIMAL, TIME, Schema


def bound(values: pl.Expr, schema: Schema, form: Form, zones: Zones) -> pl.Expr:
    """A parameter: dates and times as text, or as the numbers that its JDBC driver stores (milliseconds)."""
    if schema.name == DECIMAL:
        return values.cast(pl.String)
    match form:
        case "milliseconds" if schema.name == TIME:
            return values.cast(pl.Int64) // 1_000_000
        case "milliseconds" if schema.name == DATE:
            return values.cast(pl.Datetime("ms")).dt.epoch("ms")
        case "milliseconds":
            return values.dt.epoch("ms")
        case "date" | "time" | "timestamp":
            return iso_text(values, form, zones)
        case _:
            return values
