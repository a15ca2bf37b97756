"""Reads the topic that holds source offsets."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from ferryman.errors import RetriableError
from ferryman.offsets.source_offsets import SourceOffsets

log = logging.getLogger(__name__)


LOOK = 0.1
PATIENCE = 60.0
"""Seconds that a caller who cannot wait for ever waits for a transaction of somebody else's."""
FIRST_WORD, NEXT_WORD = 5.0, 60.0
"""Seconds without progress after which the log says so, and between two such lines."""

GivesUp = Callable[[float], bool]
"""Whether to stop reading, given the seconds since there was progress."""


def impatient(silence: float) -> bool:
    """For callers who are waited for themselves."""
    return silence > PATIENCE


def read(config: Mapping[str, Any], topic: str, offsets: SourceOffsets, gives_up: GivesUp = impatient) -> SourceOffsets:
    """Loads every committed offset of the connector. ``config`` is a consumer's, for the cluster that has the topic.

    What was committed last may hide behind another connector's open transaction, because read_committed stops there.
    So the end is asked for without isolation, and reading goes on until it is reached. However long the topic is, that
    is waited for, and so is the end of that transaction, until ``gives_up`` says otherwise: RetriableError. It never
    returns older offsets than were committed when it was called.
    """
    bounds = _bounds(config, topic)
    consumer = Consumer({**config, "isolation.level": "read_committed", "enable.partition.eof": True})
    try:
        # By number: to look for the beginning itself costs the client half a second, since it has no connection yet.
        consumer.assign([TopicPartition(topic, partition, start) for partition, (start, _) in bounds.items()])
        ends = {partition: end for partition, (start, end) in bounds.items() if end > start}
        waiting = Waiting(topic, ends, gives_up)
        _load(consumer, waiting, offsets)
    finally:
        consumer.close()
    return offsets


def _bounds(config: Mapping[str, Any], topic: str) -> dict[int, tuple[int, int]]:
    """By partition its first offset, and the one after its last record, committed or not."""
    consumer = Consumer({**config, "isolation.level": "read_uncommitted"})
    try:
        found = consumer.list_topics(topic, timeout=30).topics[topic]
        if found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        if found.error is not None:
            raise RetriableError(f"the offsets topic {topic} cannot be read: {found.error.str()}")
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)
            for partition in found.partitions
        }
    finally:
        consumer.close()


@dataclass
class Waiting:
    """What is still to be read of the offsets topic, and how long reading has stood still."""

    topic: str
    ends: dict[int, int]
    """By partition, the offset to be reached; without those that were."""
    gives_up: GivesUp
    """Asked with the seconds without progress whether to end the wait."""
    _stands_at: dict[int, int] = field(default_factory=dict)
    """Where a partition's committed records end for now, short of its end."""
    _since: float = field(default_factory=time.monotonic)
    """When reading last made progress, in monotonic seconds."""
    _words_at: float = FIRST_WORD
    """After how many seconds of silence the log says next what is waited for."""

    def reached(self, partition: int, following: int, at_end: bool) -> None:
        """All before ``following`` was read; ``at_end``: there are no more that are committed."""
        if not at_end or self._stands_at.get(partition) != following:
            self._since, self._words_at = time.monotonic(), FIRST_WORD
        self._stands_at.pop(partition, None)
        if following >= self.ends.get(partition, 0):
            self.ends.pop(partition, None)
        elif at_end:
            self._stands_at[partition] = following

    def look(self) -> None:
        """Says from time to time what is waited for. RetriableError when the caller gives up."""
        silence = time.monotonic() - self._since
        if not self.ends:
            return
        if self.gives_up(silence):
            raise RetriableError(
                f"the offsets topic {self.topic} was not read to its end: {self._reason()}. "
                "Starting from older offsets would repeat records."
            )
        if silence >= self._words_at:
            self._words_at = silence + NEXT_WORD
            log.warning("waiting for %.0f s to read %s to its end: %s", silence, self.topic, self._reason())

    def _reason(self) -> str:
        if not self._stands_at:
            return "the broker does not answer"
        where = ", ".join(f"{self.topic}-{number}@{offset}" for number, offset in sorted(self._stands_at.items()))
        return f"another producer's transaction is open at {where} and hides what comes after it until it ends"


def _load(consumer: Consumer, waiting: Waiting, offsets: SourceOffsets) -> None:
    """The client looks for the coordinator of its group, though it never joins one: what it may do there is not asked
    for, since Java's reader needs no such right."""
    while waiting.ends:
        for message in consumer.consume(1000, LOOK):
            error, partition, offset = message.error(), message.partition(), message.offset()
            if error is None:
                offsets.load(_bytes(message.key()), _bytes(message.value()))
                waiting.reached(partition or 0, (offset or 0) + 1, at_end=False)
            elif error.code() == KafkaError._PARTITION_EOF:
                waiting.reached(partition or 0, offset or 0, at_end=True)
            elif error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                raise RetriableError(f"the offsets topic cannot be read: {error.str()}")
        waiting.look()


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
