"""Tables as a database has them: read and changed there, or only simulated, which changes nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement

from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.dialect import Definition
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.statement_text import on_one_line


class AddColumn(ExecutableDDLElement):
    """ALTER TABLE … ADD COLUMN."""

    def __init__(self, table: sa.Table, column: sa.Column[Any]) -> None:
        self.table = table
        self.column = column


@compiles(AddColumn)
def _add_column(element: AddColumn, compiler: Any, **_: Any) -> str:
    table = compiler.preparer.format_table(element.table)
    return f"ALTER TABLE {table} ADD COLUMN {compiler.get_column_specification(element.column)}"


def text_of(statement: sa.ClauseElement | ExecutableDDLElement, dialect: sa.Dialect) -> str:
    """A statement on one line, in the dialect's own words, as people would give it to the database; parameters stay
    parameters."""
    text = str(statement.compile(dialect=dialect))
    # The drivers want each % twice, which they take for the beginning of a parameter otherwise.
    return on_one_line(text.replace("%%", "%") if dialect.paramstyle in ("format", "pyformat") else text)


@dataclass(frozen=True, slots=True)
class Change:
    """A table that is made, or columns that are added to it."""

    table: TableName
    ddl: ExecutableDDLElement
    columns: Sequence[sa.Column[Any]]
    """The columns that the table has more afterwards."""


def names_of(tables: Sequence[TableName]) -> str:
    """Tables for a message: one by its name, of several the first."""
    return str(tables[0]) if len(tables) == 1 else f"{tables[0]} and {len(tables) - 1} more"


class Structure(Protocol):
    """Where tables are read and changed."""

    def look(self, tables: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """The definitions of the tables that are there, as they are now. Raises TaskError for one that cannot be
        written to."""

    def change(self, changes: Sequence[Change]) -> None:
        """Makes all changes; after an error none of them, or, where DDL cannot be undone, some. Raises Denied, and
        whatever the database says against it."""


class InDatabase:
    """The tables of the database itself."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, tables: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """The definitions, as the dialect reads them from the database."""
        with self._session.transaction(f"look at the table {names_of(tables)}") as connection:
            return self._session.dialect.describe(connection, tables)

    def change(self, changes: Sequence[Change]) -> None:
        """In a transaction of its own, before any of the data's: some databases commit what is open when they meet
        DDL."""
        with self._session.transaction(f"change the table {names_of([each.table for each in changes])}") as connection:
            for each in changes:
                connection.execute(each.ddl)


@dataclass(frozen=True, slots=True)
class Written:
    """A change that was written down."""

    table: TableName
    ddl: str


class OnPaper:
    """The tables of a database, and changes to them that are written down instead of made.

    ``there`` is the database; None where it cannot be asked, and then no table is there.
    """

    def __init__(self, session: Session, there: InDatabase | None) -> None:
        self._dialect = session.sql_dialect
        self._there = there
        self._changed: dict[TableName, Definition] = {}
        self.created: set[TableName] = set()
        """The tables that are not there."""
        self.changes: list[Written] = []

    @property
    def is_blind(self) -> bool:
        """Whether there is no database to read from."""
        return self._there is None

    def look(self, tables: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """The definitions as they would be by now, had the changes been made."""
        unchanged = [table for table in tables if table not in self._changed]
        found = {} if self._there is None or not unchanged else self._there.look(unchanged)
        return {**found, **{table: self._changed[table] for table in tables if table in self._changed}}

    def change(self, changes: Sequence[Change]) -> None:
        """Written down."""
        for each in changes:
            self.changes.append(Written(each.table, text_of(each.ddl, self._dialect)))
            before = self.look([each.table]).get(each.table)
            if before is None:
                self.created.add(each.table)
                before = Definition({}, is_view=False, fingerprint=None)
            added = {str(column.name): column.type for column in each.columns}
            self._changed[each.table] = replace(before, columns={**before.columns, **added})
