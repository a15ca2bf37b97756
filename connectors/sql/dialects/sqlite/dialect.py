"""SQLite, as the sink sees it."""

import sqlite3
from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine
from sqlalchemy.dialects.sqlite import insert

from ferryman.connectors.sql.dialects.dialect import Definition, Mode, Transactions, Type, Types, Use, Writer, reflected
from ferryman.connectors.sql.dialects.names import Naming, TableName, lower
from ferryman.connectors.sql.dialects.sqlite import errors, file
from ferryman.connectors.sql.dialects.sqlite.columns import COLUMNS
from ferryman.connectors.sql.dialects.sqlite.types import SqliteTypes
from ferryman.connectors.sql.dialects.sqlite.writer import SqliteWriter
from ferryman.connectors.sql.dialects.urls import BadUrl, Location, Urls
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import FerrymanError
from ferryman.files import allowed_folders
from ferryman.findings import Finding

_BUSY_SECONDS = 5.0


class SqliteNaming:
    """See ``Naming``."""

    quotes = '`"'
    columns_ignore_case = True

    def unquoted(self, name: str) -> str:
        """It keeps the case and ignores it; small letters are what the same config gives elsewhere."""
        return lower(name)

    def problem(self, name: str) -> str | None:
        """None: SQLite keeps every name."""
        return None


class SqliteUrls:
    """See ``Urls``: the path of a file, and nothing else."""

    jdbc: tuple[str, ...] = ("sqlite",)
    sqlalchemy: tuple[str, ...] = ("sqlite", "sqlite+pysqlite")
    example = "jdbc:sqlite:path"

    def from_jdbc(self, kind: str, rest: str) -> tuple[URL, dict[str, str]]:
        """Its JDBC driver's other forms (memory, resources, file: URLs) are refused."""
        return _file(rest), {}

    def from_sqlalchemy(self, url: URL) -> tuple[URL, dict[str, str]]:
        """``sqlite:///path``."""
        if url.query or url.host:
            raise BadUrl("an SQLite URL must be the path of a file, without parameters")
        return _file(url.database or ""), {}

    def location(self, url: URL, properties: Mapping[str, str]) -> Location:
        """No properties; user and password mean nothing."""
        if properties:
            raise BadUrl(f"the property {min(properties)} is not supported with SQLite")
        return Location(_file(url.database or ""))


def _file(path: str) -> URL:
    if not path or path.startswith((":", "file:")) or "?" in path:
        raise BadUrl("an SQLite URL must be the path of a file, without parameters")
    try:
        return URL.create("sqlite", database=allowed_folders.check(path))
    except ValueError as error:
        raise BadUrl(str(error)) from None


class SqliteDialect:
    """See ``Dialect``."""

    name = "SQLite"
    sink_dialects: tuple[str, ...] = ("SqliteDatabaseDialect",)
    without_effect: Mapping[str, str] = MappingProxyType({})
    urls: Urls = SqliteUrls()
    naming: Naming = SqliteNaming()
    types: Types = SqliteTypes()
    writes_alone = True
    columns: Mapping[str, Type] = MappingProxyType(COLUMNS)

    def engine(self, location: Location) -> Engine:
        """An immediate transaction takes the file's lock at once, so that none that has begun to write must give up."""
        arguments = {"timeout": _BUSY_SECONDS, "isolation_level": "IMMEDIATE"}
        return create_engine(location.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)

    def is_there(self, location: Location) -> bool:
        """Whether its file is."""
        return Path(location.url.database or "").is_file()

    def is_alive(self, connection: Connection) -> bool:
        """There is no server."""
        return True

    def describe(self, connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """Every table takes part in transactions."""
        return reflected(connection, tables, self.fingerprints(connection, tables))

    def fingerprints(self, connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, object]:
        """Its DDL, and whether it is a view."""
        found = {}
        for table in tables:
            schema = connection.dialect.identifier_preparer.quote_identifier(table.schema or "main")
            query = f"SELECT type, sql FROM {schema}.sqlite_master WHERE name = ? COLLATE NOCASE"  # noqa: S608
            row = connection.exec_driver_sql(query, (table.name,)).first()
            if row is not None:
                found[table] = tuple(row)
        return found

    def grants(self, connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
        """There are no rights but those to the file."""
        return ()

    def table_options(self) -> Mapping[str, Any]:
        """None."""
        return {}

    def key_text(self, longest: int) -> Type:
        """Text of any length is compared byte by byte."""
        return sa.Text()

    def insert_unless_there(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> sa.Executable:
        """ON CONFLICT DO NOTHING."""
        return insert(table).values(rows).on_conflict_do_nothing()

    def change_each(self, connection: Connection, change: sa.Update, values: Sequence[Mapping[str, object]]) -> int:
        """One statement after the other."""
        return connection.execute(change, values).rowcount

    def fault(self, error: Exception, doing: str, after: float | None) -> FerrymanError | None:
        """Whose fault an error is, by its result code."""
        return errors.fault(error, doing, after) if isinstance(error, sqlite3.Error) else None

    def check_deferred_constraints(self, connection: Connection) -> None:
        """Nothing: it checks with each statement."""

    def rolled_back(self, error: Exception) -> bool:
        """A lock that was not had, or a deferred constraint."""
        return isinstance(error, sqlite3.Error) and errors.rolled_back(error)

    def schema(self, location: Location, table: TableName) -> tuple[Hashable, ...]:
        """Where a table is but for its name: the file, and the schema in it."""
        within = location.url.database or ""
        return "sqlite", str(Path(within).resolve()), (table.schema or "main").lower()

    def texts(self, connection: Connection, table: TableName) -> Mapping[str, Literal["exact", "padded"]]:
        """By the collations of its unique indices."""
        query = (
            "SELECT i.name, max(i.coll <> 'BINARY'), max(i.coll NOT IN ('BINARY', 'RTRIM')) "
            'FROM pragma_index_list(?, ?) l, pragma_index_xinfo(l.name, ?) i WHERE l."unique" AND i.key GROUP BY 1'
        )
        schema = table.schema or "main"
        found = connection.exec_driver_sql(query, (table.name, schema, schema))
        return {str(name): "padded" if padded else "exact" for name, padded, other in found if name and not other}

    def absent(self, location: Location) -> Finding | None:
        """A file that is not there."""
        return file.absent(location.url)

    def refusal(self, subject: str, location: Location) -> Finding | None:
        """A file lets in whoever may open it, and its error says all."""
        return None

    def examine(self, connection: Connection, tasks: int) -> Iterable[Finding]:
        """The library's version."""
        return file.findings(tasks)

    def writer(self, session: Transactions, mode: Mode, zones: Zones) -> Writer:
        """Row by row."""
        return SqliteWriter(session, mode, zones)
