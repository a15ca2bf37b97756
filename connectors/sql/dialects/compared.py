"""The keys of rows, as far as they can be told apart without asking the database."""

from collections.abc import Sequence

import polars as pl
import sqlalchemy as sa

from ferryman.connectors.sql.dialects.dialect import TableColumn, Type, key_columns

_KEPT_APART = (sa.String, sa.Uuid, sa.Integer, sa.Numeric, sa.Enum, sa.LargeBinary, sa.BINARY, sa.VARBINARY)
"""Columns in which texts that ``equality_classes`` tells apart are different keys."""


def compared_keys(frame: pl.DataFrame, columns: Sequence[TableColumn]) -> list[pl.Series]:
    """The columns of the key, sorted by name, since parts of a table may have theirs in different orders.

    Texts for a column that reads several of them as one value (12:00 and 12:00:00 as a time, t and true as a boolean)
    are all null here, so that none is taken for another key than any other.
    """
    chosen = sorted(key_columns(columns), key=lambda index: columns[index].name)
    return [_compared(frame.get_column(f"c{index}"), columns[index].type) for index in chosen]


def _compared(values: pl.Series, kind: Type) -> pl.Series:
    if values.dtype != pl.String or isinstance(kind, _KEPT_APART):
        return values
    return pl.Series(values.name, [None] * len(values), dtype=pl.Null)
