"""Avro messages decoded strictly and with a limit to their depth: records that contain themselves, and doubtful ones.

fastavro's compiled reader ends the process with a few thousand levels, so it never sees such data.
"""

import struct as binary
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from ferryman.errors import DataError
from ferryman.java.texts import moment

MAX_DEPTH = 100
"""How deep records, arrays and maps may be nested, as in Avro's own readers."""
_EPOCH_DAY = date(1970, 1, 1)
_LONG = (1 << 64) - 1


class Cursor:
    """A place in a message. Its methods raise DataError where the message ends too early."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self.depth = 0

    def take(self, count: int) -> bytes:
        """The next bytes, this many. Raises DataError if the data ends before."""
        stop = self.at + count
        if count < 0 or stop > len(self.data):
            raise DataError(f"The data ends at byte {len(self.data)}, before a value of {count} bytes")
        found = self.data[self.at : stop]
        self.at = stop
        return found

    def long(self) -> int:
        """An integer of variable length."""
        number = shift = 0
        while True:
            (byte,) = self.take(1)
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                number &= _LONG
                return (number >> 1) ^ -(number & 1)
            shift += 7
            if shift > 63:
                raise DataError("The data has an integer of more than 64 bits")

    def block(self) -> int:
        """How many items a block of an array or map says it has; none at the end."""
        count = self.long()
        if count < 0:
            if self.long() < 0:
                raise DataError("The data has a block of a negative length")
            count = -count
        if count > len(self.data) - self.at:
            raise DataError(f"The data claims {count} items in {len(self.data) - self.at} bytes")
        return count


Decode = Callable[[Cursor], Any]


def decoder(spelled: Any) -> Callable[[bytes], tuple[Any, int]]:
    """What decodes a message of the rows' spelling of a schema (see ferryman.avro): the value, and where it ends."""
    read = _compiled(spelled, {})

    def decode(body: bytes) -> tuple[Any, int]:
        cursor = Cursor(body)
        return read(cursor), cursor.at

    return decode


def sequence(spelled: Any) -> Callable[[bytes, int], tuple[list[Any], int]]:
    """What decodes so many values one behind the other, as in a block of a file: the values, and where they end."""
    read = _compiled(spelled, {})

    def decode(data: bytes, count: int) -> tuple[list[Any], int]:
        cursor = Cursor(data)
        return [read(cursor) for _ in range(count)], cursor.at

    return decode


_SCALARS: dict[str, Decode] = {
    "null": lambda cursor: None,
    "boolean": lambda cursor: cursor.take(1) != b"\x00",
    "int": Cursor.long,
    "long": Cursor.long,
    "float": lambda cursor: binary.unpack("<f", cursor.take(4))[0],
    "double": lambda cursor: binary.unpack("<d", cursor.take(8))[0],
    "bytes": lambda cursor: cursor.take(cursor.long()),
    "string": lambda cursor: cursor.take(cursor.long()).decode(),
}
_LOGICAL: dict[str, Callable[[int], Any]] = {
    "date": lambda days: _EPOCH_DAY + timedelta(days=days),
    "timestamp-millis": moment,
}


def _compiled(node: Any, named: dict[str, Decode]) -> Decode:
    if isinstance(node, list):
        return _union(node, named)
    if isinstance(node, str):
        return _SCALARS[node] if node in _SCALARS else lambda cursor: named[node](cursor)
    match node["type"]:
        case "record":
            return _record(node, named)
        case "array":
            return _deeper(_array(_compiled(node["items"], named)))
        case "map":
            return _deeper(_map(_compiled(node["values"], named)))
        case "fixed":
            size = node["size"]
            return lambda cursor: cursor.take(size)
        case kind:
            read, convert = _SCALARS[kind], _LOGICAL.get(node.get("logicalType", ""))
            return read if convert is None else lambda cursor: convert(read(cursor))


def _deeper(read: Decode) -> Decode:
    def limited(cursor: Cursor) -> Any:
        if cursor.depth == MAX_DEPTH:
            raise DataError(f"The data is nested more than {MAX_DEPTH} levels deep")
        cursor.depth += 1
        found = read(cursor)
        cursor.depth -= 1
        return found

    return limited


def _record(node: dict[str, Any], named: dict[str, Decode]) -> Decode:
    members: list[tuple[str, Decode]] = []
    found = named[node["name"]] = _deeper(lambda cursor: {name: read(cursor) for name, read in members})
    members += [(field["name"], _compiled(field["type"], named)) for field in node["fields"]]
    return found


def _array(item: Decode) -> Decode:
    def read(cursor: Cursor) -> list[Any]:
        found: list[Any] = []
        while count := cursor.block():
            found += [item(cursor) for _ in range(count)]
        return found

    return read


def _map(item: Decode) -> Decode:
    def read(cursor: Cursor) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while count := cursor.block():
            for _ in range(count):
                name = _SCALARS["string"](cursor)
                found[name] = item(cursor)
        return found

    return read


def _union(nodes: list[Any], named: dict[str, Decode]) -> Decode:
    branches = [_compiled(node, named) for node in nodes]
    # As fastavro: with several records among them, a value says which it is of.
    names = [node["name"] if isinstance(node, dict) and node["type"] == "record" else None for node in nodes]
    several = sum(name is not None for name in names) > 1

    def read(cursor: Cursor) -> Any:
        place = cursor.long()
        if not 0 <= place < len(branches):
            raise DataError(f"A union of {len(branches)} types has no type number {place}")
        found = branches[place](cursor)
        return (names[place], found) if several and names[place] is not None else found

    return read
