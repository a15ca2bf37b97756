"""Messages that wait for their own next try, while later ones go on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ferryman.record import Batch, Coordinates, Record, TopicPartition
from ferryman.retry import backoff

MOST_PUT_ASIDE = 100
"""Messages of a task that may be put aside; then nothing new is begun until one of them is through."""


@dataclass(slots=True)
class Waiting:
    """A record whose message has still to be sent, and what it has met with so far."""

    at: Coordinates
    """The record's identity."""
    record: Record
    """The record."""
    batch: Batch
    """The batch it came in; alone, once it is put aside."""
    index: int
    """Its place in the batch."""
    failures: int = 0
    """Tries that failed since it was put aside."""
    due: float = 0.0
    """When it is to be tried again, on the monotonic clock."""
    strikes: int = 0
    """How often a busy server refused it and took another message since its former try: then it is this message."""
    sent_before: int = 0
    """How many messages the task had sent at its former try."""

    @property
    def source(self) -> TopicPartition:
        """The partition of the record that waits."""
        return TopicPartition(self.at.topic, self.at.partition)


@dataclass
class PutAside:
    """The messages of a task that wait."""

    longest: float
    """The longest wait between two tries, in seconds."""
    waiting: dict[Coordinates, Waiting] = field(default_factory=dict)
    """By identity, tried again at present or not."""

    def __contains__(self, at: Coordinates) -> bool:
        return at in self.waiting

    def __len__(self) -> int:
        return len(self.waiting)

    def put(self, message: Waiting, patience: int = 0) -> None:
        """Its next try comes later the more have failed; ``patience`` counts as so many failures more."""
        if message.at not in self.waiting:
            message.batch, message.index = _alone(message.batch, message.index), 0
            self.waiting[message.at] = message
        message.failures += 1
        message.due = time.monotonic() + backoff.delay(message.failures + patience, self.longest)

    def due(self) -> Iterator[Waiting]:
        """The messages whose time has come, the longest due first."""
        now = time.monotonic()
        return iter(sorted((each for each in self.waiting.values() if each.due <= now), key=lambda each: each.due))

    def wait(self) -> float:
        """Seconds until the next one is due; 0 if one is, or none waits."""
        return max(0.0, min((each.due for each in self.waiting.values()), default=0.0) - time.monotonic())

    def forget(self, at: Coordinates) -> None:
        """The record at this place waits no longer."""
        self.waiting.pop(at, None)

    def drop(self, source: TopicPartition) -> None:
        """Forgets a partition's."""
        self.waiting = {at: each for at, each in self.waiting.items() if each.source != source}


def _alone(batch: Batch, index: int) -> Batch:
    """One record as a batch of its own, which does not keep all that was polled with it in memory."""
    polled, position = batch.polled, batch.positions[index]
    return replace(batch.slice(index, index + 1), origin=polled.take([position]), positions=range(1))
