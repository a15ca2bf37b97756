"""Which rights a user of PostgreSQL lacks, as the statements that give them."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Use

_DATABASE = """\
SELECT format('GRANT TEMPORARY ON DATABASE %%I TO %%I', current_database(), current_user)
WHERE NOT has_database_privilege(current_database(), 'TEMPORARY')"""

# Without the right to use a schema it is no part of what current_schema() and to_regclass() look through.
_SCHEMA = """\
SELECT coalesce(%s::text, (
  SELECT n.nspname::text
  FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS s (part, nth)
  JOIN pg_catalog.pg_namespace n ON n.nspname = CASE trim(s.part)
    WHEN '"$user"' THEN current_user ELSE replace(trim(BOTH '"' FROM trim(s.part)), '""', '"') END
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = %s
  ORDER BY c.oid IS NULL, s.nth LIMIT 1))"""

_SCHEMA_RIGHTS = """\
SELECT CASE WHEN n.oid IS NULL
  THEN format('CREATE SCHEMA %%1$I; GRANT USAGE, CREATE ON SCHEMA %%1$I TO %%2$I', s.name, current_user)
  ELSE format('GRANT USAGE ON SCHEMA %%I TO %%I', s.name, current_user) END
FROM (SELECT %s::text) AS s (name) LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = s.name
WHERE n.oid IS NULL OR NOT has_schema_privilege(n.oid, 'USAGE')"""

_CREATE = """\
SELECT format('GRANT CREATE ON SCHEMA %%I TO %%I', n.nspname, current_user)
FROM pg_catalog.pg_namespace n
WHERE n.nspname = %s AND NOT has_schema_privilege(n.oid, 'CREATE')
AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relname = %s)"""

_TABLE = """\
SELECT format('GRANT %%s ON TABLE %%I.%%I TO %%I', string_agg(r.name, ', ' ORDER BY r.nth),
  n.nspname, c.relname, current_user)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
  unnest(%s::text[]) WITH ORDINALITY AS r (name, nth)
WHERE n.nspname = %s AND c.relname = %s AND NOT has_table_privilege(c.oid, r.name)
GROUP BY n.nspname, c.relname"""

# A serial column counts by a sequence that needs a right of its own; an identity column does not. Indexes depend on a
# table too, and PostgreSQL may look at the last condition first, which is an error for what is no sequence.
_SEQUENCES = """\
SELECT format('GRANT USAGE ON SEQUENCE %%s TO %%I', d.objid::regclass, current_user)
FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_class q ON q.oid = d.objid
WHERE n.nspname = %s AND c.relname = %s AND d.deptype = 'a'
AND CASE WHEN q.relkind = 'S' THEN NOT has_sequence_privilege(q.oid, 'USAGE') ELSE false END"""

_OWNER = """\
SELECT format('GRANT %%I TO %%I', pg_get_userbyid(c.relowner), current_user)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND NOT pg_has_role(c.relowner, 'USAGE')"""

_ORDER = ("SELECT", "INSERT", "UPDATE", "DELETE")


def grants(connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
    """See ``Dialect.grants``. What is granted already is not among them."""
    found = _answers(connection, _DATABASE, ())
    for use in uses:
        found += _for_table(connection, use)
    return list(dict.fromkeys(found))


def _for_table(connection: Connection, use: Use) -> Iterator[str]:
    schema: str | None = _answers(connection, _SCHEMA, (use.table.schema, use.table.name))[0]
    if schema is None:
        return
    # Staging tables are made by reading the table's types, which takes SELECT.
    rights = [right for right in _ORDER if right == "SELECT" or right in use.statements]
    place = (schema, use.table.name)
    yield from _answers(connection, _SCHEMA_RIGHTS, (schema,))
    if use.creates:
        yield from _answers(connection, _CREATE, place)
    yield from _answers(connection, _TABLE, (rights, *place))
    if "INSERT" in use.statements:
        yield from _answers(connection, _SEQUENCES, place)
    if use.evolves:
        yield from _answers(connection, _OWNER, place)


def _answers(connection: Connection, query: str, parameters: tuple[object, ...]) -> list[str]:
    return list(connection.exec_driver_sql(query, parameters).scalars())
