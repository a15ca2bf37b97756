"""Thrift's compact protocol, as far as a Parquet footer needs it: structs read to plain values and written again.

A struct is a mapping of field number to (type, value); a list is (element type, values). Unknown fields survive.
"""

import struct
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
Struct = dict[int, tuple[int, Any]]


def read_struct(data: bytes) -> Struct:
    """The struct at the beginning of the bytes. Raises ValueError if there is none."""
    return _read_struct(BytesIO(data))


def write_struct(value: Struct) -> bytes:
    """The bytes of a struct."""
    out = bytearray()
    _write_struct(out, value)
    return bytes(out)


def _byte(stream: BytesIO) -> int:
    read = stream.read(1)
    if not read:
        raise ValueError("the footer ends too early")
    return read[0]


def _varint(stream: BytesIO) -> int:
    number = shift = 0
    while True:
        byte = _byte(stream)
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than 64 bits")


def _integer(stream: BytesIO) -> int:
    number = _varint(stream)
    return (number >> 1) ^ -(number & 1)


def _read_struct(stream: BytesIO) -> Struct:
    found: Struct = {}
    number = 0
    while header := _byte(stream):
        delta, kind = header >> 4, header & 0x0F
        number = number + delta if delta else _integer(stream)
        found[number] = kind, _read(stream, kind)
    return found


def _read_list(stream: BytesIO) -> tuple[int, list[Any]]:
    header = _byte(stream)
    size, kind = header >> 4, header & 0x0F
    if size == 15:
        size = _varint(stream)
    if kind in (TRUE, FALSE):
        return kind, [_byte(stream) for _ in range(size)]
    return kind, [_read(stream, kind) for _ in range(size)]


def _read(stream: BytesIO, kind: int) -> Any:
    match kind:
        case 1 | 2:
            return kind == TRUE
        case 3:
            return _byte(stream)
        case 4 | 5 | 6:
            return _integer(stream)
        case 7:
            return struct.unpack("<d", stream.read(8))[0]
        case 8:
            return stream.read(_varint(stream))
        case 9 | 10:
            return _read_list(stream)
        case 12:
            return _read_struct(stream)
    raise ValueError(f"the footer has a value of the unknown type {kind}")


def _put_varint(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _put_integer(out: bytearray, number: int) -> None:
    _put_varint(out, number << 1 if number >= 0 else (-number << 1) - 1)


def _write_struct(out: bytearray, value: Struct) -> None:
    last = 0
    for number, (kind, item) in sorted(value.items()):
        delta = number - last
        if 0 < delta < 16:
            out.append(delta << 4 | kind)
        else:
            out.append(kind)
            _put_integer(out, number)
        _write(out, kind, item)
        last = number
    out.append(0)


def _put_list(out: bytearray, kind: int, items: Sequence[Any]) -> None:
    if len(items) < 15:
        out.append(len(items) << 4 | kind)
    else:
        out.append(0xF0 | kind)
        _put_varint(out, len(items))
    put: Callable[[Any], None] = out.append if kind in (TRUE, FALSE) else lambda item: _write(out, kind, item)
    for item in items:
        put(item)


def _write(out: bytearray, kind: int, value: Any) -> None:
    match kind:
        case 1 | 2:
            pass
        case 3:
            out.append(value)
        case 4 | 5 | 6:
            _put_integer(out, value)
        case 7:
            out += struct.pack("<d", value)
        case 8:
            _put_varint(out, len(value))
            out += value
        case 9 | 10:
            _put_list(out, *value)
        case _:
            _write_struct(out, value)
