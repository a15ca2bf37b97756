"""SQLite: a batch goes in row by row, in its order."""

import sqlite3
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import (
    Apply,
    Load,
    Mode,
    Refused,
    RowStretch,
    TableColumn,
    Transactions,
    in_turn,
)
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.sqlite.errors import fault
from ferryman.connectors.sql.dialects.sqlite.statements import Statement, Statements, statements
from ferryman.connectors.sql.dialects.sqlite.values import bound
from ferryman.connectors.sql.dialects.statement_text import on_one_line
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError

_TRY = "ferryman_try"


class SqliteWriter:
    """Writes loads to tables of an SQLite database."""

    def __init__(self, session: Transactions, mode: Mode, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._statements: dict[tuple[TableName, tuple[TableColumn, ...]], Statements] = {}

    def prepare(self, loads: Sequence[Load], row_by_row: bool) -> None:
        """Writes down the statements."""
        for load in loads:
            if (load.table, load.columns) not in self._statements:
                self._statements[load.table, load.columns] = statements(load.table, load.columns, self._mode)

    def stage(self, connection: Connection, loads: Sequence[Load]) -> Sequence[Apply]:
        """Converts the values; what is returned puts the rows into their table."""
        return [self._staged(connection, load) for load in loads]

    def _staged(self, connection: Connection, load: Load) -> Apply:
        values = [
            bound(pl.col(f"c{index}"), column.source.schema, column.form, self._zones).alias(f"c{index}")
            for index, column in enumerate(load.columns)
        ]
        found = self._statements[load.table, load.columns]
        statement = found.delete if load.deletes else found.write
        rows = [] if statement is None else _parameters(load.frame.select(values), statement)
        seqs = load.frame.get_column("seq").to_list()

        def apply(first: int, last: int) -> None:
            if statement is not None:
                some = rows[bisect_left(seqs, first) : bisect_right(seqs, last)]
                _execute(_cursor(connection), load.table, statement.text, some)

        return apply

    def sift(self, connection: Connection, loads: Sequence[Load]) -> tuple[Sequence[Apply], Sequence[Refused]]:
        """It looks at no value before it writes it."""
        return self.stage(connection, loads), ()

    def write(self, connection: Connection, loads: Sequence[Load], steps: Sequence[Apply]) -> None:
        """One after the other."""
        in_turn(loads, steps)

    def statements_for(self, connection: Connection | None, load: Load, together: int) -> Sequence[str]:
        """One statement, executed for each row."""
        found = statements(load.table, load.columns, self._mode)
        statement = found.delete if load.deletes else found.write
        return [] if statement is None else [on_one_line(statement.text)]

    def write_each(self, connection: Connection, stretches: Sequence[RowStretch]) -> Sequence[Refused]:
        """A stretch at a time, then its rows singly: in the same process a try costs microseconds."""
        return [refused for stretch in stretches for refused in self._tried(connection, stretch)]

    def _tried(self, connection: Connection, stretch: RowStretch) -> Iterator[Refused]:
        error = self._refusal(connection, stretch)
        if error is None:
            return
        if stretch.first == stretch.last:
            yield Refused(stretch.first, error)
            return
        for seq in range(stretch.first, stretch.last + 1):
            yield from self._tried(connection, replace(stretch, first=seq, last=seq))

    def _refusal(self, connection: Connection, stretch: RowStretch) -> DataError | None:
        """What is said against the stretch, which is undone then; None if it is in. Raises Undone if all else is
        too."""
        cursor = _cursor(connection)
        if not cursor.connection.in_transaction:
            # The driver begins one with the first change; without it the savepoint's end would be a commit.
            cursor.execute("BEGIN IMMEDIATE")
        cursor.execute(f"SAVEPOINT {_TRY}")
        try:
            stretch.apply(stretch.first, stretch.last)
        except (sqlite3.Error, DataError) as error:
            found = error if isinstance(error, DataError) else fault(error, self._session.doing, None)
            if not isinstance(found, DataError):
                raise
            if not cursor.connection.in_transaction:
                raise Undone(str(found)) from None
            cursor.execute(f"ROLLBACK TO {_TRY}")
            cursor.execute(f"RELEASE {_TRY}")
            return found
        cursor.execute(f"RELEASE {_TRY}")
        return None


def _parameters(values: pl.DataFrame, statement: Statement) -> list[tuple[Any, ...]]:
    """A statement may have one of them twice, and a frame may not."""
    return values.select(pl.col(name).alias(str(at)) for at, name in enumerate(statement.parameters)).rows()


def _execute(cursor: sqlite3.Cursor, table: TableName, text: str, rows: Sequence[Any]) -> None:
    try:
        cursor.executemany(text, rows)
    except OverflowError:
        raise DataError(f"Cannot write to {table}: an integer of more than 64 bits") from None


def _cursor(connection: Connection) -> sqlite3.Cursor:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver.cursor()
