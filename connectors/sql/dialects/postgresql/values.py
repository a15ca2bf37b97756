"""Values as the CSV of PostgreSQL's COPY has them."""

import polars as pl

from ferryman.connectors.sql.records.values import TEMPORAL, Form, Zones, iso_text, wall
from ferryman.schema import DECIMAL, Schema, Type


def copied(values: pl.Expr, schema: Schema, form: Form, zones: Zones) -> pl.Expr:
    """A column of a type that polars writes as PostgreSQL reads it."""
    match form:
        case "bytes":
            return pl.lit("\\x") + values.bin.encode("hex")
        case "array":
            return _array(values, schema, zones)
        case _:
            return wall(values, form, zones)


def _array(values: pl.Expr, schema: Schema, zones: Zones) -> pl.Expr:
    assert schema.values is not None
    items = values.list.eval(_element(pl.element(), schema.values, zones).fill_null("NULL"))
    return pl.lit("{") + items.list.join(",") + pl.lit("}")


def _element(item: pl.Expr, schema: Schema, zones: Zones) -> pl.Expr:
    if schema.type is Type.ARRAY:
        return _array(item, schema, zones)
    if schema.name in TEMPORAL:
        return pl.lit('"') + iso_text(item, TEMPORAL[schema.name], zones) + pl.lit('"')
    if schema.type is Type.BYTES and schema.name != DECIMAL:
        return pl.lit('"\\\\x') + item.bin.encode("hex") + pl.lit('"')
    if schema.type is Type.STRING:
        return pl.lit('"') + item.str.replace_all(r'(["\\])', r"\${1}") + pl.lit('"')
    return item.cast(pl.String)
