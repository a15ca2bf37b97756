"""Files of another format that are compressed as a whole, as Aiven's sink does it with Avro's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.connectors.s3.formats.compression import Packer, Packing
from ferryman.connectors.s3.formats.format import Format, Writer
from ferryman.record import Batch
from ferryman.schema import Schema


@dataclass(frozen=True, slots=True)
class Packed:
    """A format, and what compresses its files."""

    form: Format
    packing: Packing

    def encode(self, batch: Batch, schema: Schema | None) -> Sequence[Any]:
        """The records as the format encodes them; what is compressed is the file."""
        found: Sequence[Any] = self.form.encode(batch, schema)
        return found

    def writer(self, schema: Schema | None) -> "PackedWriter":
        """A file."""
        return PackedWriter(self.form.writer(schema), self.packing())


@dataclass(slots=True)
class PackedWriter:
    """One compressed file."""

    inner: Writer
    packer: Packer

    @property
    def held_bytes(self) -> int:
        """Bytes in memory that writer and packer have not encoded yet."""
        return self.inner.held_bytes + self.packer.held_bytes

    @property
    def state(self) -> int:
        """Bytes in memory besides, of writer and packer together."""
        return self.inner.state + self.packer.state

    def add(self, chunk: Any) -> bytes:
        """What of it can be written now."""
        return self.packer.pack(self.inner.add(chunk))

    def squeeze(self) -> bytes:
        """What both hold, as far as it can be given before the end."""
        return self.packer.pack(self.inner.squeeze()) + self.packer.squeeze()

    def finish(self) -> bytes:
        """The ends of both."""
        return self.packer.pack(self.inner.finish()) + self.packer.finish()
