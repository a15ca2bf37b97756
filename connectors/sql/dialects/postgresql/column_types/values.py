"""Values as the CSV of PostgreSQL's COPY has them."""

import polars as pl

from ferryman.connectors.sql.column_fits.fit import Fit
from ferryman.connectors.sql.records.values import Zones, iso_text, wall
from ferryman.schema import Schema, Type


def copied(values: pl.Expr, schema: Schema, fit: Fit, zones: Zones) -> pl.Expr:
    """A column of a type that polars writes as PostgreSQL reads it."""
    match fit.form:
        case "bytes":
            return pl.lit("\\x") + values.bin.encode("hex")
        case "array":
            return _array(values, schema, fit, zones)
        case form:
            return wall(values, form, zones)


def _array(values: pl.Expr, schema: Schema, fit: Fit, zones: Zones) -> pl.Expr:
    assert schema.values is not None
    assert fit.items is not None
    items = values.list.eval(_element(pl.element(), schema.values, fit.items, zones).fill_null("NULL"))
    return pl.lit("{") + items.list.join(",") + pl.lit("}")


def _element(item: pl.Expr, schema: Schema, fit: Fit, zones: Zones) -> pl.Expr:
    match fit.form:
        case "array":
            return _array(item, schema, fit, zones)
        case "date" | "time" | "timestamp" | "zoned" as form:
            return pl.lit('"') + iso_text(item, form, zones) + pl.lit('"')
        case "bytes":
            return pl.lit('"\\\\x') + item.bin.encode("hex") + pl.lit('"')
        case form if form == "text" or schema.type is Type.STRING:
            return pl.lit('"') + item.str.replace_all(r'(["\\])', r"\${1}") + pl.lit('"')
        case _:
            return item.cast(pl.String)
