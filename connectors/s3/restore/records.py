"""Records as they were: keys, values, headers, timestamps and offsets, put together from what the archive has."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ferryman.connectors.s3.restore.forms import BadItem
from ferryman.connectors.s3.restore.object_bytes import Damaged
from ferryman.errors import DataError
from ferryman.java.texts import millis
from ferryman.record import Data, Header, Headers, Rows
from ferryman.schema import OPTIONAL_BYTES, STRING, Schema, Type

ENVELOPE = ("key", "value", "headers", "topic", "partition", "offset", "timestamp")
"""The fields of ``store.envelope=true``."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some records of one object, in order; sequences of equal length, None where the archive does not tell.

    Keys and values may be null whatever their schema.
    """

    indices: Sequence[int]
    """Their places in the object, from 0."""
    value: Data
    key: Rows
    headers: Sequence[Headers] | None = None
    timestamps: Sequence[int | None] | None = None
    offsets: Sequence[int] | None = None
    """Where in their partition they were."""

    def __len__(self) -> int:
        return len(self.indices)

    def slice(self, start: int, stop: int) -> "Piece":
        """The records from start up to stop."""
        return Piece(
            self.indices[start:stop],
            self.value.slice(start, stop),
            self.key.slice(start, stop),
            None if self.headers is None else self.headers[start:stop],
            None if self.timestamps is None else self.timestamps[start:stop],
            None if self.offsets is None else self.offsets[start:stop],
        )

    def take(self, places: Sequence[int]) -> "Piece":
        """The records at these places."""
        return Piece(
            [self.indices[at] for at in places],
            self.value.take(places),
            self.key.take(places),
            None if self.headers is None else [self.headers[at] for at in places],
            None if self.timestamps is None else [self.timestamps[at] for at in places],
            None if self.offsets is None else [self.offsets[at] for at in places],
        )


class BadRecord(NamedTuple):
    """A record that cannot be read, by its place in the object."""

    at: int
    error: DataError


Pieces = Iterator[Piece | BadRecord]
Read = Iterator[Data | BadItem]
Unpack = Callable[[Data, range], Piece]
"""Makes records of what a form has read, given their places. Raises DataError if one of them is not as it should be."""


def bare(data: Data, places: range) -> Piece:
    """Values alone."""
    return Piece(places, data, Rows(None, [None] * len(data)))


def of_object(name: str) -> Unpack:
    """Values with the object's name as their key, as Aiven's source has them."""
    key = name.encode()
    return lambda data, places: replace(bare(data, places), key=Rows(None, [key] * len(data)))


def tombstones(data: Data, places: range) -> Piece:
    """Keys without values."""
    return Piece(places, Rows(None, [None] * len(data)), unwrapped(data.rows(), "key"))


def unwrapped(rows: Rows, field: str) -> Rows:
    """A column of structs of one field, as Parquet has keys, as that field; other rows as they are."""
    schema = rows.schema
    if schema is None or schema.type is not Type.STRUCT or [each.name for each in schema.fields] != [field]:
        return rows
    return Rows(schema.by_name[field].schema, [value[field] for value in rows.values])


def headers_of(rows: Rows) -> list[Headers]:
    """What a file of headers has of each record: a list of key and value, or a struct around it. Raises DataError."""
    return [_headers(value["headers"] if isinstance(value, dict) else value) for value in rows.values]


def _headers(found: Any) -> Headers:
    try:
        return tuple(_header(each["key"], each["value"], each.get("bytes")) for each in found or ())
    except (TypeError, KeyError, AttributeError):
        raise DataError("its headers are not a list of keys and values") from None


def _header(key: Any, value: Any, data: Any) -> Header:
    if key.__class__ is not str:
        raise DataError("the key of a header is not a string")
    if data is not None:
        return Header(key, _bytes(data, f"the header {key}"), OPTIONAL_BYTES)
    return Header(key, value, STRING if value.__class__ is str else None)


def _bytes(value: Any, what: str) -> bytes | None:
    """Bytes, which JSON has in base64."""
    if value is None or value.__class__ is bytes:
        return value
    try:
        return b64decode(value, validate=True)
    except (TypeError, ValueError):
        raise DataError(f"{what} is marked as bytes, and is not in base64") from None


def enveloped(data: Data, places: range) -> Piece:
    """What the sink's envelope holds. Raises DataError for a record that is none, or where what is bytes differs."""
    rows = data.rows()
    if not all(value.__class__ is dict and value.keys() >= set(ENVELOPE) for value in rows.values):
        raise DataError("it is not an envelope: set store.envelope=false, or leave such objects out by folders")
    return Piece(
        places,
        _member(rows, "value"),
        _member(rows, "key"),
        [_headers(value["headers"]) for value in rows.values],
        [_time(value["timestamp"]) for value in rows.values],
        [_whole(value["offset"]) for value in rows.values],
    )


def _member(rows: Rows, field: str) -> Rows:
    """The keys or values of envelopes."""
    values = [value[field] for value in rows.values]
    if (schema := _within(rows.schema, field)) is not None:
        return Rows(schema, values)
    marked = {field in _marks(value.get("base64")) for value in rows.values}
    if marked == {True}:
        return Rows(OPTIONAL_BYTES, [_bytes(value, f"its {field}") for value in values])
    if True in marked:
        raise DataError(f"not every {field} is bytes")
    return Rows(None, values)


def _marks(found: Any) -> Sequence[Any]:
    return found if found.__class__ is list else ()


def _within(schema: Schema | None, field: str) -> Schema | None:
    # The envelope made it optional, for tombstones.
    return None if schema is None else schema.by_name[field].schema.as_optional(False)


def _whole(value: Any) -> int:
    if value.__class__ is not int:
        raise DataError("its offset is not a number")
    return int(value)


def _time(value: Any) -> int | None:
    if value is None or value.__class__ is int:
        return value
    try:
        return millis(value)
    except (TypeError, AttributeError):
        raise DataError("its timestamp is not valid") from None


def unpacked(read: Read, unpack: Unpack, skip: int) -> Pieces:
    """The records of an object from the one at ``skip`` on. What cannot be unpacked is looked at one by one."""
    at = skip
    for found in read:
        if isinstance(found, BadItem):
            yield BadRecord(at, found.error)
            at += 1
            continue
        places = range(at, at + len(found))
        try:
            yield unpack(found, places)
        except DataError:
            yield from _singly(found, places, unpack)
        at = places.stop


def _singly(data: Data, places: range, unpack: Unpack) -> Pieces:
    for number, place in enumerate(places):
        try:
            yield unpack(data.slice(number, number + 1), range(place, place + 1))
        except DataError as error:
            yield BadRecord(place, error)


class Side:
    """An object beside that of the values, of which as much is taken as there are values."""

    def __init__(self, name: str, read: Read) -> None:
        self._name, self._read = name, read
        self._held: list[Rows] = []

    def take(self, count: int) -> list[Rows]:
        """The next so many, as they were read. Raises Damaged if there are not so many, or one cannot be read."""
        found = list[Rows]()
        while count:
            if not self._held:
                self._held = [self._next()]
            rows = self._held.pop()
            if len(rows) > count:
                self._held.append(rows.slice(count, len(rows)))
                rows = rows.slice(0, count)
            found.append(rows)
            count -= len(rows)
        return found

    def end(self) -> None:
        """Raises Damaged if there are more of them than values."""
        if self._held or next(self._read, None) is not None:
            raise Damaged(f"{self._name} has more records than the object of the values")

    def _next(self) -> Rows:
        found = next(self._read, None)
        if found is None:
            raise Damaged(f"{self._name} has fewer records than the object of the values")
        if isinstance(found, BadItem):
            raise Damaged(f"{self._name} cannot be read: {found.error}")
        return found.rows()


def with_sides(pieces: Pieces, keys: Side | None, headers: Side | None) -> Pieces:
    """Values with the keys and headers of the objects beside them. Raises Damaged where these do not fit."""
    for piece in pieces:
        if isinstance(piece, BadRecord):
            for side in filter(None, (keys, headers)):
                side.take(1)
            yield piece
            continue
        yield from _with_sides(piece, keys, headers)
    for side in filter(None, (keys, headers)):
        side.end()


def _with_sides(piece: Piece, keys: Side | None, headers: Side | None) -> Iterator[Piece]:
    if headers is not None:
        found = headers.take(len(piece))
        piece = replace(piece, headers=[each for rows in found for each in headers_of(rows)])
    if keys is None:
        yield piece
        return
    at = 0
    for rows in keys.take(len(piece)):
        part = piece.slice(at, at + len(rows))
        yield replace(part, key=unwrapped(rows, "key"))
        at += len(rows)
