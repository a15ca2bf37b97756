"""SQLite: a batch goes in row by row, in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.dialects.sqlite import insert

from ferryman.connectors.sql.dialects import savepoints
from ferryman.connectors.sql.dialects.dialect import Apply, Load, Mode, Refused, Run, TableColumn, Transactions
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.sqlite.values import bound
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError

_DIALECT = dialect.dialect()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement with its parameters."""

    text: str
    """Its SQL."""
    parameters: tuple[str, ...]
    """The columns of the frame that are its parameters, in order."""


@dataclass(frozen=True, slots=True)
class Statements:
    """What is done with the rows of one shape."""

    write: Statement | None
    """Writes one row; None if there is nothing to write, in an update of keys alone."""
    delete: Statement | None
    """Deletes the row with a key; None without a key."""


class SqliteWriter:
    """Writes loads to tables of an SQLite database."""

    def __init__(self, session: Transactions, mode: Mode, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._statements: dict[tuple[TableName, tuple[TableColumn, ...]], Statements] = {}

    def prepare(self, loads: Sequence[Load]) -> None:
        """Writes down the statements."""
        for load in loads:
            if (load.table, load.columns) not in self._statements:
                self._statements[load.table, load.columns] = statements(load.table, load.columns, self._mode)

    def stage(self, connection: Connection, load: Load) -> Apply:
        """Converts the values; what is returned puts the rows into their table."""
        values = [
            bound(pl.col(f"c{index}"), column.source.schema, column.form, self._zones).alias(f"c{index}")
            for index, column in enumerate(load.columns)
        ]
        return partial(self._apply, connection, load, load.frame.select("seq", *values))

    def _apply(self, connection: Connection, load: Load, values: pl.DataFrame, first: int, last: int) -> None:
        found = self._statements[load.table, load.columns]
        statement = found.delete if load.deletes else found.write
        if statement is not None:
            rows = values.filter(pl.col("seq").is_between(first, last)).select(statement.parameters).rows()
            self._execute(connection, load.table, statement, rows)

    def apply(self, connection: Connection, moves: Sequence[tuple[Load, Apply]]) -> None:
        """One after the other."""
        for load, apply in moves:
            apply(*load.span)

    def each(self, connection: Connection, runs: Sequence[Run]) -> Sequence[Refused]:
        """As ``savepoints.each``."""
        return savepoints.each(self._session, connection, runs)

    def _execute(self, connection: Connection, table: TableName, statement: Statement, rows: list[Any]) -> None:
        try:
            connection.exec_driver_sql(statement.text, rows)
        except OverflowError:
            raise DataError(f"Cannot write to {table}: an integer of more than 64 bits") from None


def statements(table: TableName, columns: Sequence[TableColumn], mode: Mode) -> Statements:
    """The statements for a table's columns, with SQLAlchemy's quoting."""
    named = {f"c{index}": sa.quoted_name(column.name, quote=True) for index, column in enumerate(columns)}
    into = sa.table(
        sa.quoted_name(table.name, quote=True),
        *(sa.column(name) for name in named.values()),
        schema=None if table.schema is None else sa.quoted_name(table.schema, quote=True),
    )
    keys = [f"c{index}" for index, column in enumerate(columns) if column.primary]
    here = sa.and_(sa.true(), *(into.c[named[key]] == sa.bindparam(key) for key in keys))
    write = _compiled(_write(into, named, keys, here, mode))
    return Statements(write, _compiled(sa.delete(into).where(here)) if keys else None)


def _write(
    into: sa.TableClause, named: dict[str, sa.quoted_name], keys: list[str], here: sa.ColumnElement[bool], mode: Mode
) -> sa.Executable | None:
    values: dict[str, Any] = {name: sa.bindparam(parameter) for parameter, name in named.items()}
    others = [name for parameter, name in named.items() if parameter not in keys]
    if mode == "update":
        return sa.update(into).where(here).values({name: values[name] for name in others}) if others else None
    add = insert(into).values(values)
    if mode == "insert":
        return add
    index = [into.c[named[key]] for key in keys]
    if not others:
        return add.on_conflict_do_nothing(index_elements=index)
    return add.on_conflict_do_update(index_elements=index, set_={name: add.excluded[name] for name in others})


def _compiled(statement: Any) -> Statement | None:
    if statement is None:
        return None
    compiled = statement.compile(dialect=_DIALECT)
    return Statement(str(compiled), tuple(compiled.positiontup or ()))
