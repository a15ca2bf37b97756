"""Tables as a database has them: looked at and changed there, or on paper, which changes nothing."""

from collections.abc import Iterable
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


class Structure(Protocol):
    """Where tables are looked at and changed."""

    def look(self, table: TableName) -> Definition | None:
        """A table as it is now, None if there is none. Raises TaskError for one that cannot be written to."""

    def change(self, table: TableName, change: ExecutableDDLElement, columns: Iterable[sa.Column[Any]]) -> None:
        """Makes a change, which adds these columns. Raises Denied, and whatever the database says against it."""


class InDatabase:
    """The tables of the database itself."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, table: TableName) -> Definition | None:
        """By the dialect."""
        with self._session.transaction(f"look at the table {table}") as connection:
            return self._session.dialect.describe(connection, table)

    def change(self, table: TableName, change: ExecutableDDLElement, columns: Iterable[sa.Column[Any]]) -> None:
        """In a transaction of its own, before any of the data's: some databases commit what is open when they meet
        DDL."""
        with self._session.transaction(f"change the table {table}") as connection:
            connection.execute(change)


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
        """Whether there is no database to look at."""
        return self._there is None

    def look(self, table: TableName) -> Definition | None:
        """As it would be by now."""
        if table in self._changed:
            return self._changed[table]
        return None if self._there is None else self._there.look(table)

    def change(self, table: TableName, change: ExecutableDDLElement, columns: Iterable[sa.Column[Any]]) -> None:
        """Written down."""
        self.changes.append(Written(table, text_of(change, self._dialect)))
        before = self.look(table)
        if before is None:
            self.created.add(table)
            before = Definition({}, is_view=False, mark=None)
        added = {str(column.name): column.type for column in columns}
        self._changed[table] = replace(before, columns={**before.columns, **added})
