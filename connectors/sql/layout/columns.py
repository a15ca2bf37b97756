"""Which columns a record has, from its schemas and the primary key mode: as Confluent's FieldsMetadata does it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ferryman.connectors.sql.config.sink_config import KAFKA_FIELDS, SqlSinkConfig
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.records.column import Column, Part
from ferryman.errors import DataError, TaskError
from ferryman.schema import INT32, INT64, STRING, Field, Schema, Type

COORDINATES: tuple[tuple[Part, Schema], ...] = (("topic", STRING), ("partition", INT32), ("offset", INT64))


@dataclass(frozen=True, slots=True)
class Place:
    """Where records come from, and where they go."""

    table: TableName
    topic: str

    def __str__(self) -> str:
        return str(self.table)


def columns_for(config: SqlSinkConfig, place: Place, key: Schema | None, value: Schema | None) -> tuple[Column, ...]:
    """The columns in the order of a created table. ``value`` is None for deletes. Raises DataError if none."""
    primary = list(_primary(config, place, key, value))
    names = {column.name for column in primary}
    wanted = set(config.fields_whitelist)
    fields = [] if value is None else list(_fields(config, value))
    found = {column.name: column for column in primary}
    for column in fields:
        is_text = column.field is None
        if is_text and column.name in names:
            raise DataError(
                f"The column {column.name} of {place} is to hold both the values, which are text, and a part of the "
                "primary key: set pk.fields or string.output.value.column.name to another name"
            )
        is_wanted = is_text or ((not wanted or column.name in wanted) and config.takes(place.topic, column.name))
        if column.name not in names and is_wanted:
            found[column.name] = column
    if not found:
        raise DataError(f"No fields found using key and value schemas for table: {place}")
    return tuple(replace(column, of_debezium=config.is_debezium) for column in _ordered(found, fields))


def _ordered(found: dict[str, Column], fields: Sequence[Column]) -> Iterator[Column]:
    order = [
        *(name for name in KAFKA_FIELDS if name in found),
        *(field.name for field in fields if field.name in found),
    ]
    order += sorted(found.keys() - set(order))
    return (found[name] for name in dict.fromkeys(order))


def _fields(config: SqlSinkConfig, value: Schema) -> Iterator[Column]:
    if value.type is Type.STRING:
        yield Column(config.string_output_value_column_name, value.as_optional(), "value")
    elif value.type is not Type.STRUCT:
        raise DataError(f"Value schema must be of type Struct, but is of type {value.type}")
    for field in value.fields:
        yield Column(field.name, field.schema, "value", field.name)


def _primary(config: SqlSinkConfig, place: Place, key: Schema | None, value: Schema | None) -> Iterator[Column]:
    match config.pk_mode:
        case "kafka":
            for name, (part, schema) in zip(config.pk_fields or KAFKA_FIELDS, COORDINATES, strict=True):
                yield Column(name, schema, part, primary=True)
        case "record_key":
            yield from _from_key(config, place, key)
        case "record_value":
            for field in _chosen(config, place, value, "value"):
                yield Column(field.name, field.schema, "value", field.name, primary=True)


def _from_key(config: SqlSinkConfig, place: Place, key: Schema | None) -> Iterator[Column]:
    if key is not None and key.type in (Type.ARRAY, Type.MAP):
        raise DataError(f"Key schema must be primitive type or Struct, but is of type: {key.type}")
    if key is None or key.type is Type.STRUCT:
        for field in _chosen(config, place, key, "key"):
            yield Column(field.name, field.schema, "key", field.name, primary=True)
        return
    if len(config.pk_fields) != 1:
        raise TaskError(
            "Need exactly one PK column defined since the key schema for records is a primitive type, "
            f"defined columns are: [{', '.join(config.pk_fields)}]. Set pk.fields to its name"
        )
    yield Column(config.pk_fields[0], key, "key", primary=True)


def _chosen(config: SqlSinkConfig, place: Place, schema: Schema | None, side: str) -> Sequence[Field]:
    mode = config.pk_mode.upper()
    if schema is None:
        raise DataError(f"PK mode for table '{place}' is {mode}, but record {side} schema is missing")
    if schema.type is not Type.STRUCT:
        raise DataError(f"PK mode for table '{place}' is {mode}, but the record {side} is no Struct: {schema.type}")
    for name in config.pk_fields:
        if name not in schema.by_name:
            raise DataError(
                f"PK mode for table '{place}' is {mode} with configured PK fields [{', '.join(config.pk_fields)}], "
                f"but record {side} schema does not contain field: {name}"
            )
    named = [schema.by_name[name] for name in config.pk_fields]
    return named or [field for field in schema.fields if config.takes(place.topic, field.name)]
