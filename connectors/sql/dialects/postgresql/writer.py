"""PostgreSQL: a batch goes by COPY into a staging table of the session, and on into its table in one statement.

Where a poll is for many tables, few rows for one go in without a staging table (``direct``).
"""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain

import polars as pl
import psycopg
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects import kept_stages, savepoints
from ferryman.connectors.sql.dialects.dialect import (
    Apply,
    Load,
    Mode,
    Refused,
    RowStretch,
    TableColumn,
    Transactions,
)
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.connectors.sql.dialects.kept_stages import EXAMPLE, KeptStages, Shape
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.postgresql import one_message, refusals, suspects
from ferryman.connectors.sql.dialects.postgresql.column_types.values import copied
from ferryman.connectors.sql.dialects.postgresql.errors import copied_column
from ferryman.connectors.sql.dialects.postgresql.names import qualified, quoted
from ferryman.connectors.sql.dialects.postgresql.sifting import Look, Texts
from ferryman.connectors.sql.dialects.postgresql.statements import NULL, Stage, echoed, given, staged
from ferryman.connectors.sql.dialects.postgresql.unstaged import arrays, direct
from ferryman.connectors.sql.dialects.postgresql.unstaged.ways import Way, Ways
from ferryman.connectors.sql.records.values import TIMESTAMP_FORMAT, Zones
from ferryman.errors import DataError, TaskError

# S608 (statements put together from strings) is silenced below: every name in them has passed ``quoted``.

Fill = Callable[[psycopg.Cursor, "Stage", Load], None]
"""Brings a load's rows into its staging table."""
Statements = Callable[[int, int], Iterable[str]]
"""What puts those of a load's rows into their table whose ``seq`` lies between these two, both included."""


class PostgresWriter:
    """Writes loads to tables of a PostgreSQL database."""

    def __init__(self, session: Transactions, mode: Mode, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._stages = KeptStages(session, self._create, _emptied_by_commit, _drop)
        self._ways = Ways((), mode, row_by_row=False)
        """The ways that the present transaction's loads go."""
        self._statements: Sequence[Statements] = ()
        """Those of its loads."""

    def prepare(self, loads: Sequence[Load], row_by_row: bool) -> None:
        """Makes the staging tables that are missing, each once per connection; drops the oldest if they get many."""
        self._ways = Ways(loads, self._mode, row_by_row)
        self._stages.prepare(load for load in loads if self._ways.of(load) == "staged")

    def _create(self, connection: Connection, name: str, shape: Shape) -> Stage:
        table, columns = shape
        same = [f"t.{quoted(column.name)} AS c{index}" for index, column in enumerate(columns)]
        same += [f"''::text AS {given(index)}" for index in echoed(columns)]
        empty = f"SELECT 0::bigint AS seq, {', '.join(same)} FROM {qualified(table)} t WITH NO DATA"  # noqa: S608
        cursor = one_message.cursor_of(connection)
        cursor.execute(f"CREATE TEMP TABLE {quoted(name)} ON COMMIT DELETE ROWS AS {empty}", ())
        _leave_as_they_are(cursor, name)
        return staged(name, table, columns, self._mode)

    def stage(self, connection: Connection, loads: Sequence[Load]) -> Sequence[Apply]:
        """Copies the rows into their staging tables, or makes literals or arrays of them, and holds the tables."""
        return self._brought(connection, loads, self._copy)

    def sift(self, connection: Connection, loads: Sequence[Load]) -> tuple[Sequence[Apply], Sequence[Refused]]:
        """The same, but what COPY cannot read is left out. Literals are read when they are put into their tables."""
        unfit = list[Refused]()

        def fill(cursor: psycopg.Cursor, stage: Stage, load: Load) -> None:
            unfit.extend(self._sifted(connection, cursor, stage, load))

        return self._brought(connection, loads, fill), unfit

    def _brought(self, connection: Connection, loads: Sequence[Load], fill: Fill) -> Sequence[Apply]:
        cursor = one_message.cursor_of(connection)
        by_way: dict[Way, list[int]] = {}
        for number, load in enumerate(loads):
            by_way.setdefault(self._ways.of(load), []).append(number)
        small, wide = by_way.get("literals", []), by_way.get("arrays", [])
        made = direct.as_literals([loads[number] for number in small], self._copied)
        columns = arrays.as_arrays([self._ways.one_a_key(loads[number]) for number in wide], self._mode, self._copied)
        found: dict[int, Statements] = {}
        found |= {number: partial(each.statements, self._mode) for number, each in zip(small, made, strict=True)}
        found |= {number: _all_at_once(each) for number, each in zip(wide, columns, strict=True)}
        steps: dict[int, Apply] = {number: partial(_apply, cursor, each) for number, each in found.items()}
        for number in by_way.get("staged", []):
            stage, deletes = self._stages.of(loads[number]), loads[number].deletes
            fill(cursor, stage, loads[number])
            found[number], steps[number] = partial(stage.statements, deletes), partial(_move, cursor, stage, deletes)
        one_message.run(cursor, dict.fromkeys(direct.hold(load.table) for load in loads))
        self._statements = [found[number] for number in range(len(loads))]
        return [steps[number] for number in range(len(loads))]

    def write(self, connection: Connection, loads: Sequence[Load], steps: Sequence[Apply]) -> None:
        """A single load by a statement that the server keeps prepared, several in one message."""
        if len(loads) == 1:
            steps[0](*loads[0].span)
        else:
            each = (statements(*load.span) for statements, load in zip(self._statements, loads, strict=True))
            one_message.run(one_message.cursor_of(connection), chain.from_iterable(each))
        self._ways, self._statements = Ways((), self._mode, row_by_row=False), ()

    def statements_for(self, connection: Connection | None, load: Load, together: int) -> Sequence[str]:
        """The COPY into the staging table and what moves its rows on; or the statement of literals, or of arrays."""
        if direct.is_small(load, together, self._mode):
            return [direct.statement_text(load, self._mode)]
        if together > kept_stages.KEPT_STAGES and arrays.suits(load, self._mode):
            return [arrays.statement(load, self._mode, ["'{…}'"] * len(load.columns))]
        found = staged(EXAMPLE, load.table, load.columns, self._mode)
        move = found.moving(load.deletes)
        return [] if move is None else [found.copy, move.replace("%%", "%")]

    def write_each(self, connection: Connection, stretches: Sequence[RowStretch]) -> Sequence[Refused]:
        """By the server itself, unless some rows have no staging table."""
        if any(self._ways.of(stretch.load) != "staged" for stretch in stretches):
            return savepoints.write_each(self._session, connection, stretches)
        cursor, moves, suspected = one_message.cursor_of(connection), dict[int, tuple[str, str | None]](), list[int]()
        for load in {id(stretch.load): stretch.load for stretch in stretches}.values():
            stage = self._stages.of(load)
            moves[id(load)] = stage.name, stage.moving(load.deletes)
            suspected += suspects.refusable(self._session, connection, cursor, stage.name, load, self._mode)
        alone = list(suspects.cut(stretches, sorted(suspected)))
        return refusals.write_each(cursor, alone, [moves[id(stretch.load)] for stretch in alone], self._session.doing)

    def _sifted(self, connection: Connection, cursor: psycopg.Cursor, stage: Stage, load: Load) -> Sequence[Refused]:
        """Fills a staging table with the rows that it takes; the others."""
        rows, guilty = self._csv(load), None
        try:
            with self._session.savepoint(connection):
                try:
                    _send(cursor, stage.copy, rows)
                except psycopg.Error as error:
                    guilty = copied_column(error)
                    raise
                self._compare(cursor, stage, load)
            return ()
        except Undone:
            raise
        except (DataError, TaskError):
            # What a type's own reader says of a text need not be of the class of data errors.
            pass
        texts = Texts(stage.name, stage.staged)
        try:
            with self._session.savepoint(connection):
                texts.create(cursor)
                _send(cursor, texts.copy, rows)
        except Undone:
            raise
        except DataError:
            # There are texts that the database cannot have at all, in its encoding.
            return list(savepoints.sifted(self._session, connection, load, partial(self._copy, cursor, stage)))
        unfit = texts.moved(Look(self._session, connection, cursor, load), guilty)
        for index in echoed(load.columns):
            differing = _differing(cursor, stage, load, index, "DELETE")
            unfit += [Refused(seq, _changed(load, index)) for seq in differing]
        return unfit

    def _copy(self, cursor: psycopg.Cursor, stage: Stage, load: Load) -> None:
        try:
            _send(cursor, stage.copy, self._csv(load))
        except psycopg.Error as error:
            index = copied_column(error)
            if index is None:
                raise
            problem = f"does not take a value: {type(error).__name__} (SQLSTATE {error.sqlstate})"
            raise misfit(load.table, load.columns[index], problem) from None
        self._compare(cursor, stage, load)

    def _compare(self, cursor: psycopg.Cursor, stage: Stage, load: Load) -> None:
        for index in echoed(load.columns):
            if _differing(cursor, stage, load, index, "SELECT"):
                raise _changed(load, index)

    def _csv(self, load: Load) -> memoryview:
        rows, text = load.frame.select("seq", *self._expressions(load.columns)), io.BytesIO()
        rows.write_csv(
            text, include_header=False, quote_style="non_numeric", null_value=NULL, datetime_format=TIMESTAMP_FORMAT
        )
        return text.getbuffer()

    def _copied(self, values: pl.Expr, column: TableColumn) -> pl.Expr:
        return copied(values, column.source.schema, column.fit, self._zones)

    def _expressions(self, columns: Sequence[TableColumn]) -> Iterator[pl.Expr]:
        for index, column in enumerate(columns):
            yield self._copied(pl.col(f"c{index}"), column).alias(f"c{index}")
        for index in echoed(columns):
            yield pl.col(f"c{index}").alias(given(index))


def _all_at_once(statement: str) -> Statements:
    """Of arrays, whatever numbers are asked for: they are tried in parts only where they are no arrays."""
    return lambda _first, _last: [statement]


def _apply(cursor: psycopg.Cursor, statements: Statements, first: int, last: int) -> None:
    one_message.run(cursor, statements(first, last))


def _move(cursor: psycopg.Cursor, stage: Stage, deletes: bool, first: int, last: int) -> None:
    statement = stage.moving(deletes)
    if statement is not None:
        cursor.execute(statement, (first, last))


def _emptied_by_commit(connection: Connection, stage: Stage) -> None:
    """The server has emptied it."""


def _drop(connection: Connection, stage: Stage) -> None:
    one_message.cursor_of(connection).execute(f"DROP TABLE pg_temp.{quoted(stage.name)}", ())


def _leave_as_they_are(cursor: psycopg.Cursor, name: str) -> None:
    """Has large values of a staging table stored without compressing them: their own table does that again, and for
    values of megabytes it is most of the work."""
    compressed = (
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attstorage IN ('x', 'm')"
    )
    cursor.execute(compressed, (f"pg_temp.{quoted(name)}",))
    changes = ", ".join(f"ALTER COLUMN {quoted(column)} SET STORAGE EXTERNAL" for (column,) in cursor.fetchall())
    if changes:
        cursor.execute(f"ALTER TABLE pg_temp.{quoted(name)} {changes}", ())


def _send(cursor: psycopg.Cursor, statement: str, rows: memoryview) -> None:
    with cursor.copy(statement, ()) as copy:
        copy.write(rows)


def _differing(cursor: psycopg.Cursor, stage: Stage, load: Load, index: int, how: str) -> Sequence[int]:
    """The rows of which the column gives another text back than it got, looked for or deleted."""
    differs = f"seq BETWEEN %s AND %s AND c{index}::text IS DISTINCT FROM {given(index)}"
    if how == "SELECT":
        query = f"SELECT seq FROM {quoted(stage.name)} WHERE {differs} LIMIT 1"  # noqa: S608
    else:
        query = f"DELETE FROM {quoted(stage.name)} WHERE {differs} RETURNING seq"  # noqa: S608
    cursor.execute(query, load.span)
    return [int(seq) for (seq,) in cursor]


def _changed(load: Load, index: int) -> DataError:
    return misfit(load.table, load.columns[index], "takes texts that it gives back as they are only")
