"""What one transaction writes: rows of several batches, in as few loads as their order allows."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

import polars as pl
from sqlalchemy import Connection

from ferryman.connectors.sql.config.names import TableName
from ferryman.connectors.sql.database.tables import Target

Write = Callable[[Connection, pl.DataFrame], Callable[[], None]]
"""Takes a load's frame into a transaction; what it returns puts the rows into their table."""


@dataclass(frozen=True, slots=True)
class Load:
    """Rows for one table: a frame of ``dead``, ``c0``, ``c1``, …, a column for each target."""

    table: TableName
    targets: tuple[Target, ...]
    frame: pl.DataFrame


def together(loads: Iterable[Load]) -> list[Load]:
    """The same rows with neighbours of one shape joined, and numbered through in a column ``seq``.

    A table's rows keep their order. The tables are sorted: tasks that write to the same ones take their locks in the
    same order.
    """
    found: list[Load] = []
    start = 0
    for (table, targets, _), run in groupby(sorted(loads, key=lambda load: str(load.table)), _shape):
        frame = pl.concat([load.frame for load in run])
        numbers = pl.int_range(start, start + frame.height, dtype=pl.Int64, eager=True).alias("seq")
        found.append(Load(table, targets, frame.with_columns(numbers)))
        start += frame.height
    return found


def _shape(load: Load) -> tuple[TableName, tuple[Target, ...], list[pl.DataType]]:
    # The same column comes as text from rows and as decimals from columns.
    return load.table, load.targets, load.frame.dtypes
