"""Values as literals of SQL: a batch is one statement of text, which needs no right to read files, on either side."""

import polars as pl

from ferryman.connectors.sql.records.values import Form, Zones, iso_text
from ferryman.schema import DECIMAL, Schema, Type

NULL = "NULL"


def literal(values: pl.Expr, schema: Schema, form: Form, zones: Zones) -> pl.Expr:
    """A column of literals, null where the value is null.

    Texts are quoted as the server reads them without NO_BACKSLASH_ESCAPES, which the sessions are made without.
    """
    match form:
        case "bytes":
            return pl.lit("x'") + values.bin.encode("hex") + pl.lit("'")
        case "date" | "time" | "timestamp" | "zoned":
            return quoted(iso_text(values, form, zones))
        case "json" | "text":
            return quoted(values)
        case _ if schema.type is Type.STRING or schema.name == DECIMAL:
            # A decimal as text: a number of more digits than the server counts with would become a float.
            return quoted(values.cast(pl.String))
        case _ if schema.type is Type.BOOLEAN:
            return values.cast(pl.Int8).cast(pl.String)
        case _:
            return values.cast(pl.String)


def quoted(texts: pl.Expr) -> pl.Expr:
    """Texts between quotes."""
    return pl.lit("'") + texts.str.replace_all(r"(['\\])", r"\${1}") + pl.lit("'")
