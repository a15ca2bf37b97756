"""A batch as one frame of the table's columns, c0, c1, …, whether it came as rows or as columns.

Rows become the columns that the same data would have been, so that both store the same values.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from math import isinf
from typing import Any

import polars as pl

from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.values import TEMPORAL
from ferryman.errors import DataError
from ferryman.formats import eager
from ferryman.formats.polars_types import MISFITS, dtype
from ferryman.record import Batch, Columns, Data, values_of
from ferryman.schema import DATE, DECIMAL, FLOATS, INTEGERS, Schema, Type

_STRICT = INTEGERS | FLOATS
"""Types whose values may not be booleans, though Python takes these for numbers."""

Text = Callable[[Any], str]
"""Makes one value text."""


def tombstones(batch: Batch) -> list[bool] | None:
    """Which records have a null value; None if none has."""
    if isinstance(batch.value, Columns):
        return None
    flags = [value is None for value in batch.value.values]
    return flags if True in flags else None


def columns_of(batch: Batch, columns: Iterable[tuple[Column, Text | None]], nulls: bool) -> list[pl.Series]:
    """The columns. A column comes with what makes its values text, if that must be done one by one.

    ``nulls``: whether a null stands for the field's default, as it always does in a key. Raises DataError for a value
    that does not fit its schema.
    """
    found = []
    for index, (column, text) in enumerate(columns):
        try:
            found.append(_series(batch, column, text, nulls or column.primary).alias(f"c{index}"))
        except MISFITS:
            # Not chained: polars quotes the value.
            kind = column.schema.name or column.schema.type
            raise DataError(f"A value of the field {column.name} is no {kind}").in_field(column.name, kind) from None
    return found


def _series(batch: Batch, column: Column, text: Text | None, nulls: bool) -> pl.Series:
    match column.part:
        case "topic":
            return pl.Series([batch.original_source.topic]).new_from_index(0, len(batch))
        case "partition":
            return pl.Series([batch.original_source.partition], dtype=pl.Int32).new_from_index(0, len(batch))
        case "offset":
            return pl.Series(list(batch.original_offsets), dtype=pl.Int64)
        case "key" | "value" as part:
            return _field(batch.key if part == "key" else batch.value, column, text, nulls)


def _field(data: Data, column: Column, text: Text | None, nulls: bool) -> pl.Series:
    default = column.schema.default if nulls else None
    if (
        isinstance(data, Columns)
        and text is None
        and (default is None or column.schema.type not in (Type.ARRAY, Type.MAP))
    ):
        found = data.frame.get_column(str(column.field))
        return found if default is None else eager.filled(found, default)
    values = _values(data, column.field)
    if default is not None:
        values = [default if value is None else value for value in values]
    if text is not None:
        return pl.Series([None if value is None else text(value) for value in values], dtype=pl.String)
    return series(column.schema, values)


def _values(data: Data, field: str | None) -> Sequence[Any]:
    if isinstance(data, Columns):
        return values_of(data.frame.get_column(str(field)), data.schema.by_name[str(field)].schema)
    if field is None:
        return data.values
    return [None if value is None else value.get(field) for value in data.values]


def series(schema: Schema, values: Sequence[Any]) -> pl.Series:
    """Python values of a schema as a series. Raises one of polars' many errors for a value that does not fit."""
    if schema.name == DECIMAL:
        values = [None if value is None else _digits(value) for value in values]
    elif schema.type is Type.ARRAY:
        values = [None if value is None else series(schema.values or schema, value) for value in values]
    elif schema.name in TEMPORAL or schema.type in _STRICT:
        _refuse_others(schema, values)
    found = pl.Series(values, dtype=_dtype(schema), strict=True)
    if schema.type is Type.FLOAT32:
        _refuse_overflow(values, found)
    return found


def _digits(value: Decimal) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ValueError("not a number of digits")
    return format(value, "f")


def _refuse_others(schema: Schema, values: Sequence[Any]) -> None:
    """Raises ValueError for a value of another class, or of more digits, which polars would convert or cut."""
    if schema.name == DATE:
        misfit = any(type(value) is not date for value in values if value is not None)
    elif schema.name in TEMPORAL:
        misfit = any(value.microsecond % 1000 for value in values if value is not None)
    else:
        misfit = any(isinstance(value, bool) for value in values)
    if misfit:
        raise ValueError("another kind of value")


def _refuse_overflow(values: Sequence[Any], found: pl.Series) -> None:
    """Raises ValueError for a number beyond 32 bits, which polars makes infinite."""
    if sum(value is not None and isinf(value) for value in values) != found.is_infinite().sum():
        raise ValueError("a float of more than 32 bits")


def _dtype(schema: Schema) -> pl.DataType:
    if schema.type is Type.ARRAY and schema.values is not None:
        return pl.List(_dtype(schema.values))
    # Python's decimals may have more digits than a polars column holds; their text has them all.
    return pl.String() if schema.name == DECIMAL else dtype(schema)
