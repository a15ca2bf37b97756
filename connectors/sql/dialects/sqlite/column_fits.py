"""Which value SQLite keeps as it is: its columns take every type, and make numbers of texts and texts of numbers.

Its documentation calls that type affinity; it follows from the words of the column's declaration.
"""

from collections.abc import Iterator
from typing import Any, Literal

import polars as pl
import sqlalchemy as sa

from ferryman.connectors.sql.column_fits import digits, numbers, times
from ferryman.connectors.sql.column_fits.fit import Check, Fit, Refusal
from ferryman.connectors.sql.column_fits.target import Float, Text
from ferryman.connectors.sql.records.values import TEMPORAL, Zones, scalar_form
from ferryman.schema import DECIMAL, FLOATS, Schema, Type

Affinity = Literal["integer", "real", "decimal", "numeric", "text", "none", "time"]
"""As SQLite's, but that numeric is three: columns that are declared for decimals, for dates or times, and by words that
it does not know."""

_MOST_DIGITS = 15
"""Digits of a decimal number that SQLite keeps in 64 bits."""
_NUMERAL = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_INTEGER = r"^(0|-?[1-9][0-9]{0,17})$"
_OWN = r"^(0|-?[1-9][0-9]{0,17}|-?(0|[1-9][0-9]{0,13})\.[0-9]*[1-9])$"
"""Numbers as SQLite writes them itself: such a text is the same whether it is kept as a number or not."""
_TIME = "Convert the field with the transform TimestampConverter (its keys field and target.type), or change the column"
_JSON = "Flatten it with the transform Flatten, drop it with ReplaceField (its key exclude), or make the column JSON"


def affinity(existing: sa.types.TypeEngine[Any]) -> Affinity:
    """What a column makes of values."""
    match existing:
        case sa.Date() | sa.DateTime() | sa.Time():
            return "time"
        case sa.Integer():
            return "integer"
        case sa.Float() | sa.REAL() | sa.DOUBLE():
            return "real"
        case sa.DECIMAL():
            return "decimal"
        case sa.Numeric() | sa.Boolean() | sa.JSON():
            return "numeric"
        case sa.String():
            return "text"
        case _:
            return "none"


def fit(schema: Schema, existing: sa.types.TypeEngine[Any], zones: Zones) -> Fit | Refusal:
    """How values of a schema go into a column."""
    kind = affinity(existing)
    if schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
        return Fit("json") if isinstance(existing, sa.JSON) else Refusal("it has no column of its own", _JSON)
    if schema.name in TEMPORAL:
        return _moment(schema, kind, zones)
    if kind == "time" and (schema.name == DECIMAL or schema.type not in (Type.STRING, Type.BYTES)):
        return Refusal("that would be taken for something else", _TIME)
    if schema.type is Type.BYTES and schema.name != DECIMAL:
        return Fit("bytes")
    return Fit(scalar_form(schema), tuple(_checks(schema, kind)), _made(schema, kind))


def _moment(schema: Schema, kind: Affinity, zones: Zones) -> Fit:
    """Text into columns for text or times, milliseconds into others, which are checked as what they are."""
    if kind not in ("time", "text"):
        return Fit("milliseconds")
    found = times.fit(schema, Text(), zones)
    assert found is not None
    return found


def _made(schema: Schema, kind: Affinity) -> Any:
    """A float in a column for text is given as text: SQLite would write 15 of its digits."""
    return _printed if schema.type in FLOATS and kind == "text" else None


def _printed(values: pl.Series) -> pl.Series:
    return values.cast(pl.String).str.replace("inf", "Inf", literal=True)


def _checks(schema: Schema, kind: Affinity) -> Iterator[Check]:
    if schema.type is Type.STRING:
        yield from _text_checks(kind)
    elif schema.name == DECIMAL and kind in ("integer", "real", "decimal", "numeric"):
        yield Check(lambda values: _inexact(values, kind), f"decimals of at most {_MOST_DIGITS} digits")
    elif schema.type is Type.INT64 and kind == "real":
        found = numbers.number(schema, Float(double=True))
        assert found is not None
        yield from found.checks
    elif schema.type in FLOATS and kind != "text":
        yield Check(lambda values: values.is_nan(), "numbers, and not NaN, which it takes for null")


def _inexact(values: pl.Series, kind: Affinity) -> pl.Series:
    plain = digits.texts(values)
    found = digits.inexact(plain, double=True)
    return found if kind == "real" else found & ~plain.str.contains(_INTEGER)


def _text_checks(kind: Affinity) -> Iterator[Check]:
    if kind == "time":
        yield Check(lambda values: values.str.contains(_NUMERAL), "texts that are no numbers")
    elif kind in ("integer", "real", "decimal", "numeric"):
        exact = Check(
            lambda values: _cut(values, kind), f"texts that are no numbers, and numbers of {_MOST_DIGITS} digits"
        )
        own = Check(
            lambda values: values.str.contains(_NUMERAL) & ~values.str.contains(_OWN),
            "texts that are no numbers, and numbers as it writes them itself",
        )
        yield from (own, exact) if kind == "numeric" else (exact,)


def _cut(values: pl.Series, kind: Affinity) -> pl.Series:
    """Which texts are numbers of which SQLite would not keep all digits."""
    numeral = values.str.contains(_NUMERAL)
    exact = _inexact(values.set(~values.str.contains(digits.NUMBER), "0"), kind)
    return numeral & (exact | ~values.str.contains(digits.NUMBER))
