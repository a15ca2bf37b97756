"""MariaDB and MySQL, as the sink sees them."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

import pymysql
import sqlalchemy as sa
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects.mysql import insert

from ferryman.connectors.sql.dialects.dialect import Definition, Mode, Transactions, Type, Types, Use, Writer
from ferryman.connectors.sql.dialects.mysql import errors, refused_logins, rights, server, session, tables
from ferryman.connectors.sql.dialects.mysql.column_types.columns import COLUMNS
from ferryman.connectors.sql.dialects.mysql.column_types.types import KeyBytes, MysqlTypes
from ferryman.connectors.sql.dialects.mysql.url import MysqlUrls
from ferryman.connectors.sql.dialects.mysql.writer import MysqlWriter
from ferryman.connectors.sql.dialects.names import Naming, TableName
from ferryman.connectors.sql.dialects.urls import Location, Urls
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import FerrymanError
from ferryman.findings import Finding

_LONGEST_NAME = 64


class MysqlNaming:
    """See ``Naming``."""

    quotes = '`"'
    columns_ignore_case = True

    def unquoted(self, name: str) -> str:
        """The same: whether tables ignore case is a matter of the server's disk."""
        return name

    def problem(self, name: str) -> str | None:
        """It refuses names that are long, end with a blank or have characters beyond U+FFFF."""
        if len(name) > _LONGEST_NAME:
            return f"has {len(name)} characters, and {_LONGEST_NAME} are possible. Choose a shorter name"
        if name.endswith(" "):
            return "ends with a blank, which is not possible"
        if any(ord(character) > 0xFFFF for character in name):
            return "has a character beyond U+FFFF, such as an emoji, which is not possible"
        return None


class MysqlDialect:
    """See ``Dialect``."""

    name = "MariaDB/MySQL"
    sink_dialects: tuple[str, ...] = ("MySqlDatabaseDialect", "MariaDbDatabaseDialect")
    without_effect: Mapping[str, str] = MappingProxyType({})
    urls: Urls = MysqlUrls()
    naming: Naming = MysqlNaming()
    types: Types = MysqlTypes()
    writes_alone = False
    columns: Mapping[str, Type] = MappingProxyType(COLUMNS)

    def engine(self, location: Location) -> Engine:
        """PyMySQL, strict, in UTC, READ COMMITTED, with limits on locks and frozen transactions."""
        return session.engine(location)

    def is_there(self, location: Location) -> bool:
        """It is a server, which makes no database by being asked."""
        return True

    def is_alive(self, connection: Connection) -> bool:
        """The server ends sessions that are silent for long, so it is asked."""
        driver = connection.connection.driver_connection
        assert isinstance(driver, pymysql.Connection)
        try:
            driver.ping(reconnect=False)
        except (pymysql.Error, OSError):
            return False
        return True

    def describe(self, connection: Connection, tables_: Sequence[TableName]) -> Mapping[TableName, Definition]:
        """Refuses views and tables that are not InnoDB's."""
        found = {table: tables.describe(connection, table) for table in tables_}
        return {table: each for table, each in found.items() if each is not None}

    def fingerprints(self, connection: Connection, tables_: Sequence[TableName]) -> Mapping[TableName, object]:
        """A statement each: the servers look through all their databases for a list of names."""
        found = {table: tables.fingerprint(connection, table) for table in tables_}
        return {table: fingerprint for table, fingerprint in found.items() if fingerprint is not None}

    def grants(self, connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
        """By what the user is shown of its rights."""
        return rights.grants(connection, uses)

    def table_options(self) -> Mapping[str, Any]:
        """InnoDB and all of Unicode, whatever the database's defaults."""
        return {"mysql_engine": "InnoDB", "mysql_charset": "utf8mb4"}

    def key_text(self, longest: int) -> Type:
        """Bytes: the servers' collations take different texts for the same, and a key may not be long."""
        return KeyBytes(longest)

    def insert_unless_there(self, table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> sa.Executable:
        """ON DUPLICATE KEY UPDATE of a column to itself; IGNORE would pass over other errors too."""
        return insert(table).values(rows).on_duplicate_key_update(next_offset=table.c.next_offset)

    def change_each(self, connection: Connection, change: sa.Update, values: Sequence[Mapping[str, object]]) -> int:
        """One statement after the other."""
        return connection.execute(change, values).rowcount

    def fault(self, error: Exception, doing: str, after: float | None) -> FerrymanError | None:
        """Whose fault an error is, by the number that the server gives."""
        return errors.fault(error, doing, after) if isinstance(error, pymysql.Error) else None

    def check_deferred_constraints(self, connection: Connection) -> None:
        """Nothing: it checks with each statement."""

    def rolled_back(self, error: Exception) -> bool:
        """A lost race of a cluster."""
        return isinstance(error, pymysql.Error) and errors.rolled_back(error)

    def schema(self, location: Location, table: TableName) -> tuple[Hashable, ...]:
        """By host, port and database, of which one is a schema."""
        url = location.url
        return "mysql", (url.host or "").lower(), url.port, (table.schema or url.database or "").lower()

    def texts(self, connection: Connection, table: TableName) -> Mapping[str, Literal["exact", "padded"]]:
        """How each text column compares, by its collation."""
        return tables.texts(connection, table)

    def absent(self, location: Location) -> Finding | None:
        """A server is connected to."""
        return None

    def refusal(self, subject: str, location: Location) -> Finding | None:
        """Why a login is refused, by the number that the server gives."""
        return refused_logins.finding(subject, location)

    def examine(self, connection: Connection, tasks: int) -> Iterable[Finding]:
        """What the server's variables say of it."""
        return server.findings(connection, tasks)

    def writer(self, session: Transactions, mode: Mode, zones: Zones) -> Writer:
        """A writer that goes by a staging table."""
        return MysqlWriter(session, mode, zones)
