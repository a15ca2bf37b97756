"""An object's bytes, read in ranges, so that it may be larger than memory and an outage costs no more than a range."""

from collections.abc import Mapping

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, InTheWay, ListedObject
from ferryman.errors import DataError

RANGE_BYTES = 4 * 1024 * 1024
"""Bytes that are asked for at once."""
SMALLEST_RANGE_BYTES, MOST_HELD_BYTES = 64 * 1024, 64 * 1024 * 1024
"""The same where many objects are read at a time, and how many bytes may be held of all of them."""


def bytes_ahead(opened: int) -> int:
    """How many bytes of each of so many objects are asked for at once."""
    return max(SMALLEST_RANGE_BYTES, min(RANGE_BYTES, MOST_HELD_BYTES // max(1, opened)))


class Damaged(DataError):
    """An object that cannot be read on: it is cut, changed, gone, or not what its name says."""


EMPTY = "it has no record, although its name gives the offset of one"
"""What is wrong with an object that ends before it begins: sinks close none without a record."""


class ObjectBytes:
    """One object as it was listed. All methods raise RetriableError while the server is away, and Damaged if the object
    is gone or another one has its name."""

    def __init__(self, bucket: Bucket, listed: ListedObject, bytes_ahead: int = RANGE_BYTES) -> None:
        self._bucket, self._listed, self._ahead = bucket, listed, bytes_ahead
        self._at = 0
        self._held, self._held_at = b"", 0
        self._metadata: Mapping[str, str] = {}

    @property
    def size(self) -> int:
        """In bytes."""
        return self._listed.size

    @property
    def metadata(self) -> Mapping[str, str]:
        """The object's own; known after the first bytes."""
        return self._metadata

    def read(self, size: int) -> bytes:
        """The next bytes; fewer than asked for only at the end."""
        found = self.at(self._at, min(self._at + size, self.size))
        self._at += len(found)
        return found

    def at(self, start: int, stop: int) -> bytes:
        """The bytes from start up to stop. Of what is not held, a whole range is asked for."""
        if not self._held_at <= start <= stop <= self._held_at + len(self._held):
            kept = b""
            if self._held_at <= start < self._held_at + len(self._held):
                kept = self._held[start - self._held_at :]
            asked = start + len(kept)
            self._held, self._held_at = kept + self._asked(asked, min(self.size, max(stop, asked + self._ahead))), start
        return self._held[start - self._held_at : stop - self._held_at]

    def _asked(self, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        try:
            part = self._bucket.part_of(self._listed.key, self._listed.tag, start, stop)
        except Gone:
            raise Damaged("it was deleted while it was read") from None
        except InTheWay:
            raise Damaged("it was replaced while it was read") from None
        if len(part.data) != stop - start:
            raise Damaged(f"the server has {len(part.data)} of its bytes from {start} to {stop}")
        self._metadata = part.metadata
        return part.data
