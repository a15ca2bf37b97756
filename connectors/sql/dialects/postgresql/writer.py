"""PostgreSQL: a batch goes by COPY into a staging table of the session, and on into its table in one statement."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import polars as pl
import psycopg
from sqlalchemy import Connection

from ferryman.connectors.sql.config.names import TableName
from ferryman.connectors.sql.database.errors import copied_column
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Target
from ferryman.connectors.sql.database.transaction_load import Write
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT, Zones, postgres
from ferryman.errors import DataError

_NULL = "\\N"
_MOST_STAGES = 64
# S608 (statements put together from strings) is silenced below: every name in them has passed ``quoted``.


@dataclass(frozen=True, slots=True)
class Stage:
    """A staging table and the statements that move its rows on; each statement takes the first and last ``seq``."""

    name: str
    copy: str
    write: str | None
    delete: str
    targets: tuple[Target, ...]


class PostgresWriter:
    """Writes frames to tables of a PostgreSQL database."""

    def __init__(self, session: Session, mode: str, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._stages: dict[tuple[TableName, tuple[Target, ...]], Stage] = {}
        self._session_number = 0
        self._made = 0

    def prepare(self, table: TableName, targets: tuple[Target, ...]) -> Write:
        """What writes frames with these columns. Their staging table is made before that, once per connection."""
        with self._session.transaction(f"stage rows for {table}") as connection:
            if self._session_number != self._session.number:
                self._session_number = self._session.number
                self._stages.clear()
            found = self._stages.get((table, targets))
            if found is None:
                found = self._stage(connection, table, targets)
        self._stages[table, targets] = found
        return partial(self._write, table, found)

    def _stage(self, connection: Connection, table: TableName, targets: tuple[Target, ...]) -> Stage:
        cursor = _driver(connection).cursor()
        if len(self._stages) >= _MOST_STAGES:
            oldest = next(iter(self._stages))
            cursor.execute(f"DROP TABLE pg_temp.{quoted(self._stages.pop(oldest).name)}", ())
        self._made += 1
        name = f"ferryman_stage_{self._made}"
        columns = ", ".join(f"t.{quoted(target.name)} AS c{index}" for index, target in enumerate(targets))
        empty = f"SELECT 0::bigint AS seq, false AS dead, {columns} FROM {qualified(table)} t WITH NO DATA"  # noqa: S608
        cursor.execute(f"CREATE TEMP TABLE {quoted(name)} ON COMMIT DELETE ROWS AS {empty}", ())
        return statements(name, table, targets, self._mode)

    def _write(self, table: TableName, stage: Stage, connection: Connection, frame: pl.DataFrame) -> Callable[[], None]:
        """Stages a frame of columns ``seq``, ``dead``, ``c0``, …; what is returned puts its rows into the table."""
        cursor = _driver(connection).cursor()
        self._copy(cursor, table, stage, frame)

        def apply() -> None:
            start = frame.item(0, "seq")
            for dead, first, last in self._runs(frame.get_column("dead")):
                statement = stage.delete if dead else stage.write
                if statement is not None:
                    cursor.execute(statement, (start + first, start + last))

        return apply

    def _copy(self, cursor: psycopg.Cursor, table: TableName, stage: Stage, frame: pl.DataFrame) -> None:
        rows = frame.select("seq", "dead", *self._expressions(stage.targets))
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
            raise DataError(
                f"Cannot write to {table}: a value does not fit the column {stage.targets[index].name}: "
                f"{type(error).__name__} (SQLSTATE {error.sqlstate})"
            ) from None

    def _expressions(self, targets: Sequence[Target]) -> Iterator[pl.Expr]:
        for index, target in enumerate(targets):
            yield postgres(pl.col(f"c{index}"), target.column.schema, target.form, self._zones).alias(f"c{index}")

    def _runs(self, dead: pl.Series) -> Iterator[tuple[bool, int, int]]:
        """The steps in which staged rows are applied: (delete, first row, last row).

        An upsert needs two at most: whatever was deleted in between is deleted first, then the last record of each key
        decides, and it has every column. Inserts and updates are kept in their order with deletes.
        """
        last = len(dead) - 1
        if not dead.any():
            yield False, 0, last
        elif self._mode == "upsert":
            yield True, 0, last
            yield False, 0, last
        else:
            start = 0
            flags = dead.to_list()
            for stop in range(1, len(flags) + 1):
                if stop == len(flags) or flags[stop] != flags[start]:
                    yield flags[start], start, stop - 1
                    start = stop


def _driver(connection: Connection) -> psycopg.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def quoted(name: str) -> str:
    """An identifier for a statement that is executed with parameters."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def qualified(table: TableName) -> str:
    """A table's full name for such a statement."""
    return quoted(table.name) if table.schema is None else f"{quoted(table.schema)}.{quoted(table.name)}"


def statements(name: str, table: TableName, targets: tuple[Target, ...], mode: str) -> Stage:
    """The statements for a staging table. All names are quoted, all values are parameters."""
    stage, into = quoted(name), qualified(table)
    staged = [f"c{index}" for index in range(len(targets))]
    copy = f"COPY {stage} (seq, dead, {', '.join(staged)}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')"
    keys = [index for index, target in enumerate(targets) if target.column.primary]
    return Stage(name, copy, _write(stage, into, targets, mode), _delete(stage, into, targets, keys), targets)


def _delete(stage: str, into: str, targets: Sequence[Target], keys: Sequence[int]) -> str:
    same = _same(targets, keys)
    return f"DELETE FROM {into} t USING {stage} s WHERE s.dead AND s.seq BETWEEN %s AND %s{same}"  # noqa: S608


def _same(targets: Sequence[Target], keys: Sequence[int]) -> str:
    return "".join(f" AND t.{quoted(targets[index].name)} = s.c{index}" for index in keys)


def _write(stage: str, into: str, targets: Sequence[Target], mode: str) -> str | None:
    keys = [index for index, target in enumerate(targets) if target.column.primary]
    others = [index for index, target in enumerate(targets) if not target.column.primary]
    names = [quoted(target.name) for target in targets]
    staged = ", ".join(f"s.c{index}" for index in range(len(targets)))
    insert = f"INSERT INTO {into} ({', '.join(names)}) SELECT {staged} FROM"
    if mode == "insert":
        return f"{insert} {stage} s WHERE NOT s.dead AND s.seq BETWEEN %s AND %s ORDER BY s.seq"
    key = ", ".join(f"c{index}" for index in keys)
    # Sorted by key, so that tasks which write the same rows take their locks in the same order.
    last = f"(SELECT DISTINCT ON ({key}) * FROM {stage} WHERE seq BETWEEN %s AND %s ORDER BY {key}, seq DESC) s"  # noqa: S608
    if mode == "update":
        if not others:
            return None
        changes = ", ".join(f"{names[index]} = s.c{index}" for index in others)
        return f"UPDATE {into} t SET {changes} FROM {last} WHERE NOT s.dead{_same(targets, keys)}"  # noqa: S608
    conflict = f"ON CONFLICT ({', '.join(names[index] for index in keys)})"
    changes = ", ".join(f"{names[index]} = EXCLUDED.{names[index]}" for index in others)
    action = f"DO UPDATE SET {changes}" if others else "DO NOTHING"
    return f"{insert} {last} WHERE NOT s.dead ORDER BY {key} {conflict} {action}"
