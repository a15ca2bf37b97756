"""Records out of the fields that Aiven's sink writes (format.output.fields): from JSON objects, and from csv."""

from base64 import b64decode
from binascii import Error
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from ferryman.connectors.s3.restore.records import Piece, Unpack
from ferryman.errors import DataError
from ferryman.java.texts import millis
from ferryman.record import Data, Header, Headers, Rows
from ferryman.schema import OPTIONAL_BYTES


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


def _piece(places: range, columns: dict[str, list[Any]]) -> Piece:
    nothing: list[Any] = [None] * len(places)
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
