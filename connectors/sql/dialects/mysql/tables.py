"""What the sink must know of a table of MariaDB or MySQL: its engine, its columns as they were declared, its keys."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects import mysql

from ferryman.connectors.sql.dialects.dialect import Definition
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.errors import TaskError

_ENGINE = "InnoDB"
_FIXED = frozenset({"char", "binary"})
_WITHOUT_PADDING = ("nopad", "0900")
"""What the names of collations have in them that compare blanks at the end too: MariaDB's, and MySQL's."""
_FINGERPRINT = sa.text("""\
SELECT 'table', table_name, engine, table_type, NULL, NULL, NULL FROM information_schema.tables
WHERE table_schema = coalesce(:schema, database()) AND table_name = :table
UNION ALL
SELECT 'column', column_name, column_type, collation_name, is_nullable, extra, column_default IS NULL
FROM information_schema.columns WHERE table_schema = coalesce(:schema, database()) AND table_name = :table
UNION ALL
SELECT 'key', index_name, column_name, seq_in_index, sub_part, NULL, NULL FROM information_schema.statistics
WHERE table_schema = coalesce(:schema, database()) AND table_name = :table AND non_unique = 0""")


def describe(connection: Connection, table: TableName) -> Definition | None:
    """A table as it is now, None if there is none. Raises TaskError for a view, and for a table that takes part in no
    transaction."""
    found = fingerprint(connection, table)
    rows = _rows(connection, table, "SELECT table_name, table_type, engine FROM information_schema.tables")
    if not rows:
        return None
    if "VIEW" in str(rows[0]["table_type"]):
        raise TaskError(
            f"{table} is a view: nobody can see whether all that lies below it takes part in transactions. "
            "Write to its table"
        )
    engine = str(rows[0]["engine"])
    if engine.lower() != _ENGINE.lower():
        raise TaskError(
            f"The table {table} is of the engine {engine}, which takes part in no transaction: what is written there "
            f"cannot be undone, and records would be doubled. ALTER TABLE … ENGINE={_ENGINE}"
        )
    columns = sa.inspect(connection).get_columns(str(rows[0]["table_name"]), table.schema)
    for_json = _json_columns(connection, table)
    types = {_unescaped(each["name"]): each["type"] for each in columns}
    types |= {name: mysql.JSON() for name in for_json if name in types}
    counting = {each["name"] for each in columns if each.get("autoincrement") is True}
    required = {_unescaped(each["name"]) for each in columns if not each["nullable"] and each["name"] not in counting}
    return Definition(types, is_view=False, fingerprint=found, required=frozenset(required))


def texts(connection: Connection, table: TableName) -> Mapping[str, Any]:
    """See ``Dialect.texts``: bytes, and texts whose collation compares these; most pass over blanks at the end, and
    columns of a fixed length store none of what is there."""
    columns = "SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns"
    found = {}
    for row in _rows(connection, table, columns):
        kind, collation = str(row["data_type"]).lower(), str(row["collation_name"] or "binary").lower()
        if collation == "binary" or collation.endswith("_bin"):
            exact = collation == "binary" or any(part in collation for part in _WITHOUT_PADDING)
            found[str(row["column_name"])] = "exact" if exact and kind not in _FIXED else "padded"
    return found


def _unescaped(name: str) -> str:
    """A column's name: SQLAlchemy reads it from the table's DDL and leaves a backtick in it doubled."""
    return name.replace("``", "`")


def _rows(
    connection: Connection, table: TableName, query: str, schema: str = "table_schema"
) -> list[Mapping[str, Any]]:
    """Rows of information_schema about a table, whose name it compares without case."""
    here = f"WHERE {schema} = coalesce(:schema, database()) AND table_name = :table"
    found = connection.execute(sa.text(f"{query} {here}"), {"schema": table.schema, "table": table.name})
    rows: list[Mapping[str, Any]] = [{name.lower(): value for name, value in row.items()} for row in found.mappings()]
    return [row for row in rows if row["table_name"] == table.name] or rows


def _json_columns(connection: Connection, table: TableName) -> set[str]:
    """MariaDB's JSON is a long text with a check."""
    if not getattr(connection.dialect, "is_mariadb", False):
        return set()
    query = "SELECT table_name, constraint_name, check_clause FROM information_schema.check_constraints"
    checks = _rows(connection, table, query, "constraint_schema")
    names = {str(check["constraint_name"]): str(check["check_clause"]) for check in checks}
    return {name for name, clause in names.items() if clause.lower() == f"json_valid(`{name.lower()}`)"}


def fingerprint(connection: Connection, table: TableName) -> object:
    """The table's engine, its columns and its unique keys: an upsert is another statement where a second key is unique,
    and a table of another engine takes part in no transaction. None: there is no such table."""
    here = {"schema": table.schema, "table": table.name}
    rows = connection.execute(_FINGERPRINT, here).all()
    return frozenset(tuple(row) for row in rows) or None


def declared_types(connection: Connection, table: TableName) -> dict[str, str]:
    """What each column was declared as (type, character set and collation, in the server's own words), by name; for a
    staging table that takes exactly the same values."""
    query = (
        "SELECT table_name, column_name, column_type, character_set_name, collation_name "
        "FROM information_schema.columns"
    )
    found = {}
    for row in _rows(connection, table, query):
        charset = row["character_set_name"]
        text = "" if charset is None else f" CHARACTER SET {charset} COLLATE {row['collation_name']}"
        kind = str(row["column_type"])
        # MySQL's JSON has a character set and does not want to hear of it.
        found[str(row["column_name"])] = kind if kind.lower() == "json" else kind + text
    return found


def unique_keys(connection: Connection, table: TableName) -> list[frozenset[str]]:
    """The columns of each unique index, the primary key's too. One of a part of a column only is not among them,
    but shows as an empty one."""
    query = "SELECT table_name, index_name, column_name, sub_part, non_unique FROM information_schema.statistics"
    keys: dict[str, set[str | None]] = {}
    for row in _rows(connection, table, query):
        if int(row["non_unique"]):
            continue
        keys.setdefault(str(row["index_name"]), set()).add(
            None if row["sub_part"] is not None or row["column_name"] is None else str(row["column_name"])
        )
    return [_whole(columns) for columns in keys.values()]


def _whole(columns: Collection[str | None]) -> frozenset[str]:
    return frozenset() if None in columns else frozenset(column for column in columns if column is not None)
