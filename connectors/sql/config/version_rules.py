"""What a field must be by which a run tells whether a record is newer than its row."""

from collections.abc import Mapping

import sqlalchemy as sa

from ferryman.config import trim
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.dialects.dialect import Mode, TableColumn, Type
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import ConfigError, UnsafeRun
from ferryman.runs.harm import ByVersion
from ferryman.runs.keys import RunKeys
from ferryman.schema import DATE, DECIMAL, INTEGERS, STRING, TIME, TIMESTAMP, Schema

KEY = "version_field"
_FIXED_ZONES = frozenset({"GMT", "GMT0", "Greenwich", "UCT", "UTC", "Universal", "Zulu"})
"""Zones that never change their clocks, beside those of ``Etc/``."""


def by_version(config: SqlSinkConfig, field: str) -> ByVersion:
    """What a run by that field does. Raises ConfigError where rows are not compared, or cannot be."""
    if config.mode == "insert":
        text = f"insert.mode={config.insert_mode} changes no row that is there, so there is nothing to compare"
        raise ConfigError.for_key(KEY, f"{text}: leave out {KEY}")
    if config.pk_mode == "kafka":
        text = "With pk.mode=kafka each record is a row of its own, so there is nothing to compare"
        raise ConfigError.for_key(KEY, f"{text}: leave out {KEY}")
    if config.pk_mode == "record_value" and field in map(trim, config.pk_fields):
        text = f"The field {field} is in pk.fields, so that rows with other versions are other rows. Name another field"
        raise ConfigError.for_key(KEY, text)
    if config.topics and not any(config.takes(topic, field) for topic in config.topics):
        text = f"The field {field} is not written to the table, by field.include.list or field.exclude.list"
        raise ConfigError.for_key(KEY, text)
    return "newer_in_place" if config.delete_enabled else "newer"


def version_field(raw: Mapping[str, str]) -> str | None:
    """The field that a connector's config names; None if it is no run, or none by version."""
    run = RunKeys.of(raw)
    return None if run is None else run.ferryman_run_version_field or None


def write_mode(config: SqlSinkConfig, raw: Mapping[str, str]) -> Mode:
    """How rows are written. A run by version adds none where they are deleted as well: a tombstone has no version, so a
    missing row may be one that is to stay deleted."""
    return "update" if config.delete_enabled and version_field(raw) is not None else config.mode


def unfit(column: TableColumn, zones: Zones) -> str | None:
    """Why values of a column do not tell which of two records is newer; None if they do."""
    schema, kind = column.source.schema, column.type
    if not _is_ordered(schema) and not _reads_instants(schema, kind):
        return f"its values ({_named(schema)}) are not whole numbers, decimals, dates or timestamps"
    return unfit_type(kind, zones)


def unfit_type(kind: Type, zones: Zones) -> str | None:
    """The same of a column of that type, as far as its type tells."""
    match kind:
        case sa.Boolean() | sa.Float() | sa.REAL() | sa.DOUBLE():
            pass
        case sa.DateTime(timezone=False) if not _is_fixed(zones.timestamps):
            return f"the column has no zone, and in db.timezone={zones.timestamps} the clock is put back at times"
        case sa.Integer() | sa.Numeric() | sa.Date() | sa.DateTime():
            return None
    return f"the column has the type {kind!r}, whose values are not compared as versions are"


def no_version(field: str, table: TableName, reason: str) -> UnsafeRun:
    """What is said of such a field."""
    return UnsafeRun(f"The field {field} cannot be the version of rows of {table}: {reason}. Name another one")


def _is_ordered(schema: Schema) -> bool:
    if schema.name in (DECIMAL, TIMESTAMP, DATE):
        return True
    return schema.type in INTEGERS and schema.name != TIME


def _reads_instants(schema: Schema, kind: object) -> bool:
    """Whether a column makes instants of the texts that it is given, whatever zone is written in them."""
    return schema.type is STRING.type and isinstance(kind, sa.DateTime) and bool(kind.timezone)


def _named(schema: Schema) -> str:
    return schema.name or schema.type.value


def _is_fixed(zone: str) -> bool:
    return zone in _FIXED_ZONES or zone.startswith("Etc/")
