"""A file in the making: records go in, parts of a multipart upload come out; it is invisible until that is
completed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from re import compile as compiled
from secrets import token_hex
from typing import Any

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone
from ferryman.connectors.s3.commit.offset_runs import Offsets
from ferryman.connectors.s3.config.object_names import Destination, segment
from ferryman.connectors.s3.formats.format import Writer
from ferryman.errors import Indeterminate
from ferryman.record import TopicPartition
from ferryman.schema import Schema

SMALLEST_PART_BYTES = 5 * 1024 * 1024
"""Bytes in every part of an upload but its last, at least, by S3's rules."""
NONCE = "ferryman-file"
"""The metadata by which an object names the upload it came from."""
_EXTENSION = compiled(r"(\.[A-Za-z]\w*)*$")


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a file before its first record: whose it is, of which partition, what its object is called."""

    connector: str
    """The connector's name."""
    source: TopicPartition
    """The Kafka partition whose records it holds."""
    key: Callable[[int], str]
    """The object's key by the offset of its first record."""
    series: str
    """What the nonces of files that are closed together begin with, so that files beside each other stay so."""


@dataclass
class Upload:
    """A multipart upload that is left open. Its key is final when it begins: a taken name gets an addition."""

    key: str
    """The object's key."""
    nonce: str
    """Tells the object of this upload from any other of that key."""
    id: str | None = None
    """The server's id; None until the first part is due."""
    etags: list[str] = field(default_factory=list)
    """What the server called the parts so far."""

    def begin(self, bucket: Bucket, metadata: dict[str, str]) -> str:
        """Opens it unless it is open."""
        if self.id is None:
            if bucket.metadata(self.key) is not None:
                self.key = with_addition(self.key, self.nonce[:8])
            self.id = bucket.begin(self.key, {NONCE: self.nonce, **metadata})
        return self.id

    def send(self, bucket: Bucket, data: bytes) -> None:
        """Uploads the next part. Raises Indeterminate if somebody has aborted the upload: the file is lost."""
        assert self.id is not None
        try:
            self.etags.append(bucket.part(self.key, self.id, len(self.etags) + 1, data))
        except Gone:
            raise Indeterminate(f"The open upload of {self.key} was aborted; its records are read again") from None


def with_addition(key: str, addition: str) -> str:
    """The key with an addition before its extension: ``a/b.json`` becomes ``a/b~addition.json``."""
    start = _EXTENSION.search(key)
    assert start is not None
    return f"{key[: start.start()]}~{addition}{key[start.start() :]}"


@dataclass
class File:
    """One file on its way from records to an upload."""

    identity: Identity
    """Whose it is."""
    destination: Destination
    """Which records it takes."""
    schema: Schema | None
    """The schema by which all its records are written."""
    writer: Writer
    """Turns encoded records into the file's bytes."""
    offsets: Offsets = field(default_factory=Offsets)
    """The records that went in."""
    buffer: bytearray = field(default_factory=bytearray)
    """Bytes of it that are not uploaded yet."""
    upload: Upload | None = None
    """Where its parts go; None until there are enough bytes for one."""
    finished: bool = False
    """Whether its end is written, to ``buffer`` at least."""
    closed: bool = False
    """Whether everything is uploaded."""
    _sent: int = 0
    """Bytes that are uploaded."""

    def add(self, chunk: Any, offsets: Sequence[int]) -> None:
        """Takes encoded records."""
        self.buffer += self.writer.add(chunk)
        self.offsets.add(offsets)

    @property
    def size(self) -> int:
        """Bytes so far; those that are not encoded yet count as they are in memory."""
        return self._sent + len(self.buffer) + self.writer.held_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes in memory."""
        return len(self.buffer) + self.writer.held_bytes + self.writer.state + self.offsets.held_bytes

    def squeeze(self) -> None:
        """Encodes what is held, so that it needs less memory or can be uploaded."""
        self.buffer += self.writer.squeeze()

    def send(self, bucket: Bucket, size: int) -> None:
        """Uploads as many parts of that size as there are."""
        while len(self.buffer) >= size:
            self._send(bucket, size)

    def send_all(self, bucket: Bucket) -> None:
        """Uploads what is there as one part, which must not be too small."""
        self._send(bucket, len(self.buffer))

    def finish(self) -> None:
        """Writes its end."""
        if not self.finished:
            self.buffer += self.writer.finish()
            self.finished = True

    def close(self, bucket: Bucket, size: int) -> None:
        """Uploads the rest. May be called again after an error."""
        self.finish()
        self.send(bucket, max(size, SMALLEST_PART_BYTES))
        if self.buffer or self.upload is None:
            self._send(bucket, len(self.buffer))
        self.closed = True

    def abort(self, bucket: Bucket) -> None:
        """Throws its upload away."""
        if self.upload is not None and self.upload.id is not None:
            bucket.abort(self.upload.key, self.upload.id)

    def _send(self, bucket: Bucket, size: int) -> None:
        if self.upload is None:
            self.upload = Upload(self.identity.key(self.offsets.first), self.identity.series + token_hex(8))
        self.upload.begin(bucket, self._metadata())
        self.upload.send(bucket, bytes(self.buffer[:size]))
        del self.buffer[:size]
        self._sent += size

    def _metadata(self) -> dict[str, str]:
        last = {"ferryman-last-offset": str(self.offsets.last)} if self.finished else {}
        return {
            "ferryman-connector": segment(self.identity.connector),
            "ferryman-partition": str(self.identity.source),
            "ferryman-first-offset": str(self.offsets.first),
            **last,
        }
