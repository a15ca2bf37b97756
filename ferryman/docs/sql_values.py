"""The page about what the SQL sink stores by value, from the dialects' own answers."""

from collections.abc import Iterator, Mapping
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

from ferryman.connectors.sql.dialects.dialect import Type, Types
from ferryman.connectors.sql.dialects.mysql.types import MysqlTypes
from ferryman.connectors.sql.dialects.postgresql.types import PostgresTypes
from ferryman.connectors.sql.dialects.sqlite.types import SqliteTypes
from ferryman.connectors.sql.fits.fit import Refusal
from ferryman.connectors.sql.records.values import Zones
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    array,
    decimal,
    mapping,
    struct,
)

SCHEMAS: Mapping[str, Schema] = {
    "INT8": INT8,
    "INT16": INT16,
    "INT32": INT32,
    "INT64": INT64,
    "FLOAT32": FLOAT32,
    "FLOAT64": FLOAT64,
    "BOOLEAN": BOOLEAN,
    "STRING": STRING,
    "BYTES": BYTES,
    "Decimal(0)": decimal(0),
    "Decimal(5)": decimal(5),
    "Date": DATE_SCHEMA,
    "Time": TIME_SCHEMA,
    "Timestamp": TIMESTAMP_SCHEMA,
    "ARRAY of INT32": array(INT32.as_optional()),
    "ARRAY of STRING": array(STRING),
    "STRUCT": struct({"n": FLOAT64, "s": STRING}),
    "MAP": mapping(STRING, INT64),
}
"""The Connect types of the page, a Decimal with its scale."""

_PRICE: Type = sa.NUMERIC(4, 2)
POSTGRESQL: Mapping[str, Type] = {
    "smallint": sa.SMALLINT(),
    "integer": sa.INTEGER(),
    "bigint": sa.BIGINT(),
    "oid": postgresql.OID(),
    "numeric": sa.NUMERIC(),
    "numeric(4,2)": _PRICE,
    "numeric(6,0)": sa.NUMERIC(6, 0),
    "numeric(4,-2)": sa.NUMERIC(4, -2),
    "real": sa.REAL(),
    "double precision": sa.DOUBLE_PRECISION(53),
    "boolean": sa.BOOLEAN(),
    "text": sa.TEXT(),
    "varchar(3)": sa.VARCHAR(3),
    "char(3)": sa.CHAR(3),
    "bytea": postgresql.BYTEA(),
    "date": sa.DATE(),
    "time": postgresql.TIME(),
    "time(0)": postgresql.TIME(precision=0),
    "timetz": postgresql.TIME(timezone=True),
    "timestamp": postgresql.TIMESTAMP(),
    "timestamp(0)": postgresql.TIMESTAMP(precision=0),
    "timestamp(1)": postgresql.TIMESTAMP(precision=1),
    "timestamptz": postgresql.TIMESTAMP(timezone=True),
    "interval": postgresql.INTERVAL(),
    "interval(0)": postgresql.INTERVAL(precision=0),
    "interval day": postgresql.INTERVAL(fields="day"),
    "uuid": postgresql.UUID(),
    "json": postgresql.JSON(),
    "jsonb": postgresql.JSONB(),
    "bit(3)": postgresql.BIT(3),
    "varbit(3)": postgresql.BIT(3, varying=True),
    "mood": postgresql.ENUM("a", "b", name="mood"),
    "price": postgresql.DOMAIN("price", _PRICE),
    "label": postgresql.DOMAIN("label", sa.VARCHAR(3)),
    "money": postgresql.MONEY(),
    "inet": postgresql.INET(),
    "cidr": postgresql.CIDR(),
    "macaddr": postgresql.MACADDR(),
    "tsvector": postgresql.TSVECTOR(),
    "point": sa.types.NullType(),
    "name": sa.String(),
    '"char"': sa.String(),
    "int4range": postgresql.INT4RANGE(),
    "integer[]": postgresql.ARRAY(sa.INTEGER()),
    "text[]": postgresql.ARRAY(sa.TEXT()),
    "varchar(3)[]": postgresql.ARRAY(sa.VARCHAR(3)),
    "numeric(4,2)[]": postgresql.ARRAY(_PRICE),
    "timestamp[]": postgresql.ARRAY(postgresql.TIMESTAMP()),
    "timestamptz[]": postgresql.ARRAY(postgresql.TIMESTAMP(timezone=True)),
    "price[]": postgresql.ARRAY(postgresql.DOMAIN("price", _PRICE)),
}
MARIADB: Mapping[str, Type] = {
    "tinyint": mysql.TINYINT(),
    "tinyint unsigned": mysql.TINYINT(unsigned=True),
    "smallint": mysql.SMALLINT(),
    "mediumint": mysql.MEDIUMINT(),
    "int": mysql.INTEGER(),
    "int unsigned": mysql.INTEGER(unsigned=True),
    "bigint": mysql.BIGINT(),
    "bigint unsigned": mysql.BIGINT(unsigned=True),
    "boolean": mysql.TINYINT(),
    "decimal(4,2)": mysql.DECIMAL(4, 2),
    "decimal(6,0)": mysql.DECIMAL(6, 0),
    "decimal(65,30)": mysql.DECIMAL(65, 30),
    "float": mysql.FLOAT(),
    "float(7,2)": mysql.FLOAT(7, 2),
    "double": mysql.DOUBLE(),
    "double(9,2)": mysql.DOUBLE(9, 2),
    "bit(1)": mysql.BIT(1),
    "bit(8)": mysql.BIT(8),
    "bit(64)": mysql.BIT(64),
    "char(3)": mysql.CHAR(3),
    "varchar(3)": mysql.VARCHAR(3),
    "text": mysql.TEXT(),
    "tinytext": mysql.TINYTEXT(),
    "varchar(9) character set latin1": mysql.VARCHAR(9),
    "binary(4)": sa.BINARY(4),
    "varbinary(3)": sa.VARBINARY(3),
    "blob": sa.BLOB(),
    "date": sa.DATE(),
    "time": mysql.TIME(),
    "time(3)": mysql.TIME(fsp=3),
    "datetime": mysql.DATETIME(),
    "datetime(6)": mysql.DATETIME(fsp=6),
    "timestamp NULL": mysql.TIMESTAMP(),
    "timestamp(3) NULL": mysql.TIMESTAMP(fsp=3),
    "year": mysql.YEAR(),
    "enum('a','b')": mysql.ENUM("a", "b"),
    "set('a','b')": mysql.SET("a", "b"),
    "json": mysql.JSON(),
    "uuid": sa.UUID(),
    "inet6": sa.types.NullType(),
}
SQLITE: Mapping[str, Type] = {
    "INTEGER": sa.INTEGER(),
    "REAL": sa.REAL(),
    "NUMERIC": sa.NUMERIC(),
    "DECIMAL(4,2)": sa.DECIMAL(4, 2),
    "BOOLEAN": sa.BOOLEAN(),
    "TEXT": sa.TEXT(),
    "VARCHAR(3)": sa.VARCHAR(3),
    "BLOB": sa.BLOB(),
    "DATE": sa.DATE(),
    "TIME": sa.TIME(),
    "DATETIME": sa.DATETIME(),
    "TIMESTAMP": sa.TIMESTAMP(),
    "STRING": sa.NUMERIC(),
    "JSON": sa.JSON(),
}
TABLES: Mapping[str, tuple[Types, Mapping[str, Type]]] = {
    "PostgreSQL": (PostgresTypes(), POSTGRESQL),
    "MariaDB and MySQL": (MysqlTypes(), MARIADB),
    "SQLite": (SqliteTypes(), SQLITE),
}
"""For each heading the dialect's answers, and columns as they are declared and as the sink sees them."""

_NOT = "no"
_ABOUT = """\
# What the SQL sink stores, by value

A value is stored as it is, or its record is refused: nothing is rounded, cut or taken for something else. This page
says for each Connect type and each column of a table that is there what the [SQL sink](../connectors/sql-sink.md) does.
It is the same by columns and by rows, and for insert, upsert and update.

* **yes**: stored. The database itself may still refuse a value, such as a text that is no JSON: a data error too.
* **a letter**: stored if the value is what stands beside the letter below the table, else a data error.
* **no**: a data error, whatever the value is.

How a value is stored where the column's type is another one:

* A whole number stays one: 5.0 and 5.00 go into columns for integers, 5.5 does not. A float and a decimal are the same
  number if the one is printed as the other: 0.1 is 0.1 in both.
* A number, boolean, date or time in a column for text is its digits, `true` or `false` (`1` or `0` where the database
  has no booleans), or ISO 8601. Columns without a zone, and texts, show the clock of `db.timezone`.
* Text with an offset from UTC is an instant: `2026-01-01T00:00:00+02:00` in a column without a zone becomes what the
  clock of `db.timezone` showed then. Text without one is what that clock shows. A time of day with an offset goes only
  into a column that has one. SQLite has no such columns: its texts stay as they are.
* Numbers go into columns for dates and times only as Connect's Date, Time and Timestamp.
* Structs, maps and arrays go into columns for JSON; in PostgreSQL arrays go into arrays too, whose items obey this
  page.

Where the JDBC sinks' drivers round or cut, this refuses. Where they refuse and nothing is lost, such as text for a
`uuid`, this stores. A test compares it with them, value by value.
"""


def page() -> str:
    """The whole page."""
    parts = [_table(heading, types, columns) for heading, (types, columns) in TABLES.items()]
    return _ABOUT + "\n" + "\n".join(parts)


def takes(types: Types, existing: Type, schema: Schema) -> tuple[str, ...] | None:
    """What a column takes of a type: nothing (None), everything (empty), or only what these phrases say."""
    found = types.fit(schema, existing, Zones("UTC", "UTC"))
    return None if isinstance(found, Refusal) else found.takes


def _table(heading: str, types: Types, columns: Mapping[str, Type]) -> str:
    cells = {name: [takes(types, existing, each) for each in SCHEMAS.values()] for name, existing in columns.items()}
    phrases = dict.fromkeys(chain.from_iterable(cell or () for row in cells.values() for cell in row))
    letters = dict(zip(phrases, _letters(), strict=False))
    head = f"| column | {' | '.join(SCHEMAS)} |\n|---|{'---|' * len(SCHEMAS)}"
    rows = [f"| `{name}` | {' | '.join(_cell(cell, letters) for cell in row)} |" for name, row in cells.items()]
    notes = [f"* **{letter}**: {phrase}" for phrase, letter in letters.items()]
    return "\n".join([f"## {heading}\n", head, *rows, "", *notes, ""])


def _cell(found: tuple[str, ...] | None, letters: Mapping[str, str]) -> str:
    return _NOT if found is None else " ".join(letters[phrase] for phrase in found) or "yes"


def _letters() -> Iterator[str]:
    yield from "abcdefghijklmnopqrstuvwxyz"
    yield from (f"{first}{second}" for first in "abc" for second in "abcdefghijklmnopqrstuvwxyz")
