"""Whether records can be rows at all: with schemas, and with the keys and values that the config needs."""

from collections.abc import Sequence

from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.dialects.dialect import TableColumn, key_columns
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, Columns, Data
from ferryman.schema import Schema

_FIX = "Use a converter with schemas: Avro, or JSON with schemas.enable=true and an envelope of schema and payload"


def check(config: SqlSinkConfig, connector: str, batch: Batch, tombstones: Sequence[bool] | None) -> None:
    """Raises DataError, in Confluent's words, for a record that cannot be a row.

    ``tombstones``: which records have no value; None: all have.
    """
    if config.pk_mode == "record_key":
        missing = _first_null(batch.key)
        if missing is not None or batch.key.schema is None:
            needs = "a non-null key and non-null Struct or primitive key schema"
            raise _unfit(config, connector, needs, batch, missing or 0, "key")
    if tombstones is not None and not (config.delete_enabled or config.is_debezium):
        needs = "a non-null Struct value and non-null Struct schema"
        raise _unfit(config, connector, needs, batch, tombstones.index(True), "value")
    if batch.value.schema is None and not (tombstones is not None and all(tombstones)):
        first = 0 if tombstones is None else tombstones.index(False)
        needs = "a non-null Struct value and non-null Struct schema"
        raise _unfit(config, connector, needs, batch, first, "value")


def check_whole_key(config: SqlSinkConfig, batch: Batch, columns: Sequence[TableColumn]) -> None:
    """Raises TaskError where only a part of the record's key is the row's: what differs in the rest lies in other
    partitions, and may be about the same row."""
    schema = batch.key.schema
    if schema is not None and len(schema.fields or ()) > len(key_columns(columns)):
        raise TaskError(
            f"pk.fields={','.join(config.pk_fields)} is a part of the keys of {batch.source.topic}: the records of one "
            "row may come from several partitions. Make the run with a field that tells which of two is newer "
            "(--version-field), or have it write elsewhere: set table.name.format"
        )


def _first_null(data: Data) -> int | None:
    if isinstance(data, Columns):
        return None
    return next((index for index, value in enumerate(data.values) if value is None), None)


def _unfit(config: SqlSinkConfig, connector: str, needs: str, batch: Batch, index: int, side: str) -> DataError:
    data = batch.key if side == "key" else batch.value
    value = None if isinstance(data, Columns) else data.values[index]
    text = (
        f"Sink connector '{connector}' is configured with 'delete.enabled={str(config.delete_enabled).lower()}' and "
        f"'pk.mode={config.pk_mode}' and therefore requires records with {needs}, but found record at "
        f"(topic='{batch.topic}',partition={batch.original_source.partition},offset={batch.original_offsets[index]},"
        f"timestamp={batch.timestamps[index]}) with a {_kind(value)} {side} and {_schema(data.schema)} {side} schema."
    )
    return DataError(f"{text} {_FIX}" if value is not None else text)


def _kind(value: object) -> str:
    names = {dict: "HashMap", list: "ArrayList", str: "String", int: "Long", float: "Double", bool: "Boolean"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _schema(schema: Schema | None) -> str:
    return "null" if schema is None else schema.type.capitalize()
