"""The seam between the sink and a database: all that differs from one to the next, and nothing else.

A new database is a folder beside this file with a ``Dialect``, and a line in the table that picks one by its URL
(``config/databases.py``). docs/writing-a-dialect.md goes through it.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.engine.interfaces import ReflectedColumn
from sqlalchemy.engine.reflection import ObjectKind, ObjectScope

from ferryman.connectors.sql.column_fits.fit import Fit, Refusal
from ferryman.connectors.sql.dialects.names import Naming, TableName
from ferryman.connectors.sql.dialects.urls import Location, Urls
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.debezium import Notation
from ferryman.connectors.sql.records.values import Form, Zones
from ferryman.errors import DataError, FerrymanError
from ferryman.findings import Finding
from ferryman.schema import Schema

Type = sa.types.TypeEngine[Any]
"""A column's type in SQLAlchemy's terms."""
Mode = Literal["insert", "upsert", "update"]


@dataclass(frozen=True, slots=True)
class Definition:
    """A table that exists."""

    columns: Mapping[str, Type]
    """The types of its columns by name."""
    is_view: bool
    """Whether it is a view: nothing can be added to it."""
    fingerprint: object
    """The mark that changes when the table does (see ``Dialect.fingerprints``); taken before the rest was
    read."""
    generated: frozenset[str] = frozenset()
    """The columns that the database computes by itself and takes no values for, as far as it would not say so."""
    required: frozenset[str] = frozenset()
    """The columns that take no null, as far as is known."""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of a table that exists."""

    name: str
    """Its name in the table, which may differ from the field's by case."""
    source: Column
    """What fills it."""
    fit: Fit
    """How its values go in, as the dialect's ``fit`` has decided."""
    type: Type
    """Its type in the table. One that was looked up again is another one, so that whatever was made from it is made
    again."""
    required: bool = False
    """Whether it is known to take no null."""
    only_added: bool = False
    """Whether it is filled in rows that are added, and left alone in those that are there."""
    is_version: bool = False
    """Whether a row that is there changes only if its value here is less than the one that comes. What is null there
    is not less."""

    @property
    def form(self) -> Form:
        """How its values are written."""
        return self.fit.form

    @property
    def primary(self) -> bool:
        """Whether it belongs to the key of the record. The table may have another one."""
        return self.source.primary


@dataclass(frozen=True, slots=True)
class Load:
    """Rows for one table, in one transaction with others."""

    table: TableName
    """Where they go."""
    columns: tuple[TableColumn, ...]
    """What they fill."""
    frame: pl.DataFrame
    """``c0``, ``c1``, … (one for each of ``columns``) and ``seq``: a number that grows by one from row to row, through
    all loads of a transaction."""
    deletes: bool = False
    """Whether the rows with these keys are to be deleted."""

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last ``seq``."""
        return self.frame.item(0, "seq"), self.frame.item(-1, "seq")


@dataclass(frozen=True, slots=True)
class Use:
    """What the sink does to a table, for which it needs rights."""

    table: TableName
    """The table; it may not be there yet."""
    statements: frozenset[str]
    """INSERT, UPDATE, DELETE, SELECT."""
    creates: bool
    """Whether it is created where it is missing."""
    evolves: bool = False
    """Whether columns are added."""


class Transactions(Protocol):
    """The task's connection, as far as a dialect needs it."""

    @property
    def number(self) -> int:
        """How many connections there have been. What lives as long as a connection is made again when it grows."""

    @property
    def doing(self) -> str:
        """What the open transaction is for."""

    def transaction(self, doing: str) -> AbstractContextManager[Connection]:
        """A transaction of its own. ``doing`` continues "Cannot" in the text of an error."""

    def savepoint(self, connection: Connection) -> AbstractContextManager[None]:
        """A part of the open transaction, which is undone alone when it fails."""


Apply = Callable[[int, int], None]
"""Puts those of a load's rows into their table whose ``seq`` lies between these two, both included."""


@dataclass(frozen=True, slots=True)
class RowStretch:
    """Rows of one load that follow one another in the poll."""

    load: Load
    apply: Apply
    first: int
    """Their first ``seq``."""
    last: int
    """Their last."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that the database does not take."""

    seq: int
    error: DataError


class Writer(Protocol):
    """Puts rows into tables, in three steps that the sink calls in this order:

    prepare   in transactions of its own, with whatever commits by itself there (DDL)
    stage     in the data's transaction: rows go to the database, no row of a table or of the offsets is locked; at its
              end the tables keep their columns and keys until the transaction's end
    (the offsets are moved here, and their rows are locked until the end; the tables' fingerprints are compared)
    write     rows go into their tables; nothing waits for this process from here on

    Where the database refuses a row, all is undone and done again in the order of the poll, in stretches of rows:
    ``sift`` takes the place of ``stage``, and ``write_each`` that of ``write``.

    Where one of a load's columns ``is_version``, the statements compare it, of the rows of a load and with what stands
    in the table, so that of each key the newest stands at the end, in whatever order rows come and whoever else writes.
    """

    def prepare(self, loads: Sequence[Load], row_by_row: bool) -> None:
        """Makes ready what all these loads need at once. ``row_by_row``: whether they will go by ``sift`` and
        ``write_each``."""

    def stage(self, connection: Connection, loads: Sequence[Load]) -> Sequence[Apply]:
        """Takes the loads into the transaction; what is returned puts the rows of each into its table."""

    def sift(self, connection: Connection, loads: Sequence[Load]) -> tuple[Sequence[Apply], Sequence[Refused]]:
        """As ``stage``, but rows whose values the database does not take are left out, and told. ``savepoints.sifted``
        does it where ``stage`` may meet such and nothing better is known."""

    def write(self, connection: Connection, loads: Sequence[Load], steps: Sequence[Apply]) -> None:
        """Puts all rows of the loads into their tables, in this order; ``steps`` are what ``stage`` has returned.
        ``in_turn`` does it where nothing is won by knowing all of them."""

    def statements_for(self, connection: Connection | None, load: Load, together: int) -> Sequence[str]:
        """The statements by which a load, one of so many in its transaction, would get into its table, for people to
        read: rows and parameters are left open. ``connection`` is None for a table that is not there."""

    def write_each(self, connection: Connection, stretches: Sequence[RowStretch]) -> Sequence[Refused]:
        """Puts the rows of these stretches into their tables, one stretch after the other, and leaves out what the
        database refuses. ``savepoints.write_each`` does it in a database that has these and nothing better."""


class Types(Protocol):
    """What a database takes for each of Connect's types: the one place where that is decided."""

    notation: Notation
    """How it writes what Debezium has types for; the schemas keep the names by which ``column_type`` knows them."""

    def column_type(self, column: Column) -> Type | None:
        """The type of a created column; None if there is none for it."""

    def fit(self, schema: Schema, existing: Type, zones: Zones) -> Fit | Refusal:
        """How values of the schema go into a column of that type: as they are, or not at all."""

    def default(self, schema: Schema, zones: Zones) -> str | sa.TextClause | None:
        """A field's default: the text of a literal, or SQL for what follows DEFAULT. None if it has none, or one that
        no column can hold."""


class Dialect(Protocol):
    """A database that the sink can write to. It has no state: one object serves all tasks."""

    name: str
    """What messages call it."""
    sink_dialects: tuple[str, ...]
    """The values of ``dialect.name``, Confluent's key, that mean it."""
    without_effect: Mapping[str, str]
    """Keys of the JDBC sinks for this database that have no effect here, and why."""
    urls: Urls
    naming: Naming
    types: Types
    writes_alone: bool
    """Whether a transaction that writes keeps all others of the database from writing until its end."""
    columns: Mapping[str, Type]
    """Columns of each kind as they are declared, and their types: what the page about values goes through."""

    def engine(self, location: Location) -> Engine:
        """An engine without a pool, whose every new session is set up so that nothing is cut or rounded silently and
        no frozen task holds its locks for ever."""

    def is_there(self, location: Location) -> bool:
        """Whether there is something to connect to: False where connecting would make it."""

    def is_alive(self, connection: Connection) -> bool:
        """Whether a connection that has been idle can be used. True if only using it can tell."""

    def describe(self, connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """The definitions of the tables that are there, as they are now. Raises TaskError for one that cannot be
        written to exactly once, such as one that takes part in no transaction."""

    def fingerprints(self, connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, object]:
        """What each of these tables is now, in few and quick statements: another fingerprint means that what
        ``describe`` has told, or a statement made from it, may no longer hold. A table that is not there has none."""

    def grants(self, connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
        """The statements by which somebody who may do so gives this user what it lacks for these uses."""

    def table_options(self) -> Mapping[str, Any]:
        """Arguments of SQLAlchemy's ``Table`` for tables that are created."""

    def key_text(self, longest: int) -> Type:
        """The type of text in the key of the offsets table: compared byte by byte, up to ``longest`` bytes."""

    def insert_unless_there(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> sa.Executable:
        """Adds rows to the offsets table, or leaves those with their keys alone, without an error."""

    def change_each(self, connection: Connection, change: sa.Update, values: Sequence[Mapping[str, object]]) -> int:
        """Makes a change once with each of these values, in their order; how many rows it has changed. Nothing waits
        for this process meanwhile (see ``Writer``)."""

    def fault(self, error: Exception, doing: str, after: float | None) -> FerrymanError | None:
        """Whose fault an error of the driver is, by its code; None for an error of something else.

        ``doing`` continues "Cannot", ``after`` is the wait in seconds before a retry. The text names objects of the
        database, never values.
        """

    def check_deferred_constraints(self, connection: Connection) -> None:
        """Has the database check now what it would check at the commit, such as deferred constraints, and whatever
        comes after that at once. Raises the driver's errors."""

    def rolled_back(self, error: Exception) -> bool:
        """Whether a COMMIT that failed with this error certainly left nothing behind."""

    def schema(self, location: Location, table: TableName) -> tuple[Hashable, ...]:
        """Where a table is but for its name: the same for whatever ways lead to one schema of one server."""

    def texts(self, connection: Connection, table: TableName) -> Mapping[str, Literal["exact", "padded"]]:
        """How the table's columns of texts and bytes compare them in its keys: ``exact`` byte by byte, ``padded`` but
        for blanks and zeros at the end. Those that take other texts for equal are left out."""

    def absent(self, location: Location) -> Finding | None:
        """What there is to say of a database that a look would bring into being; None for one to connect to."""

    def refusal(self, subject: str, location: Location) -> Finding | None:
        """Why a login is refused, for ``ferryman doctor``: what is in the way and what mends it, found by asking the
        server in other ways. None if that cannot be found out."""

    def examine(self, connection: Connection, tasks: int) -> Iterable[Finding]:
        """Checks the server, for ``ferryman doctor``: its version, whether it takes writes, what sessions are like,
        whether so many connections are left."""

    def writer(self, session: Transactions, mode: Mode, zones: Zones) -> Writer:
        """What writes one task's rows."""


def in_turn(loads: Sequence[Load], steps: Sequence[Apply]) -> None:
    """One load after the other, each with its own statement; for most writers' ``write``."""
    for load, apply in zip(loads, steps, strict=True):
        apply(*load.span)


def reflected(
    connection: Connection, tables: Sequence[TableName], fingerprints: Mapping[TableName, object]
) -> dict[TableName, Definition]:
    """Tables as SQLAlchemy sees them, a few statements for all of a schema; for most dialects' ``describe``.
    ``fingerprints``: what was taken before."""
    inspector, found = sa.inspect(connection), dict[TableName, Definition]()
    for schema in dict.fromkeys(table.schema for table in tables):
        names = [table.name for table in tables if table.schema == schema]
        columns = inspector.get_multi_columns(schema, names, kind=ObjectKind.ANY, scope=ObjectScope.ANY)
        views = set(inspector.get_view_names(schema)) if columns else set[str]()
        for (_, name), each in columns.items():
            table = TableName(schema, name)
            found[table] = _definition(each, name in views, fingerprints.get(table))
    return found


def _definition(columns: Sequence[ReflectedColumn], is_view: bool, fingerprint: object) -> Definition:
    generated = frozenset(column["name"] for column in columns if column.get("computed"))
    required = frozenset(column["name"] for column in columns if not column["nullable"])
    return Definition({column["name"]: column["type"] for column in columns}, is_view, fingerprint, generated, required)


def key_columns(columns: Sequence[TableColumn]) -> list[int]:
    """Which of the columns are the key."""
    return [index for index, column in enumerate(columns) if column.primary]


def version_column(columns: Sequence[TableColumn]) -> int | None:
    """Which of the columns tells whether a row is newer than the one that is there; None where all that come are."""
    return next((index for index, column in enumerate(columns) if column.is_version), None)


def other_columns(columns: Sequence[TableColumn]) -> list[int]:
    """The columns outside the key that an upsert changes in a row that is there."""
    return [index for index, column in enumerate(columns) if not (column.primary or column.only_added)]
