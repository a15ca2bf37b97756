"""Parquet files written piece by piece: polars encodes some rows at a time, their row groups are joined to one file.

So a file of any length needs little memory: pieces that are encoded can be uploaded while the file still grows.
"""

from io import BytesIO
from typing import Any, Literal, cast

import polars as pl

from ferryman.connectors.s3.formats.thrift import I64, LIST, Struct, read_struct, write_struct
from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.schema import to_json
from ferryman.schema import Schema

PIECE_BYTES = 64 * 1024 * 1024
"""Bytes of a frame in memory that are encoded at once."""

COLUMN_BYTES = 1400
"""Bytes that each column of each frame takes besides its values, as measured."""

SCHEMA_KEY = "ferryman.schema"
"""Under which name in the footer the records' schema stands, in JSON as JsonConverter writes it: columns alone do not
tell names, versions, maps, and what may be null."""

_MAGIC = b"PAR1"
_Codec = Literal["uncompressed", "snappy", "gzip", "brotli", "lz4", "zstd"]
CODECS = {
    "none": ("uncompressed", ""),
    "uncompressed": ("uncompressed", ""),
    "snappy": ("snappy", ".snappy"),
    "gzip": ("gzip", ".gz"),
    "lz4": ("lz4", ".lz4"),
    "brotli": ("brotli", ".br"),
    "zstd": ("zstd", ".zstd"),
}
"""Our names and file extensions of the codecs that parquet.codec may name."""

# Field numbers of parquet.thrift.
_ROWS, _GROUPS = 3, 4
_COLUMNS, _GROUP_START, _ORDINAL = 1, 5, 7
_CHUNK_START, _CHUNK = 2, 3
_PAGE_INDEX = (4, 5, 6, 7)
_OFFSETS = (9, 10, 11, 14)


class ParquetWriter:
    """One file. Frames must all have the same schema."""

    def __init__(self, codec: str, schema: Schema | None = None) -> None:
        self._codec = cast(_Codec, CODECS[codec][0])
        self._noted = None if schema is None else {SCHEMA_KEY: printed(to_json(schema)).decode()}
        self._frames: list[pl.DataFrame] = []
        self._written = 0
        self._rows = 0
        self._footer: bytes | None = None
        # As bytes: the structs of a footer take thirty times as much, and there may be many files with many groups.
        self._groups: list[bytes] = []
        self.held_bytes = 0
        """Bytes in memory that are not encoded yet."""

    @property
    def state(self) -> int:
        """Bytes in memory besides."""
        return sum(map(len, self._groups))

    def add(self, frame: Any) -> bytes:
        """Takes rows; gives what can be written now."""
        self._frames.append(frame)
        self.held_bytes += int(frame.estimated_size()) + COLUMN_BYTES * frame.width
        return self.squeeze() if self.held_bytes >= PIECE_BYTES else b""

    def squeeze(self) -> bytes:
        """Encodes what is held."""
        return self._joined(self._encoded()) if self._frames else b""

    def finish(self) -> bytes:
        """The file's end."""
        if self._footer is None:
            return bytes(self._encoded())
        rest = self.squeeze()
        footer = write_struct(self._whole(self._footer))
        return rest + footer + len(footer).to_bytes(4, "little") + _MAGIC

    def _encoded(self) -> memoryview:
        frame = pl.concat(self._frames, rechunk=True) if len(self._frames) > 1 else self._frames[0]
        self._frames, self.held_bytes = [], 0
        out = BytesIO()
        frame.write_parquet(out, compression=self._codec, metadata=self._noted)
        return out.getbuffer()

    def _joined(self, file: memoryview) -> bytes:
        length = int.from_bytes(file[-8:-4], "little")
        footer = read_struct(bytes(file[-8 - length : -8]))
        start = 0 if self._footer is None else len(_MAGIC)
        body = bytes(file[start : -8 - length])
        _shift(footer, self._written - start)
        self._written += len(body)
        self._rows += footer[_ROWS][1]
        kind, groups = footer[_GROUPS][1]
        self._groups += map(write_struct, groups)
        if self._footer is None:
            self._footer = write_struct(footer | {_GROUPS: (LIST, (kind, []))})
        return body

    def _whole(self, first: bytes) -> Struct:
        footer = read_struct(first)
        kind, _ = footer[_GROUPS][1]
        groups = list(map(read_struct, self._groups))
        for ordinal, group in enumerate(groups):
            if _ORDINAL in group:
                group[_ORDINAL] = group[_ORDINAL][0], min(ordinal, 32_767)
        return footer | {_GROUPS: (LIST, (kind, groups)), _ROWS: (I64, self._rows)}


def _shift(footer: Struct, distance: int) -> None:
    """Moves all positions in a footer. Indexes of pages hold positions themselves and are left out."""
    for group in footer[_GROUPS][1][1]:
        _move(group, _GROUP_START, distance)
        for column in group[_COLUMNS][1][1]:
            _move(column, _CHUNK_START, distance)
            for number in _PAGE_INDEX:
                column.pop(number, None)
            for number in _OFFSETS:
                _move(column[_CHUNK][1], number, distance)


def _move(fields: Struct, number: int, distance: int) -> None:
    if number in fields and fields[number][1] > 0:
        fields[number] = fields[number][0], fields[number][1] + distance
