"""Records out of the fields that Aiven's sink writes (format.output.fields): from JSON objects, structs, and csv."""

from base64 import b64decode
from binascii import Error
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ferryman.connectors.s3.restore.records import Piece, Unpack
from ferryman.errors import DataError
from ferryman.java.texts import millis
from ferryman.record import Data, Header, Headers, Rows
from ferryman.schema import OPTIONAL_BYTES, Schema, Type

_WRAPPER = "connector_records"
"""What Aiven's sink calls the structs that it makes itself."""


def of_objects(fields: Sequence[str], envelope: bool) -> Unpack:
    """What reads records from JSON: objects of these fields, or without an envelope the one field itself."""

    def unpack(data: Data, places: range) -> Piece:
        rows = data.rows().values
        if not envelope:
            rows = [{fields[0]: value} for value in rows]
        if not all(value.__class__ is dict for value in rows):
            raise DataError("it is not an object with the fields of format.output.fields")
        columns = {name: [value.get(name) for value in rows] for name in fields}
        return _piece(places, columns)

    return unpack


def of_structs(fields: Sequence[str], envelope: bool) -> Unpack:
    """What reads records from Avro and Parquet: structs of these fields, or without an envelope the one field itself,
    in a struct of its own only if it is none."""

    def unpack(data: Data, places: range) -> Piece:
        rows = data.rows()
        if not envelope and not _is_wrapped(rows.schema, fields[0]):
            parts = {fields[0]: rows}
        else:
            parts = {name: _member(rows, name) for name in fields}
        columns = {name: part.values for name, part in parts.items() if name in ("offset", "timestamp")}
        headers = parts.get("headers")
        nothing = Rows(None, [None] * len(rows))
        return replace(
            _piece(places, columns),
            value=parts.get("value", nothing),
            key=parts.get("key", nothing),
            headers=None if headers is None else _headers_by_name(headers),
        )

    return unpack


def _is_wrapped(schema: Schema | None, field: str) -> bool:
    return (
        schema is not None
        and (schema.name or "").rpartition(".")[2] == _WRAPPER
        and [each.name for each in schema.fields] == [field]
    )


def _member(rows: Rows, name: str) -> Rows:
    schema = rows.schema
    if schema is None or schema.type is not Type.STRUCT:
        raise DataError("it is not a record with the fields of format.output.fields")
    if name in schema.by_name:
        return Rows(schema.by_name[name].schema, [value[name] for value in rows.values])
    if name != "headers":
        raise DataError(f"it has no field {name}, which format.output.fields lists")
    # Where the first record of a file has no headers, the sink makes a field of nulls of them, which nothing can read.
    return Rows(None, [None] * len(rows))


def _headers_by_name(rows: Rows) -> list[Headers]:
    schema = None if rows.schema is None else rows.schema.values
    if not all(value is None or value.__class__ is dict for value in rows.values):
        raise DataError("its headers are not a map")
    return [tuple(Header(str(key), item, schema) for key, item in (value or {}).items()) for value in rows.values]


def _piece(places: range, columns: Mapping[str, Sequence[Any]]) -> Piece:
    nothing = [None] * len(places)
    headers, times, offsets = columns.get("headers"), columns.get("timestamp"), columns.get("offset")
    if offsets is not None and not all(each.__class__ is int for each in offsets):
        raise DataError("its offset is not a number")
    return Piece(
        places,
        Rows(None, columns.get("value", nothing)),
        Rows(None, columns.get("key", nothing)),
        None if headers is None else [_headers(each) for each in headers],
        None if times is None else [_time(each) for each in times],
        offsets,
    )


def _headers(found: Any) -> Headers:
    try:
        return tuple(Header(str(each["key"]), each["value"]) for each in found or ())
    except (TypeError, KeyError):
        raise DataError("its headers are not a list of keys and values") from None


def _time(value: Any) -> int | None:
    if value is None or value.__class__ is int:
        return value
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise DataError("its timestamp is not valid") from None
    return millis(found if found.tzinfo else found.replace(tzinfo=UTC))


def of_csv(fields: Sequence[str], base64_values: bool) -> Unpack:
    """What reads records from lines of csv: keys, headers and (unless plain) values in base64, as bytes.

    A plain value may have commas: what lies between the other fields is its own.
    """
    before = fields.index("value") if "value" in fields else len(fields)
    after = len(fields) - before - 1 if "value" in fields else 0

    def cells(line: bytes) -> list[bytes]:
        head = line.split(b",", before)
        found = head[:-1] + head[-1].rsplit(b",", after) if after else head
        if len(found) != len(fields):
            raise DataError(f"it has {len(found)} fields, not the {len(fields)} of format.output.fields")
        return found

    def unpack(data: Data, places: range) -> Piece:
        rows = [dict(zip(fields, cells(line), strict=True)) for line in data.rows().values]
        columns = {name: [_cell(name, row[name], base64_values) for row in rows] for name in fields}
        headers = columns.pop("headers", None)
        found = _piece(places, columns)
        return Piece(
            places,
            Rows(OPTIONAL_BYTES, found.value.rows().values),
            Rows(OPTIONAL_BYTES, found.key.values),
            headers,
            found.timestamps,
            found.offsets,
        )

    return unpack


def _cell(name: str, text: bytes, base64_values: bool) -> Any:
    try:
        match name:
            # An empty key or value and none look the same; none is what is usual: no key, a tombstone.
            case "key":
                return b64decode(text, validate=True) if text else None
            case "value":
                return (b64decode(text, validate=True) if base64_values else text) or None
            case "offset":
                return int(text)
            case "timestamp":
                return int(text) if text else None
            case _:
                return tuple(_header(each) for each in text.split(b";") if each)
    except (Error, ValueError):
        raise DataError(f"its field {name} is not as Aiven's sink writes it") from None


def _header(text: bytes) -> Header:
    key, colon, value = text.partition(b":")
    if not colon:
        raise ValueError(text)
    return Header(b64decode(key, validate=True).decode(), b64decode(value, validate=True), OPTIONAL_BYTES)
