"""A mark of a PostgreSQL table that changes when the table does."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import literal

_MARKS = """\
SELECT n.number, c.oid, c.relkind, md5(string_agg(
  concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attidentity, a.attgenerated,
    a.attnotnull, CASE WHEN a.atttypid >= 16384 THEN (
      WITH RECURSIVE below AS (
        SELECT a.atttypid AS id
        UNION SELECT part FROM below JOIN pg_catalog.pg_type t ON t.oid = below.id
        CROSS JOIN LATERAL unnest(ARRAY[t.typbasetype, t.typelem]) part WHERE part <> 0)
      SELECT string_agg(concat_ws(' ', t.oid, t.typnotnull, (
        SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid)), ';' ORDER BY t.oid)
      FROM below JOIN pg_catalog.pg_type t ON t.oid = below.id) END),
  ',' ORDER BY a.attnum))
FROM unnest(%s::text[]) WITH ORDINALITY AS n (name, number)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(n.name)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY 1, 2, 3"""
"""Of types that somebody has made (the server's own have numbers below 16384) the labels of enums, and whether domains
take nulls: both may change without the table."""


_TEXTS = """\
SELECT a.attname, CASE t.typname WHEN 'bpchar' THEN 'padded' ELSE 'exact' END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_catalog.pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
AND t.typname IN ('text', 'varchar', 'bpchar', 'bytea') AND coalesce(c.collisdeterministic, true)"""


def texts(connection: Connection, table: TableName) -> Mapping[str, Any]:
    """See ``Dialect.texts``: collations are deterministic unless they say so; domains and citext are left out."""
    return {str(name): how for name, how in connection.exec_driver_sql(_TEXTS, (literal(table),))}


def fingerprints(connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, object]:
    """See ``Dialect.fingerprints``: one statement for all, which sees what has been committed when it starts."""
    if not tables:
        return {}
    rows = connection.exec_driver_sql(_MARKS, ([literal(table) for table in tables],))
    return {tables[number - 1]: tuple(rest) for number, *rest in rows}
