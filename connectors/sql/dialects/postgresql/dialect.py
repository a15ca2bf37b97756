"""PostgreSQL, as the sink sees it."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine.interfaces import DBAPIConnection

from ferryman.connectors.sql.dialects.dialect import Definition, Mode, Transactions, Type, Types, Use, Writer, reflected
from ferryman.connectors.sql.dialects.names import Naming, TableName, lower
from ferryman.connectors.sql.dialects.postgresql import errors, one_message, refused_logins, rights, server, tables
from ferryman.connectors.sql.dialects.postgresql.column_types.columns import COLUMNS
from ferryman.connectors.sql.dialects.postgresql.column_types.domains import resolved
from ferryman.connectors.sql.dialects.postgresql.column_types.types import PostgresTypes
from ferryman.connectors.sql.dialects.postgresql.url import PostgresUrls
from ferryman.connectors.sql.dialects.postgresql.writer import PostgresWriter
from ferryman.connectors.sql.dialects.urls import Location, Urls
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import FerrymanError
from ferryman.findings import Finding

_LONGEST_NAME = 63
"""Bytes that PostgreSQL keeps of an identifier; it cuts longer ones without an error (NAMEDATALEN)."""

# A task that is frozen in a transaction must not hold its offset's row for ever, nor one whose machine is gone, of
# which nobody tells the server; one that waits for such a row asks again. What is sent is UTF-8, whatever encoding the
# database has.
_SETTINGS = {
    "TimeZone": "UTC",
    "client_encoding": "UTF8",
    "idle_in_transaction_session_timeout": "20s",
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "2",
}


class PostgresNaming:
    """See ``Naming``."""

    quotes = '"'
    columns_ignore_case = False

    def unquoted(self, name: str) -> str:
        """ASCII letters become small."""
        return lower(name)

    def problem(self, name: str) -> str | None:
        """It cuts long names, and two such could mean the same one."""
        size = len(name.encode())
        if size <= _LONGEST_NAME:
            return None
        return (
            f"has {size} bytes, and PostgreSQL would cut it to {_LONGEST_NAME}: "
            "two such names could mean the same one. Choose a shorter name"
        )


class PostgresDialect:
    """See ``Dialect``."""

    name = "PostgreSQL"
    sink_dialects: tuple[str, ...] = ("PostgreSqlDatabaseDialect",)
    without_effect: Mapping[str, str] = MappingProxyType(
        {
            "dialect.postgres.postgis.schema": "PostGIS types are not written",
            "dialect.postgres.unnest.insert.enabled": "PostgreSQL is always written to by COPY",
        }
    )
    urls: Urls = PostgresUrls()
    naming: Naming = PostgresNaming()
    types: Types = PostgresTypes()
    writes_alone = False
    columns: Mapping[str, Type] = MappingProxyType(COLUMNS)

    def engine(self, location: Location) -> Engine:
        """psycopg, in UTC, with limits on how long a lock is waited for and a frozen transaction lives."""
        arguments = dict(location.arguments)
        engine = create_engine(location.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
        settings = {**_SETTINGS, **location.settings}

        @event.listens_for(engine, "connect")
        def prepare(connection: DBAPIConnection, _: object) -> None:
            cursor = connection.cursor()
            for name, value in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
            cursor.close()
            connection.commit()

        return engine

    def is_there(self, location: Location) -> bool:
        """It is a server, which makes no database by being asked."""
        return True

    def is_alive(self, connection: Connection) -> bool:
        """Only using it can tell: the server does not end idle sessions by itself."""
        return True

    def describe(self, connection: Connection, tables_: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """Every table takes part in transactions."""
        found = reflected(connection, tables_, self.fingerprints(connection, tables_))
        return {table: _resolved(connection, each) for table, each in found.items()}

    def fingerprints(self, connection: Connection, tables_: Sequence[TableName]) -> Mapping[TableName, object]:
        """The table's number, its kind, and the names and types of its columns."""
        return tables.fingerprints(connection, tables_)

    def grants(self, connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
        """The statements that grant what is missing, found by asking for each right."""
        return rights.grants(connection, uses)

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
        """Several in one message, whose statements have no parameters: the driver's own way is a pipeline."""
        if len(values) == 1:
            return connection.execute(change, values[0]).rowcount
        return one_message.change_each(connection, change, values)

    def fault(self, error: Exception, doing: str, after: float | None) -> FerrymanError | None:
        """Whose fault an error is, by its SQLSTATE."""
        return errors.fault(error, doing, after) if isinstance(error, psycopg.Error) else None

    def check_deferred_constraints(self, connection: Connection) -> None:
        """Its deferred constraints, those of triggers too."""
        connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")

    def rolled_back(self, error: Exception) -> bool:
        """A deferred constraint, or a lost race of serializable transactions."""
        return isinstance(error, psycopg.Error) and errors.rolled_back(error)

    def schema(self, location: Location, table: TableName) -> tuple[Hashable, ...]:
        """Where a table is but for its name: host, port, database and schema."""
        url = location.url
        schema = table.schema or location.settings.get("search_path") or "public"
        return "postgresql", (url.host or "").lower(), url.port, url.database or "", schema.lower()

    def texts(self, connection: Connection, table: TableName) -> Mapping[str, Literal["exact", "padded"]]:
        """How each text column compares, by its type and collation."""
        return tables.texts(connection, table)

    def absent(self, location: Location) -> Finding | None:
        """A server is connected to."""
        return None

    def refusal(self, subject: str, location: Location) -> Finding | None:
        """Why a login is refused, found out by way of another database."""
        return refused_logins.finding(subject, location)

    def examine(self, connection: Connection, tasks: int) -> Iterable[Finding]:
        """What the server's settings say of it."""
        return server.findings(connection, tasks)

    def writer(self, session: Transactions, mode: Mode, zones: Zones) -> Writer:
        """A writer that goes by COPY."""
        return PostgresWriter(session, mode, zones)


def _resolved(connection: Connection, definition: Definition) -> Definition:
    return replace(definition, columns={name: resolved(connection, each) for name, each in definition.columns.items()})
