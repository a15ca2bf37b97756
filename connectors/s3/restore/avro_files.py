"""Avro object container files, block by block."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cramjam import DecompressionError, snappy, zstd

from ferryman.connectors.s3.restore.forms import RECORDS_AT_ONCE, BadItem
from ferryman.connectors.s3.restore.object_bytes import Damaged, ObjectBytes
from ferryman.connectors.s3.restore.unpacking import LARGEST_BLOCK_BYTES, Unpacked, UnpackedBytes, plain
from ferryman.errors import DataError
from ferryman.formats.avro.rows_reader import decode_block, parse_strictly, parse_text
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.record import Data

_Readable = ObjectBytes | UnpackedBytes
_MAGIC = b"Obj\x01"
_MOST_HEADER_BYTES = 16 * 1024 * 1024
"""Bytes of a header's entry; a longer one is taken for damage."""


def _inflated(data: bytes) -> bytes:
    return zlib.decompress(data, wbits=-15)


def _snappy(data: bytes) -> bytes:
    found = bytes(snappy.decompress_raw(data[:-4]))
    if zlib.crc32(found).to_bytes(4, "big") != data[-4:]:
        raise ValueError("the checksum does not match")
    return found


_CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _inflated,
    "bzip2": bz2.decompress,
    "snappy": _snappy,
    "xz": lzma.decompress,
    "zstandard": lambda data: bytes(zstd.decompress(data)),
}
_UNREADABLE = (DecompressionError, ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True, slots=True)
class AvroFiles:
    """Values with the schema that the file has, as AvroConverter reads it."""

    unpack: Callable[[ObjectBytes], Unpacked] = plain
    """For files that are compressed as a whole, as Aiven's sink can do; one that is not is read as it is."""

    def read(self, source: ObjectBytes, skip: int) -> Iterator[Data | BadItem]:
        """The values, block by block."""
        yield from _values(self._opened(source), skip)

    def _opened(self, source: ObjectBytes) -> _Readable:
        if self.unpack is plain or source.at(0, min(len(_MAGIC), source.size)) == _MAGIC:
            return source
        return UnpackedBytes(self.unpack(source))


def _values(source: _Readable, skip: int) -> Iterator[Data]:
    meta, sync = _header(source)
    codec = meta.get("avro.codec", b"null").decode("utf-8", "replace")
    if codec not in _CODECS:
        raise Damaged(f"its codec {codec[:40]!r} is not known")
    how = reading(_without_nulls(parse_text(meta.get("avro.schema", b"").decode("utf-8", "replace"))))
    parsed = parse_strictly(how.rows)
    for number, (count, data) in enumerate(_blocks(source, sync)):
        if skip >= count:
            skip -= count
            continue
        try:
            rows = decode_block(how, parsed, _CODECS[codec](data), count)
        except _UNREADABLE as error:
            raise Damaged(f"its block {number} cannot be unpacked: {error}") from None
        except DataError as error:
            raise Damaged(f"its block {number} cannot be read: {error}") from None
        for start in range(skip, count, RECORDS_AT_ONCE):
            yield rows.slice(start, min(count, start + RECORDS_AT_ONCE))
        skip = 0


def _without_nulls(schema: Any) -> Any:
    """A record without fields of nulls only, as Aiven's sink makes of headers where there are none: they take no bytes,
    and Connect has no type for them."""
    if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
        return schema
    return schema | {"fields": [each for each in schema["fields"] if each.get("type") != "null"]}


def _header(source: _Readable) -> tuple[dict[str, bytes], bytes]:
    if source.read(4) != _MAGIC:
        raise Damaged("it is not an Avro file")
    meta: dict[str, bytes] = {}
    while count := _long(source):
        if count < 0:
            count = -count
            _long(source)
        for _ in range(count):
            name = _exactly(source, _long(source), _MOST_HEADER_BYTES)
            meta[name.decode("utf-8", "replace")] = _exactly(source, _long(source), _MOST_HEADER_BYTES)
    return meta, _exactly(source, 16)


def _blocks(source: _Readable, sync: bytes) -> Iterator[tuple[int, bytes]]:
    while first := source.read(1):
        count = _long(source, first)
        size = _long(source)
        # A value may have no bytes, so the size does not bound the count.
        if not 0 <= count <= LARGEST_BLOCK_BYTES:
            raise Damaged(f"a block in it claims {count} values")
        data = _exactly(source, size)
        if _exactly(source, 16) != sync:
            raise Damaged("a block in it does not end where it should")
        yield count, data


def _exactly(source: _Readable, size: int, most: int = LARGEST_BLOCK_BYTES) -> bytes:
    if not 0 <= size <= most:
        raise Damaged(f"a part of it claims {size} bytes")
    found = source.read(size)
    if len(found) < size:
        raise Damaged(f"it is truncated: it ends {size - len(found)} bytes too early")
    return found


def _long(source: _Readable, first: bytes = b"") -> int:
    number = shift = 0
    byte = first or source.read(1)
    while byte:
        number |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return (number >> 1) ^ -(number & 1)
        shift += 7
        if shift > 63:
            raise Damaged("it has a length of more than 64 bits")
        byte = source.read(1)
    raise Damaged("it is truncated")
