"""MariaDB and MySQL: a batch goes as one INSERT of literals into a staging table of the session, and on into its table.

LOAD DATA LOCAL would be faster, but it stores what does not fit as something that does, and a client that allows it
lets the server read its files (docs/decisions/0008). Here every value meets the type of its column in strict mode, and
what a statement has to warn about (a decimal that was rounded, a note to the server) is an error too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import polars as pl
import pymysql
from pymysql.cursors import Cursor
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects import savepoints
from ferryman.connectors.sql.dialects.dialect import (
    Apply,
    Load,
    Mode,
    Refused,
    RowStretch,
    Transactions,
    in_turn,
)
from ferryman.connectors.sql.dialects.faults import StaleTable
from ferryman.connectors.sql.dialects.kept_stages import EXAMPLE, KeptStages, Shape
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.mysql.column_types.values import NULL, literal
from ferryman.connectors.sql.dialects.mysql.errors import message_of, number_of, staged_column
from ferryman.connectors.sql.dialects.mysql.statements import Statements, name, statements
from ferryman.connectors.sql.dialects.mysql.tables import declared_types, unique_keys
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError

_LONGEST_STATEMENT = 4_000_000
"""In bytes; the server may allow less, or a single row need more."""
_NOTHING = (0, -1)
_HARMLESS = frozenset({1287, 1592, 1681, 1831, 3719, 3778})
"""Warnings about how a statement or table is written, not about a value."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A staging table."""

    name: str
    """Its name among the session's temporary tables."""
    statements: Statements
    """What moves its rows on."""


class MysqlWriter:
    """Writes loads to tables of a MariaDB or MySQL database."""

    def __init__(self, session: Transactions, mode: Mode, zones: Zones) -> None:
        self._session = session
        self._mode = mode
        self._zones = zones
        self._stages = KeptStages(session, self._create, _empty, _drop)
        self._longest = 0
        """The longest statement that the server takes, in bytes (max_allowed_packet), as connection ``_asked`` says."""
        self._asked = 0

    def prepare(self, loads: Sequence[Load], row_by_row: bool) -> None:
        """Makes the staging tables that are missing, each once per connection, and empties those that are there."""
        self._stages.prepare(loads)

    def _create(self, connection: Connection, stage: str, shape: Shape) -> Stage:
        table, columns = shape
        self._ask_for_limit(connection)
        found = declared_types(connection, table)
        gone = [column.name for column in columns if column.name not in found]
        if gone:
            raise StaleTable(f"The column {gone[0]} of {table} is gone")
        moves = statements(stage, table, columns, self._mode, unique_keys(connection, table))
        typed = ", ".join(f"c{index} {found[column.name]} NULL" for index, column in enumerate(columns))
        layout = f"seq BIGINT NOT NULL PRIMARY KEY, {typed}"
        with _cursor(connection) as cursor:
            cursor.execute(f"CREATE TEMPORARY TABLE {name(stage)} ({layout}) ENGINE=InnoDB")
        return Stage(stage, moves)

    def _ask_for_limit(self, connection: Connection) -> None:
        """Asks for the longest statement, once per connection."""
        if self._asked != self._session.number:
            with _cursor(connection) as cursor:
                cursor.execute("SELECT @@max_allowed_packet")
                self._longest = int((cursor.fetchone() or (0,))[0])
            self._asked = self._session.number

    def stage(self, connection: Connection, loads: Sequence[Load]) -> Sequence[Apply]:
        """Sends the rows to their staging tables; what is returned puts them into their table."""
        return [self._staged(connection, load) for load in loads]

    def sift(self, connection: Connection, loads: Sequence[Load]) -> tuple[Sequence[Apply], Sequence[Refused]]:
        """As ``savepoints.sifted``."""
        unfit = [
            refused
            for load in loads
            for refused in savepoints.sifted(self._session, connection, load, partial(self._fill, connection))
        ]
        return [self._held(connection, load) for load in loads], unfit

    def _staged(self, connection: Connection, load: Load) -> Apply:
        self._fill(connection, load)
        return self._held(connection, load)

    def _fill(self, connection: Connection, load: Load) -> None:
        cursor = _cursor(connection)
        for statement in self._inserts(load, self._stages.of(load)):
            try:
                cursor.execute(statement)
            except pymysql.Error as error:
                self._explain(error, load)
                raise
            _refuse_warnings(cursor, load)

    def _held(self, connection: Connection, load: Load) -> Apply:
        stage, cursor = self._stages.of(load), _cursor(connection)
        # No row has these numbers. But the statement has the table, so that nobody can change it until the
        # transaction's end; a SELECT would need a right that an INSERT does not.
        moves = stage.statements
        # One of its own: an INSERT of keys alone is an error where other columns take no null.
        for text in ((moves.delete, *moves.write) if load.deletes else (*moves.write, moves.delete))[:1]:
            if text is not None:
                cursor.execute(text, _NOTHING)

        def apply(first: int, last: int) -> None:
            for text in (moves.delete,) if load.deletes else moves.write:
                if text is not None:
                    cursor.execute(text, (first, last))
                    _refuse_warnings(cursor, load)

        return apply

    def write(self, connection: Connection, loads: Sequence[Load], steps: Sequence[Apply]) -> None:
        """One after the other."""
        in_turn(loads, steps)

    def statements_for(self, connection: Connection | None, load: Load, together: int) -> Sequence[str]:
        """The INSERT into the staging table, and what moves its rows on."""
        primary = frozenset(column.name for column in load.columns if column.primary)
        unique = [primary] if connection is None else unique_keys(connection, load.table)
        moves = statements(EXAMPLE, load.table, load.columns, self._mode, unique)
        chosen = (moves.delete,) if load.deletes else moves.write
        texts = [text.replace("%%", "%") for text in chosen if text is not None]
        return [f"INSERT INTO {EXAMPLE} VALUES (…), …", *texts]  # noqa: S608 - a name of ours

    def write_each(self, connection: Connection, stretches: Sequence[RowStretch]) -> Sequence[Refused]:
        """As ``savepoints.write_each``."""
        return savepoints.write_each(self._session, connection, stretches)

    def _inserts(self, load: Load, stage: Stage) -> Iterator[str]:
        head = f"INSERT INTO {stage.name} VALUES "  # noqa: S608 - a name of ours
        longest = min(self._longest, _LONGEST_STATEMENT) - len(head) - 1
        rows = self._rows(load)
        sizes = rows.str.len_bytes().to_list()
        start = 0
        for stop in _stops(sizes, longest):
            if sizes[start] > self._longest - len(head) - 1:
                raise DataError(
                    f"Cannot write to {load.table}: a row needs {sizes[start]:,} bytes, and the server's "
                    f"max_allowed_packet is {self._longest:,}"
                )
            yield head + ",".join(rows.slice(start, stop - start).to_list())
            start = stop

    def _rows(self, load: Load) -> pl.Series:
        values = [
            literal(pl.col(f"c{index}"), column.source.schema, column.form, self._zones).fill_null(NULL)
            for index, column in enumerate(load.columns)
        ]
        row = pl.lit("(") + pl.concat_str([pl.col("seq").cast(pl.String), *values], separator=",") + pl.lit(")")
        return load.frame.select(row.alias("row")).to_series()

    def _explain(self, error: pymysql.Error, load: Load) -> None:
        """Raises DataError for a value that does not fit its column, by the column's name."""
        index = staged_column(message_of(error))
        if index is not None and index < len(load.columns):
            raise misfit(load.table, load.columns[index], f"does not take a value: error {number_of(error)}") from None


def _stops(sizes: Sequence[int], longest: int) -> Iterator[int]:
    """Where to cut rows of these sizes so that no piece of several is longer than that, commas included."""
    begun = 0
    for index, end in enumerate(accumulate(size + 1 for size in sizes)):
        if end - begun > longest and end - begun > sizes[index] + 1:
            yield index
            begun = end - sizes[index] - 1
    yield len(sizes)


def _empty(connection: Connection, stage: Stage) -> None:
    with _cursor(connection) as cursor:
        cursor.execute(f"TRUNCATE TABLE {name(stage.name)}", ())


def _drop(connection: Connection, stage: Stage) -> None:
    with _cursor(connection) as cursor:
        cursor.execute(f"DROP TEMPORARY TABLE {name(stage.name)}", ())


def _refuse_warnings(cursor: Cursor, load: Load) -> None:
    """Raises DataError if the last statement had something to say: that it rounded, cut or replaced a value."""
    if not cursor.warning_count:
        return
    cursor.execute("SHOW WARNINGS")
    found = [(int(number), str(text)) for _, number, text in cursor.fetchall() if int(number) not in _HARMLESS]
    if not found:
        return
    number, text = found[0]
    index = staged_column(text)
    if index is not None and index < len(load.columns):
        raise misfit(load.table, load.columns[index], f"would change a value: warning {number}")
    raise DataError(f"Cannot write to {load.table}: a value would be changed: warning {number}")


def _cursor(connection: Connection) -> Cursor:
    driver = connection.connection.driver_connection
    assert isinstance(driver, pymysql.Connection)
    return Cursor(driver)
