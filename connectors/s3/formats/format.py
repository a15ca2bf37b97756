"""What a file's bytes are made of: a format encodes batches, and its writers turn the encoded pieces into files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import accumulate, chain, pairwise
from secrets import token_bytes
from typing import Any, Protocol

import fastavro
import orjson
import polars as pl

from ferryman.connectors.s3.formats.compression import AVRO_CODECS
from ferryman.connectors.s3.formats.frame import frame
from ferryman.connectors.s3.formats.parquet import CODECS, ParquetWriter
from ferryman.errors import DataError
from ferryman.formats.avro import columns_writer, rows_writer
from ferryman.formats.avro.rows_reader import parse
from ferryman.formats.avro.schemas.schema_writer import Writing, writing
from ferryman.formats.varint import long
from ferryman.record import Batch, Columns, Rows
from ferryman.schema import Schema

BLOCK_BYTES = 64 * 1024
"""Bytes of records in a block of an Avro file."""


class Writer(Protocol):
    """One file in the making. What its methods give is the file's bytes, in order."""

    @property
    def held_bytes(self) -> int:
        """Bytes in memory that are not encoded yet."""

    @property
    def state(self) -> int:
        """Bytes in memory besides."""

    def add(self, chunk: Any) -> bytes:
        """Takes encoded records; gives what can be written now."""

    def squeeze(self) -> bytes:
        """Encodes what is held."""

    def finish(self) -> bytes:
        """The file's end; nothing can follow."""


class Format(Protocol):
    """A kind of file."""

    def encode(self, batch: Batch, schema: Schema | None) -> Any:
        """The records' encoded pieces, a sequence or a frame, values read by this schema. Raises DataError."""

    def writer(self, schema: Schema | None) -> Writer:
        """Begins a file for records that were encoded with this schema."""


def select(encoded: Any, indices: Sequence[int]) -> Any:
    """Some of the encoded records, in order."""
    if isinstance(indices, range) and indices.step == 1:
        if isinstance(encoded, pl.DataFrame):
            return encoded.slice(indices.start, len(indices))
        return encoded if len(indices) == len(encoded) else encoded[indices.start : indices.stop]
    return encoded[indices] if isinstance(encoded, pl.DataFrame) else [encoded[index] for index in indices]


def split(encoded: Any, groups: Sequence[Sequence[int]]) -> list[Any]:
    """The encoded records of each group. Many small choices from a frame cost more than one that is cut afterwards."""
    if len(groups) < 2 or not isinstance(encoded, pl.DataFrame):
        return [select(encoded, indices) for indices in groups]
    ends = list(accumulate(map(len, groups), initial=0))
    frame = encoded[list(chain.from_iterable(groups))]
    return [frame.slice(start, stop - start) for start, stop in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class Parquet:
    """Parquet with a codec of parquet.codec."""

    codec: str

    @property
    def extension(self) -> str:
        """As Confluent's sink names its files."""
        return f"{CODECS[self.codec][1]}.parquet"

    def encode(self, batch: Batch, schema: Schema | None) -> pl.DataFrame:
        """The columns."""
        return frame(batch.value, schema)

    def writer(self, schema: Schema | None) -> ParquetWriter:
        """A file."""
        return ParquetWriter(self.codec, schema)


@dataclass(frozen=True)
class Avro:
    """Avro object container files with the schema that AvroConverter would register."""

    codec: str
    connect_meta_data: bool
    _known: dict[Schema, tuple[Writing, Any]] = field(default_factory=dict, compare=False, repr=False)

    def encode(self, batch: Batch, schema: Schema | None) -> list[bytes]:
        """Each record's body."""
        data = batch.value
        if isinstance(data, Columns) and data.schema == schema:
            found = columns_writer.encode(data, self._writing(schema)[0].plain, b"")
            if found is not None:
                return found
        return self.bodies(Rows(schema, data.rows().values))

    def bodies(self, rows: Rows) -> list[bytes]:
        """Each value's body. Raises DataError for a value that does not fit, or without a schema."""
        how, parsed = self._writing(rows.schema)
        together = None if rows.schema is None else rows_writer.encode(rows.values, rows.schema, how.plain, b"")
        if together is not None:
            return together
        out, ends = BytesIO(), [0]
        write, convert = fastavro.schemaless_writer, how.convert
        for value in rows.values:
            write(out, parsed, convert(value))
            ends.append(out.tell())
        data = out.getvalue()
        return [data[start:stop] for start, stop in pairwise(ends)]

    def writer(self, schema: Schema | None) -> "AvroWriter":
        """A file."""
        return AvroWriter(orjson.dumps(self._writing(schema)[0].registered), self.codec)

    def _writing(self, schema: Schema | None) -> tuple[Writing, Any]:
        if schema is None:
            raise DataError("Avro files need records with a schema (Avro, or JSON with schemas)")
        found = self._known.get(schema)
        if found is None:
            how = writing(schema, self.connect_meta_data)
            found = self._known[schema] = how, parse(how.plain)
        return found


class AvroWriter:
    """One Avro object container file."""

    state = 0

    def __init__(self, schema: bytes, codec: str) -> None:
        self._pack = AVRO_CODECS[codec]
        self._sync = token_bytes(16)
        self._bodies: list[bytes] = []
        meta = b"".join(
            [long(2)]
            + [long(len(part)) + part for part in (b"avro.schema", schema, b"avro.codec", codec.encode())]
            + [long(0)]
        )
        self._out = b"Obj\x01" + meta + self._sync
        self.held_bytes = 0

    def add(self, chunk: Any) -> bytes:
        """Takes bodies; gives what can be written now."""
        self._bodies += chunk
        self.held_bytes += sum(map(len, chunk))
        return self.squeeze() if self.held_bytes >= BLOCK_BYTES else b""

    def squeeze(self) -> bytes:
        """Writes a block of what is held."""
        out, self._out = self._out, b""
        if self._bodies:
            data = self._pack(b"".join(self._bodies))
            out += long(len(self._bodies)) + long(len(data)) + data + self._sync
            self._bodies, self.held_bytes = [], 0
        return out

    def finish(self) -> bytes:
        """The last block."""
        return self.squeeze()
