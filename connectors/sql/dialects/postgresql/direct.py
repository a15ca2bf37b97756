"""Few rows for a table, without a staging table: statements with the values, which PostgreSQL reads as it reads COPY's.

A parameter has no type of its own here: the column's reads its text, and what the column cannot hold is an error, as in
COPY. A staging table costs a table, whose making and emptying is worth it for many rows only.
"""

from collections.abc import Hashable, Iterator, Sequence

import polars as pl
import psycopg

from ferryman.connectors.sql.dialects.dialect import Load, Mode, TableColumn, key_columns, other_columns
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import qualified, quoted
from ferryman.connectors.sql.records.likeness import likenesses
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT

FEW = 60
"""Rows of a load that go in directly, if there are many loads."""
MANY = 16
"""So many loads in a transaction make staging tables too dear for small ones."""

Row = tuple[str | None, ...]


def is_small(load: Load, loads: int, mode: Mode) -> bool:
    """Whether a load, one of so many in its transaction, is better written without a staging table."""
    echoed = any(column.fit.echoed for column in load.columns)
    return loads >= MANY and load.frame.height <= FEW and mode != "update" and not echoed


def write(cursor: psycopg.Cursor, load: Load, values: pl.DataFrame, mode: Mode) -> None:
    """Puts a load's rows into their table; ``values`` are its columns as PostgreSQL reads them."""
    rows = values.select(_text(values[name]) for name in values.columns).rows()
    if load.deletes:
        keys = key_columns(load.columns)
        _execute(cursor, _delete(load.table, load.columns, len(rows)), [tuple(row[at] for at in keys) for row in rows])
        return
    for some in [rows] if mode == "insert" else _without_repeats(load, rows):
        _execute(cursor, _insert(load.table, load.columns, mode, len(some)), some)


def _execute(cursor: psycopg.Cursor, statement: str, rows: Sequence[Row]) -> None:
    cursor.execute(statement, [value for row in rows for value in row], prepare=False)


def _text(values: pl.Series) -> pl.Series:
    if values.dtype == pl.String:
        return values
    if isinstance(values.dtype, pl.Datetime):
        return values.dt.to_string(TIMESTAMP_FORMAT)
    if values.dtype == pl.Time:
        return values.dt.to_string("%H:%M:%S%.9f")
    return values.cast(pl.String)


def _without_repeats(load: Load, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in order, cut so that no two of a piece might have the same key: one statement changes a row once."""
    keys = [load.frame.get_column(f"c{index}") for index in key_columns(load.columns)]
    (alike,) = likenesses([keys])
    start, seen = 0, set[Hashable]()
    for at, key in enumerate(alike):
        if key in seen:
            yield rows[start:at]
            start, seen = at, set[Hashable]()
        seen.add(key)
    yield rows[start:]


def _insert(table: TableName, columns: Sequence[TableColumn], mode: Mode, count: int) -> str:
    names = [quoted(column.name) for column in columns]
    row = f"({', '.join(['%s'] * len(columns))})"
    insert = f"INSERT INTO {qualified(table)} ({', '.join(names)}) VALUES {', '.join([row] * count)}"  # noqa: S608
    if mode == "insert":
        return insert
    conflict = ", ".join(names[index] for index in key_columns(columns))
    changes = ", ".join(f"{names[index]} = EXCLUDED.{names[index]}" for index in other_columns(columns))
    return f"{insert} ON CONFLICT ({conflict}) DO {f'UPDATE SET {changes}' if changes else 'NOTHING'}"


def hold(table: TableName) -> str:
    """Reads nothing of the table: from then on nobody can change it until the transaction's end."""
    return f"SELECT FROM {qualified(table)} WHERE false"


def _delete(table: TableName, columns: Sequence[TableColumn], count: int) -> str:
    names = ", ".join(quoted(columns[index].name) for index in key_columns(columns))
    row = f"({', '.join(['%s'] * len(key_columns(columns)))})"
    return f"DELETE FROM {qualified(table)} WHERE ({names}) IN ({', '.join([row] * count)})"  # noqa: S608 - quoted names
