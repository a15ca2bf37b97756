"""The heads: for each partition a small object that says how far its archive has got, moved by compare-and-set."""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from secrets import token_hex

from ferryman.connectors.s3.bucket.bucket import Bucket, Gone, InTheWay
from ferryman.connectors.s3.commit.manifest import Entry
from ferryman.connectors.s3.config.object_names import segment
from ferryman.errors import Indeterminate, TaskError
from ferryman.record import TopicPartition

FORMAT = 1


def folder(manifest_prefix: str, cluster: str, connector: str) -> str:
    """What the keys of a connector's heads begin with."""
    return f"{manifest_prefix.strip('/') or '_ferryman'}-heads/{segment(cluster)}/{segment(connector)}/"


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """One state of a partition's archive. No two have the same bytes, so no ETag ever comes back."""

    topic_id: str | None
    """The topic's id; None after the offset was altered: whichever topic has the name then."""
    offset: int | None
    """The next record to read; None after a reset: where the group, or auto.offset.reset, says."""
    entries: Sequence[Entry] = ()
    """The objects that are committed and may still have to be completed."""
    lost: bool = False
    """Whether some of them can neither be completed nor made again, so that only a person can decide."""
    id: str = field(default_factory=lambda: token_hex(8))
    """Shows a task that got no answer whether the state is its own."""

    def data(self) -> bytes:
        """The object's bytes."""
        fields = {
            "format": FORMAT,
            "id": self.id,
            "topic": self.topic_id,
            "offset": self.offset,
            "lost": self.lost,
            "objects": [asdict(entry) for entry in self.entries],
        }
        return json.dumps(fields, separators=(",", ":")).encode()

    @classmethod
    def read(cls, key: str, data: bytes) -> "Head":
        """The state in an object's bytes. Raises TaskError for a later version's, and for what is no head."""
        try:
            fields = json.loads(data)
            if fields["format"] != FORMAT:
                raise TaskError(f"The head {key} was written by a later version of the S3 sink; upgrade Ferryman")
            entries = [Entry(**entry) for entry in fields["objects"]]
            return cls(fields["topic"], fields["offset"], entries, fields["lost"], fields["id"])
        except (ValueError, KeyError, TypeError) as error:
            raise TaskError(
                f"The object {key} should say how far the archive has got, but cannot be read ({error!r}). Put the "
                "former one back, or stop the connector, delete the object and alter the connector's offsets"
            ) from None


@dataclass(frozen=True, slots=True)
class Found:
    """A head as it is in the bucket."""

    head: Head
    """The state."""
    etag: str
    """What the next state must be put in place of."""


@dataclass(frozen=True, slots=True)
class Heads:
    """The heads of one connector.

    Of two tasks that both think they own a partition, one was there first:

        task A (frozen, a zombie)              task B (the new owner)
        has the head at 5, ETag "a"            open: reads 5, "a"
                                               PUT 9, If-Match "a": 200, ETag "b"
        PUT 7, If-Match "a": 412
        reads the head: not its own, Indeterminate, begins anew
    """

    bucket: Bucket
    """Where they are."""
    prefix: str
    """How their names begin, with a slash at the end."""

    def key(self, source: TopicPartition) -> str:
        """The name of a partition's head."""
        return f"{self.prefix}{segment(source.topic)}/{source.partition}.json"

    @property
    def obeyed(self) -> bool:
        """Whether the server compares before it sets; asked by a request that must not be met."""
        return self.bucket.compares(f"{self.prefix}if-match-is-obeyed")

    def read(self, source: TopicPartition) -> Found | None:
        """The head as it is now; None if the partition has none."""
        key = self.key(source)
        found = self.bucket.read(key)
        return None if found is None else Found(Head.read(key, found[0]), found[1])

    def move(self, source: TopicPartition, head: Head, former: Found | None) -> Found:
        """Puts a state in place of the former one (None: of nothing), and gives it as it is then.

        Raises Indeterminate if the head is not what it was: somebody else owns the partition, or altered its offset.
        """
        key = self.key(source)
        try:
            return Found(head, self.bucket.put_instead(key, head.data(), None if former is None else former.etag))
        except (Gone, InTheWay):
            # Also what a request is told that was sent again because the first answer was lost.
            found = self.read(source)
        if found is not None and found.head.id == head.id:
            return found
        raise Indeterminate(
            f"The head {key} is not as this task left it: another task owns {source}, or its offset was altered"
        )

    def overrule(self, source: TopicPartition) -> None:
        """Leaves the word to the group, from now on, where there is a head but nothing can be compared."""
        if self.read(source) is not None:
            self.bucket.put(self.key(source), Head(None, None).data())
