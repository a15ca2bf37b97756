"""PostgreSQL: a batch goes by COPY into a staging table of the session, and on into its table in one statement.

Where a poll is for many tables, few rows for one go in without a staging table (``direct``).
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import polars as pl
import psycopg
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects import savepoints
from ferryman.connectors.sql.dialects.dialect import (
    Apply,
    Load,
    Mode,
    Refused,
    Run,
    TableColumn,
    Transactions,
    key_columns,
    other_columns,
)
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql import direct, refusals
from ferryman.connectors.sql.dialects.postgresql.errors import copied_column
from ferryman.connectors.sql.dialects.postgresql.names import qualified, quoted
from ferryman.connectors.sql.dialects.postgresql.values import copied
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT, Zones

_NULL = "\\N"
_MOST_STAGES = 64
"""Staging tables that are kept for the next transaction; one transaction may need more."""
# S608 (statements put together from strings) is silenced below: every name in them has passed ``quoted``.

Shape = tuple[TableName, tuple[TableColumn, ...]]


@dataclass(frozen=True, slots=True)
class Stage:
    """A staging table and the statements that move its rows on; each statement takes the first and last ``seq``."""

    name: str
    """Its name in the session's schema of temporary tables."""
    copy: str
    """The COPY that fills it."""
    write: str | None
    """Writes its rows; None if there is nothing to write, in an update of keys alone."""
    delete: str
    """Deletes the rows with its keys."""


class PostgresWriter:
    """Writes loads to tables of a PostgreSQL database."""

    def __init__(self, session: Transactions, mode: Mode, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._stages: dict[Shape, Stage] = {}
        self._connection_number = 0
        self._created = 0
        self._together = 0
        """How many loads the present transaction has."""
        self._unheld: list[TableName] = []
        """The tables of those that were staged in it so far."""

    def prepare(self, loads: Sequence[Load]) -> None:
        """Makes the staging tables that are missing, each once per connection; drops the oldest if they get many."""
        self._together, self._unheld = len(loads), []
        staged = [load for load in loads if not direct.is_small(load, self._together, self._mode)]
        wanted = list(dict.fromkeys((load.table, load.columns) for load in staged))
        if not wanted:
            return
        tables = ", ".join(sorted({str(table) for table, _ in wanted}))
        with self._session.transaction(f"stage rows for {tables}") as connection:
            # Asked here: the transaction may have opened a new connection, which has no staging tables.
            number = self._session.number
            kept = self._stages if number == self._connection_number else {}
            kept = self._without_oldest(connection, kept, wanted)
            created = {shape: self._create(connection, *shape) for shape in wanted if shape not in kept}
        self._stages, self._connection_number = {**kept, **created}, number

    def _without_oldest(
        self, connection: Connection, kept: dict[Shape, Stage], wanted: Sequence[Shape]
    ) -> dict[Shape, Stage]:
        idle = [shape for shape in kept if shape not in wanted]
        missing = sum(shape not in kept for shape in wanted)
        surplus = idle[: max(0, len(kept) + missing - _MOST_STAGES)]
        for shape in surplus:
            _cursor(connection).execute(f"DROP TABLE pg_temp.{quoted(kept[shape].name)}", ())
        return {shape: stage for shape, stage in kept.items() if shape not in surplus}

    def _create(self, connection: Connection, table: TableName, columns: tuple[TableColumn, ...]) -> Stage:
        self._created += 1
        name = f"ferryman_stage_{self._created}"
        same = [f"t.{quoted(column.name)} AS c{index}" for index, column in enumerate(columns)]
        same += [f"''::text AS {_given(index)}" for index in _echoed(columns)]
        empty = f"SELECT 0::bigint AS seq, {', '.join(same)} FROM {qualified(table)} t WITH NO DATA"  # noqa: S608
        _cursor(connection).execute(f"CREATE TEMP TABLE {quoted(name)} ON COMMIT DELETE ROWS AS {empty}", ())
        return statements(name, table, columns, self._mode)

    def stage(self, connection: Connection, load: Load) -> Apply:
        """Copies the rows into their staging table; what is returned puts them into the table."""
        if direct.is_small(load, self._together, self._mode):
            apply = self._direct(_cursor(connection), load)
        else:
            apply = self._staged(_cursor(connection), load)
        self._hold(connection, load.table)
        return apply

    def apply(self, connection: Connection, moves: Sequence[tuple[Load, Apply]]) -> None:
        """All statements are sent before the first is answered."""
        with _driver(connection).pipeline():
            for load, apply in moves:
                apply(*load.span)

    def _hold(self, connection: Connection, table: TableName) -> None:
        # When all loads are staged, and all tables at once: none is held while rows are on their way, and statements
        # sent one by one would each cost a way to the server and back.
        self._unheld.append(table)
        if len(self._unheld) < self._together:
            return
        tables, self._unheld = dict.fromkeys(self._unheld), []
        with _driver(connection).pipeline():
            for each in tables:
                _cursor(connection).execute(direct.hold(each), ())

    def _staged(self, cursor: psycopg.Cursor, load: Load) -> Apply:
        stage = self._stages[load.table, load.columns]
        self._copy(cursor, stage, load)

        def apply(first: int, last: int) -> None:
            statement = stage.delete if load.deletes else stage.write
            if statement is not None:
                cursor.execute(statement, (first, last))

        return apply

    def each(self, connection: Connection, runs: Sequence[Run]) -> Sequence[Refused]:
        """By the server itself, unless some rows have no staging table."""
        if any(direct.is_small(run.load, self._together, self._mode) for run in runs):
            return savepoints.each(self._session, connection, runs)
        stages = [self._stages[run.load.table, run.load.columns] for run in runs]
        moves = [
            (stage.name, stage.delete if run.load.deletes else stage.write)
            for stage, run in zip(stages, runs, strict=True)
        ]
        return refusals.each(_cursor(connection), runs, moves, self._session.doing)

    def _direct(self, cursor: psycopg.Cursor, load: Load) -> Apply:
        values = load.frame.select("seq", *self._expressions(load.columns))

        def apply(first: int, last: int) -> None:
            wanted = pl.col("seq").is_between(first, last)
            some = replace(load, frame=load.frame.filter(wanted))
            direct.write(cursor, some, values.filter(wanted).drop("seq"), self._mode)

        return apply

    def _copy(self, cursor: psycopg.Cursor, stage: Stage, load: Load) -> None:
        rows = load.frame.select("seq", *self._expressions(load.columns))
        text = io.BytesIO()
        rows.write_csv(
            text, include_header=False, quote_style="non_numeric", null_value=_NULL, datetime_format=TIMESTAMP_FORMAT
        )
        try:
            with cursor.copy(stage.copy, ()) as copy:
                copy.write(text.getbuffer())
        except psycopg.Error as error:
            index = copied_column(error)
            if index is None:
                raise
            problem = f"does not take a value: {type(error).__name__} (SQLSTATE {error.sqlstate})"
            raise misfit(load.table, load.columns[index], problem) from None
        for index in _echoed(load.columns):
            _compare(cursor, stage, load, index)

    def _expressions(self, columns: Sequence[TableColumn]) -> Iterator[pl.Expr]:
        for index, column in enumerate(columns):
            yield copied(pl.col(f"c{index}"), column.source.schema, column.fit, self._zones).alias(f"c{index}")
        for index in _echoed(columns):
            yield pl.col(f"c{index}").alias(_given(index))


def _echoed(columns: Sequence[TableColumn]) -> list[int]:
    """The columns that must give texts back as they got them."""
    return [index for index, column in enumerate(columns) if column.fit.echoed]


def _given(index: int) -> str:
    """The staging column for the texts that such a column is given."""
    return f"given{index}"


def _compare(cursor: psycopg.Cursor, stage: Stage, load: Load, index: int) -> None:
    differs = f"seq BETWEEN %s AND %s AND c{index}::text IS DISTINCT FROM {_given(index)}"
    query = f"SELECT 1 FROM {quoted(stage.name)} WHERE {differs} LIMIT 1"  # noqa: S608
    cursor.execute(query, load.span)
    if cursor.fetchone() is not None:
        raise misfit(load.table, load.columns[index], "takes texts that it gives back as they are only")


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _cursor(connection: Connection) -> psycopg.Cursor:
    return _driver(connection).cursor()


def statements(name: str, table: TableName, columns: tuple[TableColumn, ...], mode: Mode) -> Stage:
    """The statements for a staging table. All names are quoted, all values are parameters."""
    stage, into = quoted(name), qualified(table)
    staged = [*(f"c{index}" for index in range(len(columns))), *map(_given, _echoed(columns))]
    copy = f"COPY {stage} (seq, {', '.join(staged)}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')"
    return Stage(name, copy, _write(stage, into, columns, mode), _delete(stage, into, columns))


def _delete(stage: str, into: str, columns: Sequence[TableColumn]) -> str:
    same = _same_key(columns)
    return f"DELETE FROM {into} t USING {stage} s WHERE s.seq BETWEEN %s AND %s{same}"  # noqa: S608


def _same_key(columns: Sequence[TableColumn]) -> str:
    return "".join(f" AND t.{quoted(columns[index].name)} = s.c{index}" for index in key_columns(columns))


def _write(stage: str, into: str, columns: Sequence[TableColumn], mode: Mode) -> str | None:
    others = other_columns(columns)
    names = [quoted(column.name) for column in columns]
    staged = ", ".join(f"s.c{index}" for index in range(len(columns)))
    insert = f"INSERT INTO {into} ({', '.join(names)}) SELECT {staged} FROM"
    if mode == "insert":
        return f"{insert} {stage} s WHERE s.seq BETWEEN %s AND %s ORDER BY s.seq"
    key = ", ".join(f"c{index}" for index in key_columns(columns))
    # Sorted by key, so that tasks which write the same rows take their locks in the same order.
    last = f"(SELECT DISTINCT ON ({key}) * FROM {stage} WHERE seq BETWEEN %s AND %s ORDER BY {key}, seq DESC) s"  # noqa: S608
    if mode == "update":
        if not others:
            return None
        changes = ", ".join(f"{names[index]} = s.c{index}" for index in others)
        return f"UPDATE {into} t SET {changes} FROM {last} WHERE true{_same_key(columns)}"  # noqa: S608
    conflict = f"ON CONFLICT ({', '.join(names[index] for index in key_columns(columns))})"
    changes = ", ".join(f"{names[index]} = EXCLUDED.{names[index]}" for index in others)
    action = f"DO UPDATE SET {changes}" if others else "DO NOTHING"
    return f"{insert} {last} ORDER BY {key} {conflict} {action}"
