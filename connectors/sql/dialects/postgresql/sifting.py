"""Rows with values that their columns do not take, found on the server: as texts first, then read column by column.

COPY ends at the first value that it cannot read, and says nothing of the others. Here all values are copied as texts,
which takes any, and moved on into columns of the types that they are for; a column that takes all of them costs one
statement, and another one as many tries as ``refusals`` needs. A text is cast to the column's type without its length,
precision or domain, and meets these as it is stored: a cast to them would cut and round.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Load, Refused, RowStretch, Transactions
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.names import temporary
from ferryman.connectors.sql.dialects.postgresql import refusals, suspects
from ferryman.connectors.sql.dialects.postgresql.names import quoted
from ferryman.connectors.sql.dialects.postgresql.statements import copying
from ferryman.connectors.sql.dialects.savepoints import STRETCH_ROWS
from ferryman.errors import DataError, TaskError

_PROBE = temporary("ferryman_probe")
_TYPES = """
WITH RECURSIVE below AS (
    SELECT attname AS name, atttypid AS type, false AS domain FROM pg_catalog.pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped
    UNION ALL
    SELECT name, typbasetype, true FROM below JOIN pg_catalog.pg_type t ON t.oid = type WHERE typtype = 'd')
SELECT name, pg_catalog.format_type(type, -1), domain
FROM below JOIN pg_catalog.pg_type t ON t.oid = type WHERE typtype <> 'd'"""
"""The types of a table's columns, or those at the bottom of their domains, and whether there are any domains."""


@dataclass(frozen=True, slots=True)
class Look:
    """Where and for what the server is asked."""

    session: Transactions
    connection: Connection
    cursor: psycopg.Cursor
    load: Load


@dataclass(frozen=True, slots=True)
class Texts:
    """A staging table's rows as texts, in a table of their own."""

    stage: str
    """The staging table's name."""
    columns: Sequence[str]
    """Its columns but ``seq``."""

    @property
    def name(self) -> str:
        """The name of the table of texts."""
        return f"{self.stage}_texts"

    @property
    def copy(self) -> str:
        """The COPY that fills it."""
        return copying(self.name, self.columns)

    def create(self, cursor: psycopg.Cursor) -> None:
        """Makes it, for the rest of the transaction."""
        texts = ", ".join(f"{column} text" for column in self.columns)
        cursor.execute(f"CREATE TEMP TABLE {quoted(self.name)} (seq bigint, {texts}) ON COMMIT DROP", ())

    def moved(self, look: Look, guilty: int | None) -> list[Refused]:
        """Moves the rows into the staging table, but for those that it does not take. Drops the table of texts.

        ``guilty``: the number of a column that has refused a value; the others are looked at only if they do too.
        """
        types = self._types(look.cursor)
        unfit = [] if guilty is None else self._without_unfit(look, [guilty], types)
        try:
            with look.session.savepoint(look.connection):
                self._move(look.cursor, types)
        except Undone:
            raise
        except (DataError, TaskError):
            others = [index for index in range(len(look.load.columns)) if index != guilty]
            unfit += self._without_unfit(look, others, types)
            self._move(look.cursor, types)
        look.cursor.execute(f"DROP TABLE {quoted(self.name)}")
        return unfit

    def _without_unfit(self, look: Look, columns: Sequence[int], types: Mapping[str, str]) -> list[Refused]:
        """Deletes the texts of the rows with values that one of these columns does not take; those rows."""
        found: dict[int, DataError] = {}
        for index in columns:
            for note in self._refused(look, f"c{index}", types[f"c{index}"]):
                problem = f"does not take a value: {note.problem}"
                found.setdefault(note.seq, misfit(look.load.table, look.load.columns[index], problem))
        look.cursor.execute(f"DELETE FROM {quoted(self.name)} WHERE seq = ANY(%s::bigint[])", ([*found],))  # noqa: S608
        return [Refused(seq, error) for seq, error in found.items()]

    def _move(self, cursor: psycopg.Cursor, types: Mapping[str, str]) -> None:
        casts = ", ".join(f"{column}::{types[column]}" for column in self.columns)
        into = f"INSERT INTO {quoted(self.stage)} (seq, {', '.join(self.columns)})"
        cursor.execute(f"{into} SELECT seq, {casts} FROM {quoted(self.name)}")  # noqa: S608

    def _types(self, cursor: psycopg.Cursor) -> Mapping[str, str]:
        """What a text is cast to for each column; ``text`` only for one that takes every text."""
        cursor.execute(_TYPES, (f"pg_temp.{self.stage}",))
        return {name: "pg_catalog.text" if domain and kind == "text" else kind for name, kind, domain in cursor}

    def _refused(self, look: Look, column: str, kind: str) -> Iterator[refusals.Note]:
        """The rows whose value the column does not take."""
        if kind == "text":
            return
        empty = f"SELECT seq, {column} FROM {quoted(self.stage)} WITH NO DATA"  # noqa: S608
        look.cursor.execute(f"CREATE TEMP TABLE {_PROBE} AS {empty}", ())
        move = (
            f"INSERT INTO {_PROBE} SELECT seq, {column}::{kind} FROM {quoted(self.name)} "  # noqa: S608
            "WHERE seq BETWEEN %s AND %s"
        )
        apart, others = self._suspected(look, column), _stretches(look.load)
        try:
            with look.session.savepoint(look.connection):
                look.cursor.execute(f"{move} AND seq <> ALL(%s::bigint[])", (*look.load.span, apart))
            stretches = [RowStretch(look.load, _nothing, seq, seq) for seq in apart]
        except Undone:
            raise
        except (DataError, TaskError):
            stretches = list(suspects.cut(list(others), apart))
        if stretches:
            yield from refusals.unreadable(look.cursor, stretches, (self.name, move))
        look.cursor.execute(f"DROP TABLE {_PROBE}")

    def _suspected(self, look: Look, column: str) -> Sequence[int]:
        with_types = f"pg_temp.{self.stage}"
        return suspects.unreadable(look.session, look.connection, look.cursor, self.name, column, with_types)


def _stretches(load: Load) -> Iterator[RowStretch]:
    seqs = load.frame.get_column("seq").to_list()
    for start in range(0, len(seqs), STRETCH_ROWS):
        some = seqs[start : start + STRETCH_ROWS]
        yield RowStretch(load, _nothing, some[0], some[-1])


def _nothing(first: int, last: int) -> None:
    """The server moves such rows by itself."""
