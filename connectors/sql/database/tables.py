"""The tables in the database: what columns they have, and how missing ones come about (auto.create, auto.evolve)."""

import contextlib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.schema import CreateTable

from ferryman.connectors.sql.column_fits.fit import Refusal
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.database.rights import grants, use_of, with_statements
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.structure import AddColumn, Change, InDatabase, Structure, text_of
from ferryman.connectors.sql.dialects.dialect import Definition, TableColumn, Type
from ferryman.connectors.sql.dialects.faults import Denied, StaleTable
from ferryman.connectors.sql.dialects.names import TableName, checked_name, collision, lower
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError, FerrymanError, RetriableError, TaskError

_TABLES_A_TRANSACTION = 50
"""Tables that are made in one transaction: it holds locks for each until its end, and a server has few thousands."""

logger = logging.getLogger(__name__)


class Tables:
    """The tables of one task, remembered until one turns out to have changed."""

    def __init__(
        self, config: SqlSinkConfig, session: Session, zones: Zones, structure: Structure | None = None
    ) -> None:
        self._config = config
        self._session = session
        self._zones = zones
        self._structure: Structure = structure or InDatabase(session)
        self._dialect = session.dialect
        self._definitions: dict[TableName, Definition] = {}
        self._columns: dict[tuple[TableName, tuple[Column, ...]], tuple[TableColumn, ...]] = {}

    def forget(self, table: TableName) -> None:
        """Makes the next use read the table's structure again."""
        self._definitions.pop(table, None)
        for known in [known for known in self._columns if known[0] == table]:
            del self._columns[known]

    def verify(self, connection: Connection, tables: Collection[TableName]) -> None:
        """Raises StaleTable if a table is not what it was when its structure was read; others cannot change it
        meanwhile.

        What a writer has made of the table (types of columns, statements for its keys) would store something else than
        the table as it is now: rounded, cut, or joined to the row of another key.
        """
        changed = self._changed(connection, tables)
        if changed:
            raise StaleTable(f"{', '.join(map(str, changed))} has changed")

    def race(self, tables: Collection[TableName], error: StaleTable) -> FerrymanError:
        """What is to be raised instead if somebody has changed a table once more since it was looked at last."""
        changed = ", ".join(map(str, self.changed(tables)))
        return RetriableError(f"{changed} is changed faster than it can be written to") if changed else error

    def changed(self, tables: Collection[TableName]) -> Sequence[TableName]:
        """The tables that are not what they were when their structure was read."""
        with self._session.transaction("look whether tables have changed") as connection:
            return self._changed(connection, tables)

    def _changed(self, connection: Connection, tables: Collection[TableName]) -> Sequence[TableName]:
        known = {table: self._definitions[table].fingerprint for table in tables if table in self._definitions}
        fingerprints = self._dialect.fingerprints(connection, list(known)) if known else {}
        return [table for table, fingerprint in known.items() if fingerprints.get(table) != fingerprint]

    def prepare(self, wanted: Mapping[TableName, tuple[Column, ...] | None]) -> None:
        """Looks at several tables that are new to this task at once, and makes the missing of which columns are given:
        each by itself takes some twenty statements.

        It is a help and no more. What cannot be looked at or made so is left to ``exists`` and ``columns``, which go
        table by table and say what is wrong with which.
        """
        unknown = sorted((table for table in wanted if table not in self._definitions), key=str)
        if len(unknown) < 2:
            return
        with contextlib.suppress(DataError, TaskError):
            self._look(unknown)
        if not self._config.creates:
            return
        missing = [table for table in unknown if table not in self._definitions]
        creations = list(self._creations((table, wanted[table]) for table in missing))
        for start in range(0, len(creations), _TABLES_A_TRANSACTION):
            self._create_all(creations[start : start + _TABLES_A_TRANSACTION])

    def _creations(self, wanted: Iterable[tuple[TableName, tuple[Column, ...] | None]]) -> Iterator[Change]:
        for table, columns in wanted:
            if columns is None:
                continue
            try:
                self._refuse_collisions(table, columns)
                creation = self._creation(table, columns)
            except DataError:
                continue
            yield creation

    def _create_all(self, creations: Sequence[Change]) -> None:
        tables = [creation.table for creation in creations]
        logger.info("Creating %s", ", ".join(map(str, tables)))
        # A neighbour that makes one of them at the same moment, or one that is not allowed, undoes the others here.
        with contextlib.suppress(FerrymanError):
            self._structure.change(creations)
        with contextlib.suppress(DataError, TaskError):
            self._look(tables)

    def _look(self, tables: Sequence[TableName]) -> None:
        self._definitions |= {table: each for table, each in self._structure.look(tables).items() if self._takes(each)}

    def knows(self, table: TableName) -> bool:
        """Whether the table's structure has been read, and the table existed."""
        return table in self._definitions

    def exists(self, table: TableName) -> bool:
        """Whether the table is there. Raises TaskError if it is missing and is not to be created."""
        return self._definition(table) is not None

    def columns(self, table: TableName, columns: tuple[Column, ...]) -> tuple[TableColumn, ...]:
        """Where the columns go; creates and adds what is missing, if the config says so.

        Raises TaskError for a missing table, DataError for columns that the table lacks or that cannot be written.
        """
        found = self._columns.get((table, columns))
        if found is None:
            self._refuse_collisions(table, columns)
            definition = self._definition(table) or self._create(table, columns)
            definition = self._evolve(table, definition, columns)
            found = tuple(self._existing(table, column, definition) for column in columns)
            twice = next((name for name, count in Counter(column.name for column in found).items() if count > 1), None)
            if twice is not None:
                raise DataError(f"Two fields mean the column {twice} of {table}")
            self._columns[table, columns] = found
        return found

    def _refuse_collisions(self, table: TableName, columns: Sequence[Column]) -> None:
        quotes, naming = self._config.quotes, self._dialect.naming
        names = [column.name if quotes else naming.unquoted(column.name) for column in columns]
        if naming.columns_ignore_case or len(set(names)) < len(names):
            same = collision(column.name for column in columns)
            if same is not None:
                how = "rename one" if naming.columns_ignore_case else "rename one, or set quote.sql.identifiers=always"
                raise DataError(f"The fields {same[0]!r} and {same[1]!r} mean the same column of {table}: {how}")

    def _definition(self, table: TableName) -> Definition | None:
        found = self._definitions.get(table)
        if found is None:
            found = self._structure.look([table]).get(table)
            if found is None and not self._config.creates:
                raise self._missing(table)
            if found is not None and not self._takes(found):
                raise TaskError(f"{table} is a view, and table.types does not list VIEW")
            if found is not None:
                self._definitions[table] = found
        return found

    def _takes(self, definition: Definition) -> bool:
        return not definition.is_view or "VIEW" in map(str.upper, self._config.table_types)

    def _missing(self, table: TableName) -> FerrymanError:
        """Databases hide tables from those who have no right to them, or to their schema."""
        lacking = grants(self._session, [use_of(self._config, table)])
        if not lacking:
            return TaskError(f"Table {table} is missing and auto-creation is disabled")
        return with_statements(Denied(f"Table {table} is missing, or hidden", key="connection.user"), lacking)

    def _create(self, table: TableName, columns: Sequence[Column]) -> Definition:
        logger.info("Creating the table %s", table)
        return self._change(self._creation(table, columns))

    def _creation(self, table: TableName, columns: Sequence[Column]) -> Change:
        created = self._table(table, [self._new(table, column) for column in columns])
        return Change(table, CreateTable(created), list(created.columns))

    def _evolve(self, table: TableName, definition: Definition, columns: Sequence[Column]) -> Definition:
        missing = [column for column in columns if _known(column.name, definition.columns) is None]
        if not missing:
            return definition
        for column in missing:
            if not column.nullable and column.schema.default is None:
                raise DataError(
                    f"Cannot ALTER TABLE {table} to add missing field {column.name}, as the field is not optional and "
                    "does not have a default value. Add the column by hand, or give the field a default"
                )
        names = ", ".join(column.name for column in missing)
        if definition.is_view:
            raise DataError(f"View {table} is missing fields ({names}) and ALTER VIEW is unsupported")
        if not self._config.evolves:
            raise DataError(f"Table {table} is missing fields ({names}) and auto-evolution is disabled")
        logger.info("Adding the columns %s to the table %s", names, table)
        additions = [self._addition(table, column) for column in missing]
        if len(additions) > 1:
            # A neighbour that adds one of them at the same moment undoes the others here: then each goes by itself.
            with contextlib.suppress(FerrymanError):
                self._structure.change(additions)
            self.forget(table)
            definition = self._definition(table) or definition
        for addition in additions:
            (added,) = addition.columns
            if added.name not in definition.columns:
                definition = self._change(addition, added.name)
        return definition

    def _addition(self, table: TableName, column: Column) -> Change:
        added = self._new(table, column)
        self._table(table, [added])
        return Change(table, AddColumn(added.table, added), [added])

    def _change(self, change: Change, column: str | None = None) -> Definition:
        """Makes a change that another task may be making too; then all that counts is that it has been made."""
        failed: FerrymanError | None = None
        table = change.table
        try:
            self._structure.change([change])
        except Denied as error:
            use = replace(use_of(self._config, table), evolves=column is not None)
            ddl = text_of(change.ddl, self._session.sql_dialect)
            failed = with_statements(error, grants(self._session, [use]), f"make the change: {ddl}")
        except RetriableError:
            raise
        except FerrymanError as error:
            failed = error
        self.forget(table)
        found = self._definition(table)
        if found is None or (column is not None and column not in found.columns):
            raise failed or TaskError(f"The table {table} has been changed back by someone else")
        return found

    def _table(self, table: TableName, columns: Iterable[sa.Column[Any]]) -> sa.Table:
        schema = None if table.schema is None else sa.quoted_name(table.schema, quote=True)
        return sa.Table(
            sa.quoted_name(table.name, quote=True),
            sa.MetaData(),
            *columns,
            schema=schema,
            **self._dialect.table_options(),
        )

    def _new(self, table: TableName, column: Column) -> sa.Column[Any]:
        kind = self._dialect.types.column_type(column)
        if kind is None:
            raise _unsupported(table, column)
        default = self._dialect.types.default(column.schema, self._zones)
        return sa.Column(
            sa.quoted_name(self._name(column), quote=True),
            kind,
            primary_key=column.primary,
            autoincrement=False,
            nullable=column.nullable or (column.schema.default is not None and not column.primary),
            server_default=default,
        )

    def _name(self, column: Column) -> str:
        naming = self._dialect.naming
        try:
            return checked_name(column.name if self._config.quotes else naming.unquoted(column.name), naming, "column")
        except DataError as error:
            raise error.in_field(column.name) from None

    def _existing(self, table: TableName, column: Column, definition: Definition) -> TableColumn:
        name = _known(column.name, definition.columns)
        assert name is not None
        existing = definition.columns[name]
        if name in definition.generated:
            text = f"The column {name} of {table} is generated: it takes no value of a field"
            raise DataError(text).in_field(column.name)
        fit = self._dialect.types.fit(column.schema, existing, self._zones)
        if isinstance(fit, Refusal):
            raise _refused(table, column, existing, fit)
        return TableColumn(name, column, fit, existing, name in definition.required)


def _known(name: str, columns: Mapping[str, Type]) -> str | None:
    """The column of that name, or the only one that differs by case alone."""
    if name in columns:
        return name
    alike = [known for known in columns if lower(known) == lower(name)]
    return alike[0] if len(alike) == 1 else None


def _unsupported(table: TableName, column: Column) -> DataError:
    return DataError(
        f"A field of type {column.schema.type} can have no column of its own in {table}: flatten it with the transform "
        "Flatten, drop it with ReplaceField, or make it a column for JSON"
    ).in_field(column.name)


def _refused(table: TableName, column: Column, existing: Type, refusal: Refusal) -> DataError:
    schema = column.schema
    return DataError(
        f"The field is of type {schema.name or schema.type}, and its column in {table} is {existing!r}: "
        f"{refusal.reason}. {refusal.mend}"
    ).in_field(column.name)
