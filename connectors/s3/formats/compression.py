"""Compression: of text files while they grow (gzip, and Aiven's snappy and zstd), and of the blocks of Avro files."""

import zlib
from bz2 import compress as bzip2
from collections.abc import Callable, Mapping
from typing import Protocol

from cramjam import snappy, zstd

_SNAPPY_HEAD = b"\x82SNAPPY\x00" + (1).to_bytes(4, "big") * 2
"""Magic, version and oldest compatible version of the stream of snappy-java's SnappyOutputStream."""
_SNAPPY_BLOCK = 32 * 1024
_ZSTD_FRAME = 256 * 1024
_ZLIB_STATE = 256 * 1024


class Packer(Protocol):
    """Compresses one file as it grows."""

    @property
    def held_bytes(self) -> int:
        """Bytes that are not compressed yet."""

    @property
    def state(self) -> int:
        """Bytes in memory besides."""

    def pack(self, data: bytes) -> bytes:
        """Takes bytes; gives what can be written now."""

    def squeeze(self) -> bytes:
        """What is held, as far as it can be compressed before the end."""

    def finish(self) -> bytes:
        """The end."""


Packing = Callable[[], Packer]
"""Begins a file."""


class _Gzip:
    held_bytes, state = 0, _ZLIB_STATE

    def __init__(self, level: int) -> None:
        self._stream = zlib.compressobj(level, zlib.DEFLATED, 31)

    def pack(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def squeeze(self) -> bytes:
        return b""

    def finish(self) -> bytes:
        return self._stream.flush()


class _Blocks:
    """Blocks that are compressed each for itself, so that an open file needs no state."""

    state = 0

    def __init__(self, size: int, compress: Callable[[bytes], bytes], head: bytes = b"") -> None:
        self._size, self._compress, self._out = size, compress, head
        self._waiting = bytearray()

    @property
    def held_bytes(self) -> int:
        return len(self._waiting)

    def pack(self, data: bytes) -> bytes:
        self._waiting += data
        whole = len(self._waiting) // self._size * self._size
        return self._packed(whole) if whole else b""

    def squeeze(self) -> bytes:
        return self._packed(len(self._waiting))

    def finish(self) -> bytes:
        return self.squeeze()

    def _packed(self, length: int) -> bytes:
        data, out = bytes(self._waiting[:length]), self._out
        del self._waiting[:length]
        self._out = b""
        return out + b"".join(
            self._compress(data[start : start + self._size]) for start in range(0, length, self._size)
        )


def gzip(level: int = -1) -> Packing:
    """gzip with a level; -1 is zlib's default."""
    return lambda: _Gzip(level)


def snappy_stream() -> Packer:
    """What snappy-java's SnappyOutputStream writes: blocks of raw Snappy with their lengths before them."""
    return _Blocks(_SNAPPY_BLOCK, _snappy_block, _SNAPPY_HEAD)


def zstd_stream() -> Packer:
    """Zstandard frames, one behind the other, which readers take for one stream (RFC 8878, 3)."""
    return _Blocks(_ZSTD_FRAME, lambda data: bytes(zstd.compress(data)))


def _snappy_block(data: bytes) -> bytes:
    packed = bytes(snappy.compress_raw(data))
    return len(packed).to_bytes(4, "big") + packed


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def _avro_snappy(data: bytes) -> bytes:
    return bytes(snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")


AVRO_CODECS: Mapping[str, Callable[[bytes], bytes]] = {
    "null": bytes,
    "deflate": _deflated,
    "bzip2": bzip2,
    "snappy": _avro_snappy,
}
"""What avro.codec may name; as the Avro specification has it, Snappy's blocks end with the data's CRC-32."""
