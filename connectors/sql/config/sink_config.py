"""What the SQL sink's keys mean together, where the three JDBC sinks differ, and which of their keys have no effect."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from ferryman.config import trim
from ferryman.connector import SinkConfig
from ferryman.connectors.sql.config.databases import DIALECTS, KEYS_OF_OTHERS, Database, database
from ferryman.connectors.sql.config.sink_keys import SqlKeys
from ferryman.connectors.sql.dialects.dialect import Mode
from ferryman.connectors.sql.dialects.names import Naming, TableName, checked_name, lower, table_name
from ferryman.connectors.sql.dialects.urls import BadUrl
from ferryman.errors import DataError, KeyProblem
from ferryman.runs.topics import ROUTERS, own_name, renaming, transforms

KAFKA_FIELDS = ("__connect_topic", "__connect_partition", "__connect_offset")

_OWN_KEYS = frozenset(
    {
        "attempts",
        "backoff.ms",
        "password",
        "url",
        "user",
        "username",
    }
)
"""What follows ``connection.`` in keys that are no driver properties; nor are those in WITHOUT_EFFECT."""

WITHOUT_EFFECT: Mapping[str, str] = {
    **KEYS_OF_OTHERS,
    **{name: reason for dialect in DIALECTS for name, reason in dialect.without_effect.items()},
    "connection.database": "the URL names the database",
    "connection.batch.wait.max.ms": "no JDBC sink knows it",
    "connection.driver_class": "the URL says which database it is",
    "connection.ds.pool.": "a task has one connection",
    "connection.pool.": "a task has one connection",
    "connection.provider": "a task has one connection",
    "connection.restart.on.errors": "a lost connection is always opened anew, and nothing is lost by it",
    "date.calendar.system": "dates are proleptic Gregorian; only those before 1582-10-15 would differ",
    "hibernate.dialect": "the URL says which database it is",
    "keyed.message.batch.mode": "of several records with a key in a batch, the last one always wins",
    "timestamp.precision.mode": "it belongs to timestamp.fields.list",
    "trim.sensitive.log": "no value of a row is ever logged",
    "update.if.newer.field": "an upsert always writes the record that comes last, as in Confluent's sink",
    "use.reduction.buffer": "of several records with a key in a batch, the last one always wins",
}
"""Keys (prefixes end in a dot) that are understood, change nothing here, and are warned about with this reason."""

_ONLY: Mapping[str, tuple[frozenset[str], str]] = {
    "collection.naming.strategy": (
        frozenset(
            {
                "io.debezium.sink.naming.DefaultCollectionNamingStrategy",
                "io.debezium.connector.jdbc.naming.DefaultCollectionNamingStrategy",
            }
        ),
        "tables are named by collection.name.format only",
    ),
    "table.naming.strategy": (
        frozenset({"io.debezium.connector.jdbc.naming.DefaultTableNamingStrategy"}),
        "tables are named by table.name.format only",
    ),
    "cloud.events.schema.name.pattern": (
        frozenset({r".*CloudEvents\.Envelope$"}),
        "CloudEvents are known by that pattern, Debezium's default",
    ),
    "column.naming.strategy": (
        frozenset(
            {
                "io.debezium.sink.naming.DefaultColumnNamingStrategy",
                "io.debezium.connector.jdbc.naming.DefaultColumnNamingStrategy",
            }
        ),
        "columns have the names of fields; rename them with the transform ReplaceField",
    ),
    "jdbc.credentials.provider.class": (
        frozenset({"io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider"}),
        "set connection.user and connection.password, by a config provider if need be",
    ),
    "truncate.enabled": (frozenset({"false"}), "truncate events are passed over, not acted upon"),
}
"""Keys whose other values would change what is written, where to or how it is protected."""


def _matching(name: str, keys: Iterable[str]) -> str | None:
    return next((known for known in keys if name == known or (known.endswith(".") and name.startswith(known))), None)


class SqlSinkConfig(SqlKeys):
    """The SQL sink's config: its keys, and the rules between them."""

    refused: ClassVar[Mapping[str, str]] = {
        "collection.naming.": "tables are named by collection.name.format; rename topics with RegexRouter",
        "collection.table.format": "use collection.name.format with ${topic}",
        "column.naming.": "columns have the names of fields; rename them with the transform ReplaceField",
        "hibernate.connection.": "use connection.url, connection.user and connection.password",
        "hibernate.default_schema": "use table.name.format with schema.${topic}, or currentSchema in the URL",
        "jdbc.credentials.provider.": "set connection.user and connection.password, by a config provider if need be",
        "timestamp.fields.list": "convert the fields with the transform TimestampConverter",
    }
    ignored: ClassVar[tuple[str, ...]] = (*SinkConfig.ignored, "connection.", *WITHOUT_EFFECT, *_ONLY)

    @property
    def is_debezium(self) -> bool:
        """Whether Debezium's defaults apply."""
        return self.connector_class.startswith("io.debezium.")

    @property
    def creates(self) -> bool:
        """Whether missing tables are created."""
        return self.auto_create or self.schema_evolution == "basic"

    @property
    def evolves(self) -> bool:
        """Whether missing columns are added."""
        return self.auto_evolve or self.schema_evolution == "basic"

    @property
    def quotes(self) -> bool:
        """Whether names keep their case; else they become what the database makes of names without quotes."""
        if self.quote_sql_identifiers is None:
            return not self.is_debezium
        return self.quote_sql_identifiers in ("always", "true")

    def takes(self, topic: str, field: str) -> bool:
        """Whether a field is written, by field.exclude.list or else field.include.list."""
        listed = self.field_exclude_list or self.field_include_list
        if not listed:
            return True
        names = {tuple(trim(part) for part in entry.split(":")) for entry in listed}
        return ((field,) in names or (topic, field) in names) is not bool(self.field_exclude_list)

    @property
    def mode(self) -> Mode:
        """The insert mode."""
        return "insert" if self.insert_mode == "multi" else self.insert_mode

    @property
    def date_zone(self) -> str:
        """The zone of dates."""
        return "UTC" if self.date_timezone == "UTC" else self.db_timezone

    def database(self, raw: Mapping[str, str] | None = None) -> Database:
        """Where to write. ``raw`` adds its driver properties. Raises BadUrl."""
        password = None if self.connection_password is None else self.connection_password.get_secret_value()
        return database(self.connection_url, self.connection_user, password, properties(raw or {}))

    def table(self, topic: str, naming: Naming) -> TableName:
        """A topic's table. Raises DataError for a name that the database cannot have."""
        return table_name(self._destination(topic), naming, self.quotes)

    def _destination(self, topic: str) -> str:
        if self.topics_to_tables_mapping:
            mapped = dict(entry.split(":", 1) for entry in self.topics_to_tables_mapping)
            if topic not in mapped:
                raise DataError(f"The topic {topic} is not in topics.to.tables.mapping")
            return mapped[topic]
        name = self.table_name_format.replace("${topic}", topic.replace(".", "_") if self.is_debezium else topic)
        return re.sub("[^A-Za-z0-9_]", "_", name) if self.table_name_normalize else name

    @classmethod
    def _refusals(cls, raw: Mapping[str, str]) -> list[KeyProblem]:
        allowed = {
            name for name, (values, _) in _ONLY.items() if trim(raw.get(name, "")).lower() in map(str.lower, values)
        }
        found = super()._refusals({name: value for name, value in raw.items() if name not in _ONLY})
        found += [
            KeyProblem(name, f"Invalid value {raw[name]} for configuration {name}: {reason}")
            for name, (_, reason) in _ONLY.items()
            if name in raw and name not in allowed
        ]
        return [*found, *_property_problems(raw)]

    @property
    def tries_when_refused(self) -> int | None:
        """See ConnectorConfig."""
        return self.max_retries if self.connection_attempts is None else self.connection_attempts - 1

    def problems(self) -> Iterator[KeyProblem]:
        """The rules between keys."""
        yield from super().problems()
        yield from self._key_problems()
        try:
            target = self.database()
        except BadUrl as error:
            yield KeyProblem("connection.url", f"Invalid value for configuration connection.url: {error}")
            return
        yield from self._name_problems(target.dialect.naming)
        if self.dialect_name.lower() not in ("", *map(str.lower, target.dialect.sink_dialects)):
            yield _invalid("dialect.name", self.dialect_name, "the URL says another database")

    def _key_problems(self) -> Iterator[KeyProblem]:
        if self.pk_mode == "record_header":
            yield _invalid("pk.mode", self.pk_mode, "headers cannot be keys; use record_key or record_value")
        with_keys = ("record_key", "record_value") if self.is_debezium else ("record_key",)
        if self.delete_enabled and self.pk_mode not in with_keys:
            yield _invalid(
                "delete.enabled", "true", "Primary key mode must be 'record_key' when delete support is enabled"
            )
        if self.mode != "insert" and self.pk_mode == "none":
            yield _invalid(
                "insert.mode", self.insert_mode, "it needs a key: set pk.mode to record_key, record_value or kafka"
            )
        if self.pk_mode == "kafka" and len(self.pk_fields) not in (0, 3):
            yield _invalid(
                "pk.fields", ",".join(self.pk_fields), "with pk.mode=kafka there must be three names, or none"
            )
        unknown = {kind.upper() for kind in self.table_types} - {"TABLE", "PARTITIONED TABLE", "VIEW"}
        if unknown or not self.table_types:
            yield _invalid("table.types", ",".join(self.table_types), "must be of TABLE, PARTITIONED TABLE, VIEW")
        if "${source." in self.table_name_format:
            yield _invalid("table.name.format", self.table_name_format, "only ${topic} stands for something")
        for name, entries in (
            ("field.include.list", self.field_include_list),
            ("field.exclude.list", self.field_exclude_list),
        ):
            if any(entry.count(":") > 1 or not all(trim(part) for part in entry.split(":")) for entry in entries):
                yield _invalid(name, ",".join(entries), "must be field,… or topic:field,…")
        if any(entry.count(":") != 1 or not all(entry.split(":")) for entry in self.topics_to_tables_mapping):
            yield _invalid("topics.to.tables.mapping", ",".join(self.topics_to_tables_mapping), "must be topic:table,…")

    def _name_problems(self, naming: Naming) -> Iterator[KeyProblem]:
        try:
            table_name(self.offsets_table_name, naming, self.quotes)
        except DataError as error:
            yield _invalid("offsets.table.name", self.offsets_table_name, str(error))
        for topic in () if self.transforms else self.topics:
            try:
                self.table(topic, naming)
            except DataError as error:
                yield _invalid("table.name.format", self.table_name_format, str(error))
        names = [name if self.quotes else naming.unquoted(name) for name in self.pk_fields]
        names = [lower(name) for name in names] if naming.columns_ignore_case else names
        if len(set(names)) != len(names):
            yield _invalid("pk.fields", ",".join(self.pk_fields), "two of the names are the same")
        for name in self.pk_fields:
            try:
                checked_name(name, naming, "column")
            except DataError as error:
                yield _invalid("pk.fields", ",".join(self.pk_fields), str(error))


def _invalid(name: str, value: str, reason: str) -> KeyProblem:
    return KeyProblem(name, f"Invalid value {value} for configuration {name}: {reason}")


def properties(raw: Mapping[str, str]) -> dict[str, str]:
    """The driver properties among a connector's keys: connection.<property>."""
    given = (name for name in raw if name.startswith("connection.") and not _matching(name, WITHOUT_EFFECT))
    found = {name.removeprefix("connection."): raw[name] for name in given}
    return {name: value for name, value in found.items() if name not in _OWN_KEYS}


def _property_problems(raw: Mapping[str, str]) -> Iterator[KeyProblem]:
    url = raw.get("connection.url", "")
    try:
        database(url, None, None, {})
    except BadUrl:
        return  # the URL has a problem of its own, and it is not known which properties it allows
    for name, value in properties(raw).items():
        try:
            database(url, None, None, {name: value})
        except BadUrl as error:
            yield KeyProblem(f"connection.{name}", f"connection.{name} is not supported: {error}")


def topics_follow_records(raw: Mapping[str, str]) -> bool:
    """Whether a transform may name a record's topic after what is in the record; Kafka's own do not."""
    kinds = transforms(raw)
    return any(own_name(kinds[alias]) not in ROUTERS for alias in renaming(raw))


def keys_without_effect(raw: Mapping[str, str]) -> Iterator[str]:
    """A warning for each key that is given and has no effect."""
    for name in raw:
        known = _matching(name, WITHOUT_EFFECT)
        if known is not None:
            yield f"{name} has no effect: {WITHOUT_EFFECT[known]}"
