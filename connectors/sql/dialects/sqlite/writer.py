"""SQLite: a batch goes in row by row, in its order."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite as dialect
from sqlalchemy.dialects.sqlite import insert

from ferryman.connectors.sql.config.names import TableName
from ferryman.connectors.sql.database.tables import Target
from ferryman.connectors.sql.database.transaction_load import Write
from ferryman.connectors.sql.records.values import Zones, reject_nan, sqlite
from ferryman.errors import DataError

_DIALECT = dialect.dialect()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and the columns of the frame that are its parameters, in order."""

    text: str
    parameters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statements:
    """What writes and what deletes the rows of one layout."""

    write: Statement | None
    delete: Statement | None
    targets: tuple[Target, ...]


class SqliteWriter:
    """Writes frames to tables of an SQLite database."""

    def __init__(self, mode: str, zones: Zones) -> None:
        self._mode = mode
        self._zones = zones
        self._statements: dict[tuple[TableName, tuple[Target, ...]], Statements] = {}

    def prepare(self, table: TableName, targets: tuple[Target, ...]) -> Write:
        """What writes frames with these columns."""
        found = self._statements.get((table, targets))
        if found is None:
            found = self._statements[table, targets] = statements(table, targets, self._mode)
        return partial(self._write, table, found)

    def _write(
        self, table: TableName, made: Statements, connection: Connection, frame: pl.DataFrame
    ) -> Callable[[], None]:
        """Readies a frame of columns ``dead``, ``c0``, …; what is returned puts its rows into the table."""
        reject_nan(frame)
        columns = [
            sqlite(pl.col(f"c{index}"), target.column.schema, target.form, target.storage, self._zones).alias(
                f"c{index}"
            )
            for index, target in enumerate(made.targets)
        ]
        return partial(self._apply, table, made, connection, frame.select("dead", *columns))

    def _apply(self, table: TableName, made: Statements, connection: Connection, values: pl.DataFrame) -> None:
        start = 0
        for dead, run in groupby(values.get_column("dead").to_list()):
            count = sum(1 for _ in run)
            statement = made.delete if dead else made.write
            if statement is not None:
                rows = values.slice(start, count).select(statement.parameters).rows()
                self._execute(connection, table, statement, rows)
            start += count

    def _execute(self, connection: Connection, table: TableName, statement: Statement, rows: list[Any]) -> None:
        try:
            connection.exec_driver_sql(statement.text, rows)
        except OverflowError:
            raise DataError(f"Cannot write to {table}: an integer of more than 64 bits") from None


def statements(table: TableName, targets: Sequence[Target], mode: str) -> Statements:
    """The statements for a table's columns, with SQLAlchemy's quoting."""
    named = {f"c{index}": sa.quoted_name(target.name, quote=True) for index, target in enumerate(targets)}
    into = sa.table(
        sa.quoted_name(table.name, quote=True),
        *(sa.column(name) for name in named.values()),
        schema=None if table.schema is None else sa.quoted_name(table.schema, quote=True),
    )
    keys = [f"c{index}" for index, target in enumerate(targets) if target.column.primary]
    here = sa.and_(sa.true(), *(into.c[named[key]] == sa.bindparam(key) for key in keys))
    write = _compiled(_write(into, named, keys, here, mode))
    return Statements(write, _compiled(sa.delete(into).where(here)) if keys else None, tuple(targets))


def _write(
    into: sa.TableClause, named: dict[str, sa.quoted_name], keys: list[str], here: sa.ColumnElement[bool], mode: str
) -> sa.Executable | None:
    values: dict[str, Any] = {name: sa.bindparam(parameter) for parameter, name in named.items()}
    others = [name for parameter, name in named.items() if parameter not in keys]
    if mode == "update":
        return sa.update(into).where(here).values({name: values[name] for name in others}) if others else None
    made = insert(into).values(values)
    if mode == "insert":
        return made
    index = [into.c[named[key]] for key in keys]
    if not others:
        return made.on_conflict_do_nothing(index_elements=index)
    return made.on_conflict_do_update(index_elements=index, set_={name: made.excluded[name] for name in others})


def _compiled(statement: Any) -> Statement | None:
    if statement is None:
        return None
    compiled = statement.compile(dialect=_DIALECT)
    return Statement(str(compiled), tuple(compiled.positiontup or ()))
