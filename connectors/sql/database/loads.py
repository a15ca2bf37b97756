"""What one transaction writes: rows of several batches, in as few loads as their order allows."""

from collections.abc import Iterable
from itertools import groupby

import polars as pl

from ferryman.connectors.sql.dialects.dialect import Load, TableColumn
from ferryman.connectors.sql.dialects.names import TableName


def joined(loads: Iterable[Load]) -> list[Load]:
    """The same rows with neighbours of one shape joined, and numbered through in the column ``seq``.

    A table's rows keep their order. The tables are sorted: tasks that write to the same ones take their locks in the
    same order.
    """
    found: list[Load] = []
    start = 0
    for (table, columns, _), run in groupby(sorted(loads, key=lambda load: str(load.table)), _shape):
        frame = pl.concat([load.frame for load in run])
        numbers = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True).alias("seq")
        found.append(Load(table, columns, frame.with_columns(numbers)))
        start += frame.height
    return found


def _shape(load: Load) -> tuple[TableName, tuple[TableColumn, ...], list[pl.DataType]]:
    # The same column comes as text from rows and as decimals from columns.
    return load.table, load.columns, load.frame.dtypes
