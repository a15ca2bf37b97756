"""What it means to write records a second time: where to, and whether rows could go back in time."""

from collections.abc import Collection, Mapping

from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.dialects.names import table_name
from ferryman.errors import ConfigError, DataError
from ferryman.runs.harm import Again, Place
from ferryman.runs.topics import KAFKAS, renames, renaming, transforms, unwraps

HARMLESS = frozenset({"Filter", "InsertHeader", "DropHeaders", "HeaderFrom$Value"})
"""Kafka's transforms that leave keys alone, beside those of values and Debezium's."""


def places(config: SqlSinkConfig, raw: Mapping[str, str], topics: Collection[str]) -> frozenset[Place] | None:
    """The tables of these topics, or where transforms may rename topics their schema; None for what has no name."""
    database = config.database(raw)
    location, dialect, naming = database.location, database.dialect, database.dialect.naming
    try:
        if renaming(raw):
            example = table_name(config.table_name_format.replace("${topic}", "t"), naming, config.quotes)
            return frozenset({dialect.schema(location, example)})
        tables = [config.table(topic, naming) for topic in topics]
    except DataError:
        return None
    return frozenset((*dialect.schema(location, table), table.name.lower()) for table in tables)


def _is_harmless(raw: Mapping[str, str], alias: str) -> bool:
    """Whether a transform is known to leave keys and topics alone."""
    kind = transforms(raw)[alias]
    keeps_keys = unwraps(kind) or kind.endswith("$Value") or kind.removeprefix(KAFKAS) in HARMLESS
    return keeps_keys and not renames(raw, alias)


def again(config: SqlSinkConfig, raw: Mapping[str, str]) -> Again:
    """Raises ConfigError if it could not be known which record of a row came last."""
    if config.mode == "insert":
        return "twice"
    if config.pk_mode == "kafka":
        return "same"
    elsewhere = (
        "Name a field of the value that tells which of two is newer (--version-field), or have the run write "
        "elsewhere: set table.name.format"
    )
    if config.pk_mode != "record_key":
        text = f"With pk.mode={config.pk_mode} the records of one row may come from several partitions, and nobody can "
        raise ConfigError.for_key("pk.mode", f"{text}tell which came last. {elsewhere}")
    guilty = next((alias for alias in transforms(raw) if not _is_harmless(raw, alias)), None)
    if guilty is not None:
        text = f"The transform {guilty} may change keys or topics, so that the records of one row may come from several"
        raise ConfigError.for_key(f"transforms.{guilty}.type", f"{text} partitions. {elsewhere}")
    if len(config.topics) != 1 and not _apart(config, raw):
        text = "The records of one row may come from several topics, and nobody can tell which came last."
        raise ConfigError.for_key("table.name.format", f"{text} {elsewhere}")
    return "older"


def _apart(config: SqlSinkConfig, raw: Mapping[str, str]) -> bool:
    """Whether each topic has a table of its own."""
    if config.topics_to_tables_mapping:
        tables = [entry.partition(":")[2].lower() for entry in config.topics_to_tables_mapping]
        return len(set(tables)) == len(tables)
    if config.topics:
        found = places(config, raw, config.topics)
        return found is not None and len(found) == len(set(config.topics))
    return "${topic}" in config.table_name_format and not config.table_name_normalize
