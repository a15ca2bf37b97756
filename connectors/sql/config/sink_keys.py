"""The declarations of the SQL sink's keys; what they mean together is in ``sink_config.py``."""

import re
from typing import Annotated, Literal

import polars as pl
from pydantic import AfterValidator

from ferryman.config import Bool, Int, Long, Password, Shown, Str, Strings, any_case, key
from ferryman.connector import SinkConfig

_OFFSET = re.compile(r"(?:UTC|GMT|UT)?(?P<sign>[+-])(?P<hours>0?[0-9]|1[0-4])(?::?00)?")


def _zone(value: str) -> str:
    """A zone's name. Offsets of whole hours, as Java's ZoneId takes them, have names too, with the opposite sign."""
    offset = _OFFSET.fullmatch("+0" if value == "Z" else value)
    if offset is not None:
        hours = int(offset["hours"])
        value = f"Etc/GMT{'-' if offset['sign'] == '+' else '+'}{hours}" if hours else "UTC"
    try:
        # Its own table of zones: Python's has names more, such as localtime.
        pl.Series([0]).cast(pl.Datetime("ms", "UTC")).dt.convert_time_zone(value)
    except pl.exceptions.PolarsError:
        raise ValueError("Invalid time zone identifier") from None
    return value


class SqlKeys(SinkConfig):
    """The keys of Confluent's, Aiven's and Debezium's JDBC sinks that mean something here, and our own."""

    connection_url: Str = key(
        names=("connection.url",), importance="HIGH", shown=Shown("Connection", 1, "LONG", "JDBC URL")
    )
    """The database: a jdbc: URL or SQLAlchemy's, of one of the databases above. Parameters of the driver, here or as
    connection.* keys, must be on the database's allow-list."""
    connection_user: Str | None = key(
        None,
        names=("connection.user", "connection.username"),
        importance="HIGH",
        shown=Shown("Connection", 2, display="JDBC User"),
    )
    """The database user."""
    connection_password: Password | None = key(
        None, importance="HIGH", shown=Shown("Connection", 3, display="JDBC Password")
    )
    """The database user's password."""
    dialect_name: Str = key("", importance="LOW", shown=Shown("Connection", 4, "LONG", "Database Dialect"))
    """The dialect, as Confluent's sink names it (…DatabaseDialect). The URL decides; one of another database is
    refused."""
    connection_attempts: Int | None = key(
        None,
        names=("connection.attempts",),
        at_least=1,
        importance="LOW",
        shown=Shown("Connection", 5, display="JDBC connection attempts"),
    )
    """How often a database that refuses the login is asked before the first record is written, until the task fails;
    by default for a minute. One that does not answer is asked without end."""
    connection_backoff_ms: Long | None = key(
        None,
        names=("connection.backoff.ms",),
        at_least=0,
        importance="LOW",
        shown=Shown("Connection", 6, display="JDBC connection backoff in milliseconds"),
    )
    """The wait before an unreachable database is tried again, in milliseconds; by default it grows with each try.
    There is no last try."""
    insert_mode: Annotated[
        Literal["insert", "upsert", "update", "multi"], any_case("insert", "upsert", "update", "multi")
    ] = key("insert", importance="HIGH", shown=Shown("Writes", 1, display="Insert Mode"))
    """What a record does: insert adds a row, upsert adds or replaces the row with its key, update changes that row if
    it is there. Aiven's multi is insert."""
    batch_size: Int | None = key(
        None, names=("batch.size",), at_least=0, shown=Shown("Writes", 2, display="Batch Size")
    )
    """How many rows a statement writes at most; by default all rows of a poll that go to one table. The transaction is
    always that of the poll, which consumer.override.max.poll.records bounds."""
    delete_enabled: Bool = key(False, shown=Shown("Writes", 3, display="Enable deletes"))
    """Whether a null value, or a change event of a delete, deletes the row with its key; needs pk.mode=record_key, for
    change events record_value will do. Without it a null value is a data error; under Debezium's class name deletes are
    skipped."""
    table_types: Strings = key(["TABLE"], importance="LOW", shown=Shown("Writes", 4, display="Table Types"))
    """What may be written to: TABLE (partitioned ones too), PARTITIONED TABLE, VIEW."""
    table_name_format: Str = key(
        "${topic}",
        names=("table.name.format", "collection.name.format"),
        shown=Shown("Data Mapping", 1, "LONG", "Table Name Format"),
    )
    """The table's name, with ${topic} for the topic; schema.table is understood. Under Debezium's class name the
    topic's dots become underscores."""
    table_name_normalize: Bool = key(False, shown=Shown("Data Mapping", 1, display="Table Name Normalize"))
    """Whether characters other than ASCII letters, digits and underscores become underscores in the table's name."""
    topics_to_tables_mapping: Strings = key([], shown=Shown("Data Mapping", 1, display="Topics To Tables Mapping"))
    """The table of each topic, as topic:table,…, instead of table.name.format; a missing topic is a data error."""
    pk_mode: Annotated[
        Literal["none", "kafka", "record_key", "record_value", "record_header"],
        any_case("none", "kafka", "record_key", "record_value", "record_header"),
    ] = key(
        "none",
        names=("pk.mode", "primary.key.mode"),
        importance="HIGH",
        shown=Shown("Data Mapping", 2, display="Primary Key Mode"),
    )
    """Where the primary key is from: none, kafka (topic, partition, offset as consumed), record_key, record_value."""
    pk_fields: Strings = key(
        [], names=("pk.fields", "primary.key.fields"), shown=Shown("Data Mapping", 3, display="Primary Key Fields")
    )
    """The key's columns. kafka: three names, or the default __connect_topic,__connect_partition,__connect_offset;
    record_key and record_value: fields, all if empty; one name for a primitive key."""
    fields_whitelist: Strings = key(
        [], names=("fields.whitelist",), shown=Shown("Data Mapping", 4, display="Fields Whitelist")
    )
    """The value's fields to write besides the key; all if empty."""
    field_include_list: Strings = key(
        [], names=("field.include.list",), importance="LOW", shown=Shown("Data Mapping", 4, display="Include Fields")
    )
    """Debezium's key: the fields of key and value to write, as field or topic:field; all if empty."""
    field_exclude_list: Strings = key(
        [], names=("field.exclude.list",), importance="LOW", shown=Shown("Data Mapping", 4, display="Exclude Fields")
    )
    """Debezium's key: the fields of key and value not to write, as field or topic:field; goes before
    field.include.list."""
    db_timezone: Annotated[Str, AfterValidator(_zone)] = key(
        "UTC",
        names=("db.timezone", "use.time.zone", "database.time_zone"),
        shown=Shown("Data Mapping", 5, display="DB Time Zone"),
    )
    """The zone in which columns without a time zone hold timestamps, times and dates. Under Debezium's class name it is
    that of io.debezium.time.ZonedTimestamp alone; what has no zone is not moved."""
    date_timezone: Annotated[Literal["DB_TIMEZONE", "UTC"], any_case("DB_TIMEZONE", "UTC")] = key(
        "DB_TIMEZONE", shown=Shown("Data Mapping", 6, display="Date Time Zone")
    )
    """The zone of dates: DB_TIMEZONE takes db.timezone (west of UTC that is the day before), UTC leaves them alone."""
    replace_null_with_default: Bool = key(True, shown=Shown("Data Mapping", 7, display="Replace null with default"))
    """Whether a null stands for its field's default."""
    string_output_value_column_name: Str = key(
        "record_value",
        names=("string.output.value.column.name",),
        importance="LOW",
        shown=Shown("Data Mapping", 8, display="String value column"),
    )
    """The column for values that are plain strings with a schema."""
    auto_create: Bool = key(False, shown=Shown("DDL Support", 1, display="Auto-Create"))
    """Whether a missing table is created from the record's schema."""
    auto_evolve: Bool = key(False, shown=Shown("DDL Support", 2, display="Auto-Evolve"))
    """Whether missing columns are added; only nullable ones and ones with a default can be."""
    schema_evolution: Annotated[Literal["none", "basic"], any_case("none", "basic")] = key(
        "none", shown=Shown("DDL Support", 3, display="Schema evolution")
    )
    """Debezium's key: basic means auto.create and auto.evolve."""
    quote_sql_identifiers: Annotated[
        Literal["always", "never", "true", "false"] | None, any_case("always", "never", "true", "false")
    ] = key(
        None,
        names=("quote.sql.identifiers", "sql.quote.identifiers", "quote.identifiers"),
        shown=Shown("DDL Support", 4, display="Quote Identifiers", default_text="ALWAYS"),
    )
    """Whether names keep their case: always (true), or never (false), which makes them what the database makes of names
    without quotes. Under Debezium's class name the default is never."""
    max_retries: Int | None = key(
        None,
        names=("max.retries", "flush.max.retries"),
        at_least=0,
        shown=Shown("Retries", 1, display="Maximum Retries"),
    )
    """How often a write is tried again after a system error until the task fails, as in the JDBC sinks; by default
    without end. A database that refuses the login before the first record is asked as often, unless connection.attempts
    says otherwise."""
    retry_backoff_ms: Long | None = key(
        None,
        names=("retry.backoff.ms", "flush.retry.delay.ms"),
        at_least=0,
        shown=Shown("Retries", 2, display="Retry Backoff (millis)"),
    )
    """The wait after a system error, in milliseconds; by default it grows with each try."""
    offsets_table_name: Str = key(
        "ferryman_offsets",
        names=("offsets.table.name",),
        importance="LOW",
        shown=Shown("Exactly Once", 1, display="Offsets table"),
    )
    """The table that holds the next offset of each partition, as table or schema.table; created if it is missing."""
