"""Raw records as the consumer hands them out, and where they lie in Kafka."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import NamedTuple

Payload = bytes | None


class TopicPartition(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


class Coordinates(NamedTuple):
    """Where a record lies in Kafka, which tells it from all others of a cluster."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset}"


class Original(NamedTuple):
    """What a dead letter says of the record in it, when that goes its connector's way once more."""

    topic: str
    """Whose record it is."""
    coordinates: Coordinates | None
    """Where it lay; None where the letter does not say."""
    attempts: int = 0
    """How often it was tried again before."""
    edit: str = ""
    """The jq expression by which its value is edited; empty for none."""
    is_timed: bool = True
    """Whether the timestamp beside it is the record's; otherwise the broker has stamped the letter."""


@dataclass(frozen=True, slots=True)
class Polled:
    """Raw records of one topic-partition in offset order, as the consumer handed them out; lists of equal length."""

    topic: str
    partition: int
    offsets: Sequence[int]
    timestamps: Sequence[int | None]
    keys: Sequence[Payload]
    values: Sequence[Payload]
    headers: Sequence[Sequence[tuple[str, Payload]]] | None = None
    """None when no record has any."""
    timestamp_type: str = "CreateTime"
    originals: Sequence[Original] | None = None
    """What each says of the record in it, where these are dead letters that are replayed; None for other records."""
    unreadable: Mapping[int, str] = field(default_factory=dict)
    """Why a record cannot be used whatever its converters make of it, by its offset; of few."""

    def __len__(self) -> int:
        return len(self.offsets)

    def take(self, places: Sequence[int]) -> "Polled":
        """The records at these places, which ascend."""
        return replace(
            self,
            offsets=[self.offsets[at] for at in places],
            timestamps=[self.timestamps[at] for at in places],
            keys=[self.keys[at] for at in places],
            values=[self.values[at] for at in places],
            headers=None if self.headers is None else [self.headers[at] for at in places],
            originals=None if self.originals is None else [self.originals[at] for at in places],
        )

    def original_coordinates(self, at: int) -> Coordinates:
        """Where the record at a place lies, or lay before it became a dead letter."""
        here = Coordinates(self.topic, self.partition, self.offsets[at])
        return here if self.originals is None else self.originals[at].coordinates or here

    def slice(self, start: int, stop: int) -> "Polled":
        """The records from start up to stop."""
        return replace(
            self,
            offsets=self.offsets[start:stop],
            timestamps=self.timestamps[start:stop],
            keys=self.keys[start:stop],
            values=self.values[start:stop],
            headers=None if self.headers is None else self.headers[start:stop],
            originals=None if self.originals is None else self.originals[start:stop],
        )

    def without(self, positions: Collection[int]) -> "Polled | None":
        """The records but those at these positions; None if there are none."""
        left = [position for position in range(len(self)) if position not in positions]
        return self.take(left) if left else None

    @property
    def size(self) -> int:
        """The bytes of keys and values."""
        return sum(map(len, filter(None, self.keys))) + sum(map(len, filter(None, self.values)))

    def within(self, limit: int) -> int:
        """How many of the first records have no more bytes than that together; at least one."""
        if self.size <= limit:
            return len(self)
        sizes = (len(key or b"") + len(value or b"") for key, value in zip(self.keys, self.values, strict=True))
        return max(1, sum(total <= limit for total in accumulate(sizes)))

    @property
    def source(self) -> TopicPartition:
        """The partition it came from."""
        return TopicPartition(self.topic, self.partition)
