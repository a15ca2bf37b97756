"""What tells a table of PostgreSQL from the one that it may be tomorrow."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.dialects.postgresql.names import literal

_MARKS = """\
SELECT n.number, c.oid, c.relkind, md5(string_agg(
  concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attidentity, a.attgenerated),
  ',' ORDER BY a.attnum))
FROM unnest(%s::text[]) WITH ORDINALITY AS n (name, number)
JOIN pg_catalog.pg_class c ON c.oid = to_regclass(n.name)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
GROUP BY 1, 2, 3"""


def marks(connection: Connection, tables: Sequence[TableName]) -> Mapping[TableName, object]:
    """See ``Dialect.marks``: one statement for all, which sees what has been committed when it starts."""
    if not tables:
        return {}
    rows = connection.exec_driver_sql(_MARKS, ([literal(table) for table in tables],))
    return {tables[number - 1]: tuple(rest) for number, *rest in rows}
