"""Compressed objects as the bytes that were compressed, piece by piece: gzip, and Aiven's snappy and zstd."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cramjam import DecompressionError, snappy, zstd

from ferryman.connectors.s3.restore.object_bytes import Damaged, ObjectBytes

PIECE_BYTES = 256 * 1024
"""Bytes at once, about."""
LARGEST_BLOCK_BYTES = 512 * 1024 * 1024
"""Bytes of a block that must be in memory as a whole; a larger one is taken for damage."""
_SNAPPY_MAGIC = b"\x82SNAPPY\x00"
_ZSTD_MAGIC = 0xFD2FB528
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
Unpacked = Iterator[bytes]


def plain(source: ObjectBytes) -> Unpacked:
    """The bytes as they are."""
    while piece := source.read(PIECE_BYTES):
        yield piece


def gzip(source: ObjectBytes) -> Unpacked:
    """The bytes of all members. Raises Damaged for what is no gzip, or cut, or fails its checksum."""
    stream: Any = None
    for piece in plain(source):
        rest = piece
        while rest:
            stream = stream or zlib.decompressobj(31)
            try:
                found = stream.decompress(rest, PIECE_BYTES)
            except zlib.error as error:
                raise Damaged(f"its gzip is damaged: {error}") from None
            if found:
                yield found
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            if stream.eof:
                stream = None
                rest = rest.lstrip(b"\x00")
    if stream is not None:
        raise Damaged("its gzip data is truncated")


def snappy_blocks(source: ObjectBytes) -> Unpacked:
    """What snappy-java's SnappyOutputStream wrote: blocks of raw Snappy with their lengths before them. Raises
    Damaged."""
    if source.size == 0:
        return
    if not source.read(16).startswith(_SNAPPY_MAGIC):
        raise Damaged("it is not a snappy-java stream")
    while head := source.read(4):
        if head == _SNAPPY_MAGIC[:4]:
            # Streams may stand one behind the other.
            _exactly(source, 12)
            continue
        packed = _exactly(source, _checked(int.from_bytes(head, "big")))
        try:
            _checked(snappy.decompress_raw_len(packed))
            yield bytes(snappy.decompress_raw(packed))
        except (DecompressionError, ValueError, OSError) as error:
            raise Damaged(f"its Snappy is damaged: {error}") from None


def zstd_frames(source: ObjectBytes) -> Unpacked:
    """The content of frames, each whole (RFC 8878, 3.1). Raises Damaged."""
    while head := source.read(4):
        magic = int.from_bytes(head, "little")
        if magic in _SKIPPABLE:
            _exactly(source, _checked(int.from_bytes(_exactly(source, 4), "little")))
        elif magic == _ZSTD_MAGIC:
            frame = head + _frame(source)
            try:
                yield bytes(zstd.decompress(frame))
            except (DecompressionError, ValueError, OSError) as error:
                raise Damaged(f"its Zstandard is damaged: {error}") from None
        else:
            raise Damaged("it is not Zstandard data")


def _frame(source: ObjectBytes) -> bytes:
    """The rest of a frame, from its header's descriptor to its checksum."""
    descriptor = _exactly(source, 1)
    flags = descriptor[0]
    single = flags >> 5 & 1
    size = (1 if single else 0, 2, 4, 8)[flags >> 6] + (0, 1, 2, 4)[flags & 3] + (0 if single else 1)
    parts, total = [descriptor, _exactly(source, size)], 0
    while True:
        head = _exactly(source, 3)
        number = int.from_bytes(head, "little")
        length = 1 if number >> 1 & 3 == 1 else number >> 3
        total = _checked(total + length)
        parts += [head, _exactly(source, length)]
        if number & 1:
            return b"".join([*parts, _exactly(source, 4 if flags & 4 else 0)])


class UnpackedBytes:
    """What was compressed, read on as an object is that was not."""

    def __init__(self, pieces: Unpacked) -> None:
        self._pieces = pieces
        self._held = bytearray()

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end only. Raises what the pieces raise."""
        while len(self._held) < size and (piece := next(self._pieces, None)) is not None:
            self._held += piece
        found = bytes(self._held[:size])
        del self._held[:size]
        return found


def _exactly(source: ObjectBytes, size: int) -> bytes:
    found = source.read(size)
    if len(found) < size:
        raise Damaged(f"it is truncated: it ends {size - len(found)} bytes too early")
    return found


def _checked(size: int) -> int:
    if size > LARGEST_BLOCK_BYTES:
        raise Damaged(f"a block in it claims {size} bytes")
    return size


UNPACKING: Mapping[str, Callable[[ObjectBytes], Unpacked]] = {
    "none": plain,
    "gzip": gzip,
    "snappy": snappy_blocks,
    "zstd": zstd_frames,
}
"""By the names of Aiven's file.compression.type."""
