"""Keys and headers as files of their own beside the values', and everything of a record in one envelope."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from ferryman.connectors.s3.config.object_names import TOMBSTONE
from ferryman.connectors.s3.formats.format import Format
from ferryman.connectors.s3.layout import envelope_columns
from ferryman.connectors.s3.layout.envelope_columns import Written
from ferryman.connectors.s3.layout.partitioners import Times
from ferryman.data import all_null
from ferryman.errors import DataError
from ferryman.formats import eager
from ferryman.formats.polars_types import dtype
from ferryman.formats.shown_header import shown
from ferryman.java.texts import instant
from ferryman.record import Batch, Columns, Data, Header, Rows
from ferryman.repeated import Repeated
from ferryman.schema import (
    INT32,
    INT64,
    OPTIONAL_BYTES,
    OPTIONAL_STRING,
    STRING,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
    array,
    struct,
)

View = Callable[[Batch], Rows]
"""What of each record a file beside the values' holds. Raises DataError for a record that has none."""

ENVELOPE = "ferryman.Envelope"
"""The name of an envelope's schema."""
_HEADERS = array(struct({"key": STRING, "value": STRING}))
_WRAPPED_HEADERS = struct({"headers": _HEADERS}, "RecordHeaders")
_ENVELOPED_HEADERS = array(
    struct({"key": STRING, "value": OPTIONAL_STRING, "bytes": OPTIONAL_BYTES}, "ferryman.Header")
)


@dataclass(frozen=True, slots=True)
class Side:
    """A file beside that of the values, which has as many records: what is in it, and how."""

    format: Format
    view: View


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Where null values are written: their keys, under the name of a partition of their own."""

    path: Callable[[str], str]
    """The encoded partition, by topic."""
    times: Times | None


def side(name: str, form: Format, format_name: str) -> Side:
    """The side ``keys`` or ``headers`` in a format; Parquet and, for headers, JSON have them in a struct."""
    if name == "keys":
        return Side(form, _wrapped_keys if format_name == "ParquetFormat" else _keys)
    return Side(form, _headers if format_name == "AvroFormat" else _wrapped_headers)


def side_of(sides: Mapping[str, Side], name: str) -> Side | None:
    """The side by the name that a file's destination has; None if there is none of that name."""
    return sides.get(name.removeprefix(TOMBSTONE))


def _keys(batch: Batch) -> Rows:
    keys = batch.key.rows()
    if None in keys.values:
        raise DataError("The key is null, which store.kafka.keys=true cannot have")
    return keys


def _wrapped_keys(batch: Batch) -> Rows:
    keys = _keys(batch)
    if keys.schema is None:
        raise DataError("Parquet files of keys need keys with a schema: use StringConverter, or AvroConverter")
    return Rows(struct({"key": keys.schema}, "RecordKey"), [{"key": key} for key in keys.values])


def _headers(batch: Batch) -> Rows:
    if batch.headers is None or not all(batch.headers):
        raise DataError("The record has no headers, which store.kafka.headers=true cannot have")
    found = [[_header(each) for each in headers] for headers in batch.headers]
    if any(header["value"] is None for headers in found for header in headers):
        raise DataError("A header's value is null, which store.kafka.headers=true cannot have")
    return Rows(_HEADERS, found)


def _wrapped_headers(batch: Batch) -> Rows:
    return Rows(_WRAPPED_HEADERS, [{"headers": headers} for headers in _headers(batch).values])


def _header(header: Header) -> dict[str, Any]:
    text = None if header.value is None else shown(header.value, header.schema)
    return {"key": header.key, "value": text}


def _enveloped_header(header: Header) -> dict[str, Any]:
    """Bytes stay bytes, in a member of their own: as text they could not be told from a text."""
    if isinstance(header.value, bytes):
        return {"key": header.key, "value": None, "bytes": header.value}
    return _header(header)


def enveloped(batch: Batch, mark: bool = False) -> Batch:
    """The batch with key, value, headers, topic, partition, offset and timestamp of each record as its value.

    It has a schema if key and value have one, where they are not all null; else it is schemaless. With ``mark``, for
    formats that write bytes as base64, it also names what of key and value is bytes, if anything is, as ``base64``.
    """
    marked = [name for name, side in (("key", batch.key), ("value", batch.value)) if mark and _is_bytes(side.schema)]
    whole = _has_schema(batch.key) and _has_schema(batch.value)
    schema = _envelope(_known(batch.key), _known(batch.value), bool(marked)) if whole else None
    headers = _enveloped_headers(batch)
    if schema is not None and not marked and (found := envelope_columns.columns(batch, schema, headers)) is not None:
        return replace(batch, value=found)
    return replace(batch, value=Rows(schema, _envelopes(batch, schema, headers, {"base64": marked} if marked else {})))


def _envelopes(
    batch: Batch, schema: Schema | None, headers: Sequence[Written], more: Mapping[str, Any]
) -> list[dict[str, Any]]:
    source = batch.original_source
    return [
        {
            "key": key,
            "value": value,
            "headers": found,
            "topic": source.topic,
            "partition": source.partition,
            "offset": offset,
            "timestamp": at if at is None or schema is None else instant(at),
            **more,
        }
        for key, value, found, offset, at in zip(
            batch.key.rows().values,
            batch.value.rows().values,
            headers,
            batch.original_offsets,
            batch.timestamps,
            strict=True,
        )
    ]


def _enveloped_headers(batch: Batch) -> Repeated[Written]:
    if batch.headers is None:
        return Repeated([[]], [0] * len(batch))
    # Those of a part only: its others may be what cannot be shown.
    return Repeated.of(list(batch.headers)).each(lambda headers: [_enveloped_header(each) for each in headers])


def _is_bytes(schema: Schema | None) -> bool:
    # Decimals are bytes too, by another name.
    return schema is not None and schema.type is Type.BYTES and schema.name is None


def _has_schema(side: Data) -> bool:
    return side.schema is not None or (isinstance(side, Rows) and all_null(side.values))


def _known(side: Data) -> Schema:
    return OPTIONAL_STRING if side.schema is None else side.schema


@lru_cache(maxsize=1000)
def _envelope(key: Schema, value: Schema, marked: bool) -> Schema:
    """The envelope's schema; its version is the value's, so that schema.compatibility tells values apart, or the key's
    where that has none: there may be no value."""
    fields = {
        "key": key.as_optional(),
        "value": value.as_optional(),
        "headers": _ENVELOPED_HEADERS,
        "topic": STRING,
        "partition": INT32,
        "offset": INT64,
        "timestamp": TIMESTAMP_SCHEMA.as_optional(),
        **({"base64": array(STRING)} if marked else {}),
    }
    return replace(struct(fields, ENVELOPE), version=key.version if value.version is None else value.version)


def is_of_nulls(schema: Schema | None) -> bool:
    """Whether it is that of envelopes that have neither key nor value, and so say nothing of either."""
    if schema is None or schema.name != ENVELOPE:
        return False
    return schema.by_name["key"].schema == schema.by_name["value"].schema == OPTIONAL_STRING


def with_key_of(batch: Batch, file: Schema | None) -> Batch:
    """Envelopes whose keys are all null, and so say nothing of a schema, with the schema of keys that a file has; all
    others as they are. Else each null key among others would end a file."""
    own = batch.value.schema
    if batch.key.schema is not None or own is None or file is None or not own.name == file.name == ENVELOPE:
        return batch
    key = file.by_name["key"].schema
    if key == own.by_name["key"].schema:
        return batch
    fields = tuple(Field("key", key) if field.name == "key" else field for field in own.fields)
    # Where no value is there either, nothing but the file tells a version.
    version = file.version if file.by_name["value"] == own.by_name["value"] else own.version
    return replace(batch, value=_by(replace(own, fields=fields, version=version), batch.value))


def _by(schema: Schema, value: Data) -> Data:
    if not isinstance(value, Columns):
        return Rows(schema, value.rows().values)
    key = eager.same("key", None, dtype(schema.by_name["key"].schema), len(value))
    return Columns(schema, eager.put(value.frame, [key]))
