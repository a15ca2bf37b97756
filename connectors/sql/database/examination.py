"""Checks the database for `ferryman doctor`: the server, the table of offsets, and each topic's table.

Nothing is written: rights are asked for, and every transaction is rolled back.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from ferryman.connectors.sql.config.sink_config import KAFKA_FIELDS, SqlSinkConfig
from ferryman.connectors.sql.database.rights import use_of, use_of_offsets
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.dialect import Definition, Dialect, Use
from ferryman.connectors.sql.dialects.names import TableName, lower, table_name
from ferryman.errors import ConfigError, DataError, FerrymanError, RefusedError
from ferryman.findings import Examination, Finding, left_out, mend, ok, warning
from ferryman.runs.topics import routed, telling


class _Undone(Exception):
    """Ends a transaction without an error, so that it is rolled back."""


def findings(config: SqlSinkConfig, examination: Examination) -> Iterator[Finding]:
    """All of it; nothing but why, if there is no connection."""
    database = config.database(examination.raw)
    subject = f"database {database}"
    absent = database.dialect.absent(database.location)
    if absent is not None:
        yield absent
        return
    session = Session(database, connect_backoff=None, backoff=None)
    try:
        yield from _each(config, examination, session, subject)
    except FerrymanError as error:
        found = database.dialect.refusal(subject, database.location)
        key = error.key if isinstance(error, RefusedError) else "connection.url"
        yield found or mend(subject, str(error), f"correct {key}, or whatever is in the way there")
    finally:
        session.close()


def _each(config: SqlSinkConfig, examination: Examination, session: Session, subject: str) -> Iterator[Finding]:
    server = _looked(session, lambda connection: session.dialect.examine(connection, config.tasks_max))
    yield ok(subject, "it lets us in")
    yield from server
    dialect = session.dialect
    offsets = table_name(config.offsets_table_name, dialect.naming, config.quotes)
    yield from _looked(session, lambda connection: _of_offsets(connection, dialect, offsets))
    for table, topic in _tables(config, examination, dialect):
        if isinstance(table, Finding):
            yield table
            continue
        try:
            yield from _looked(session, partial(_of_table, dialect=dialect, config=config, table=table))
        except FerrymanError as error:
            yield mend(f"table {table} of topic {topic}", str(error), "correct table.name.format, or the table")


def _looked(session: Session, look: Callable[[Connection], Iterable[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    try:
        with session.transaction("look at the database") as connection:
            found += look(connection)
            raise _Undone
    except _Undone:
        return found


def _tables(
    config: SqlSinkConfig, examination: Examination, dialect: Dialect
) -> Iterator[tuple[TableName | Finding, str]]:
    """Each topic's table by its name; what to report instead, if the name depends on the record."""
    if guilty := telling(examination.raw):
        yield left_out("tables", f"only records tell what the transforms {', '.join(guilty)} make of the topics"), ""
        return
    if not examination.topics:
        yield left_out("tables", "nobody knows which topics name them"), ""
    known = set[TableName]()
    for topic in examination.topics:
        named = topic
        try:
            named = routed(examination.raw, topic)
            table = config.table(named, dialect.naming)
        except (ConfigError, DataError) as error:
            what = f"topic {topic}" if named == topic else f"topic {topic}, renamed to {named}"
            yield mend(what, str(error), "correct table.name.format or topics.to.tables.mapping"), topic
            continue
        if table not in known:
            known.add(table)
            yield table, topic


def _of_offsets(connection: Connection, dialect: Dialect, table: TableName) -> Iterator[Finding]:
    subject = f"table of offsets {table}"
    there = dialect.describe(connection, [table]).get(table)
    yield from _rights(connection, dialect, use_of_offsets(table), there, subject)


def _of_table(connection: Connection, dialect: Dialect, config: SqlSinkConfig, table: TableName) -> Iterator[Finding]:
    subject = f"table {table}"
    there = dialect.describe(connection, [table]).get(table)
    use = use_of(config, table)
    if there is None and not config.creates:
        granted = "; ".join(dialect.grants(connection, [use]))
        what = f"create it, set auto.create=true, or grant what hides it: {granted}" if granted else ""
        yield mend(subject, "it is not there, and auto.create is false", what or "create it, or set auto.create=true")
        return
    if there is not None and there.is_view and "VIEW" not in map(str.upper, config.table_types):
        yield mend(subject, "it is a view, and table.types does not list VIEW", "table.types=TABLE,VIEW")
        return
    evolving = there is not None and config.evolves
    yield from _rights(connection, dialect, Use(table, use.statements, use.creates, evolving), there, subject)
    if there is not None and not there.is_view:
        yield from _key(connection, dialect, config, table, there)


def _rights(
    connection: Connection, dialect: Dialect, use: Use, there: Definition | None, subject: str
) -> Iterator[Finding]:
    # CREATE is not needed for what is there.
    asked = Use(use.table, use.statements, use.creates and there is None, use.evolves)
    lacking = dialect.grants(connection, [asked])
    state = "it is there" if there is not None else "it is not there yet"
    if lacking:
        yield mend(subject, f"{state}; rights are lacking", "; ".join(lacking))
    else:
        will = "" if there is not None else ", and may be made"
        yield ok(subject, f"{state}{will}: {', '.join(sorted(use.statements))} allowed")


def _key(
    connection: Connection, dialect: Dialect, config: SqlSinkConfig, table: TableName, there: Definition
) -> Iterator[Finding]:
    """Whether the database keeps the key unique by which rows are upserted."""
    fields = _key_fields(config)
    subject = f"key of {table}"
    if config.pk_mode == "none":
        return
    if not fields:
        yield left_out(subject, f"with pk.mode={config.pk_mode} and no pk.fields only a record tells its columns")
        return
    wanted = frozenset(_same(dialect, config, name) for name in fields)
    columns = {_same(dialect, config, name, quoted=True) for name in there.columns}
    missing = sorted(wanted - columns)
    if missing and not config.evolves:
        said = f"it has no column {', '.join(missing)}, which pk.fields names"
        yield mend(subject, said, f"ALTER TABLE {table} ADD …, or correct pk.fields")
        return
    unique = [
        frozenset(_same(dialect, config, name, quoted=True) for name in each) for each in _unique(connection, table)
    ]
    if wanted in unique:
        yield ok(subject, f"unique over {', '.join(sorted(wanted))}")
        return
    known = " and ".join(f"({', '.join(sorted(each))})" for each in unique) or "nothing"
    said = f"unique over {known}, and pk.fields says ({', '.join(fields)})"
    quote = connection.dialect.identifier_preparer.quote_identifier
    place = quote(table.name) if table.schema is None else f"{quote(table.schema)}.{quote(table.name)}"
    names = ", ".join(quote(name) for name in sorted(wanted))
    index = f"CREATE UNIQUE INDEX {quote(f'{table.name}_key')} ON {place} ({names})"
    if config.mode == "upsert":
        yield mend(subject, f"{said}: no row can be upserted", f"{index}, or correct pk.fields")
    else:
        yield warning(subject, f"{said}: {config.mode} is not by a key of the table", f"{index}, or correct pk.fields")


def _key_fields(config: SqlSinkConfig) -> Sequence[str]:
    return config.pk_fields or (KAFKA_FIELDS if config.pk_mode == "kafka" else ())


def _same(dialect: Dialect, config: SqlSinkConfig, name: str, quoted: bool = False) -> str:
    """A column's name in the form in which two that mean the same are equal; ``quoted``: as it is in the table."""
    found = name if quoted or config.quotes else dialect.naming.unquoted(name)
    return lower(found) if dialect.naming.columns_ignore_case else found


def _unique(connection: Connection, table: TableName) -> list[list[str]]:
    """The columns of the primary key and of each unique index."""
    inspector = sa.inspect(connection)
    primary = inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]
    indexes = [each for each in inspector.get_indexes(table.name, table.schema) if each.get("unique")]
    # One of a part of the rows, or of an expression, keeps no column unique.
    whole = [each["column_names"] for each in indexes if None not in each["column_names"] and not _is_partial(each)]
    return [list(map(str, names)) for names in ([primary] if primary else []) + [[*map(str, names)] for names in whole]]


def _is_partial(index: Mapping[str, Any]) -> bool:
    """Whether an index has a condition, which each dialect keeps under a name of its own."""
    return any(value is not None for name, value in index.get("dialect_options", {}).items() if name.endswith("_where"))
