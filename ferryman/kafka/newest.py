"""The newest messages of a topic, and single ones, read without a group."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from ferryman.errors import RetriableError, TaskError
from ferryman.kafka.clients import QUIET
from ferryman.retry.leader import bounds

ANSWER_SECONDS = 30.0
"""Seconds for an answer of the broker."""
_BATCH, _WAIT = 2_000, 0.2
_PASSING = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})
"""What a reader does not mind: it joins no group, though its client asks for the coordinator, and brokers come back."""
_NEVER_JOINS = ("group.instance.id", "group.protocol", "partition.assignment.strategy")


@dataclass(slots=True)
class Extent:
    """How much of a topic was read."""

    scanned: int = 0
    """How many messages were read."""
    complete: bool = True
    """Whether these were all."""


class Newest:
    """Reads one topic, which errors call ``what``, without a group. Methods raise RetriableError when Kafka does not
    answer, TaskError when it refuses."""

    def __init__(self, client: Mapping[str, Any], topic: str, what: str) -> None:
        ours = {
            "allow.auto.create.topics": False,  # whoever looks makes none, and needs no right to
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
        }
        config = {key: value for key, value in client.items() if key not in _NEVER_JOINS}
        self._topic, self._what = topic, what
        self._consumer = Consumer({**QUIET, **config, **ours})

    def close(self) -> None:
        """Ends the client."""
        self._consumer.close()

    def messages(self, most: int, until: float, extent: Extent) -> Iterator[Message]:
        """About the last ``most`` messages of the topic as it is now, those of a partition in their order. Stops at the
        monotonic time ``until``, and says in ``extent`` how far it came."""
        starts = self._starts(most, extent)
        if not starts:
            return
        self._consumer.assign(starts)
        left = {start.partition for start in starts}
        while left:
            if time.monotonic() >= until:
                extent.complete = False
                return
            for message in self._consumer.consume(_BATCH, _WAIT):
                if self._is_end(message):
                    left.discard(message.partition())
                elif message.error() is None and message.partition() in left:
                    extent.scanned += 1
                    yield message

    def one(self, partition: int, offset: int) -> Message | None:
        """The message at an offset; None if there is none."""
        if partition not in self._partitions():
            return None
        low, high = self._watermarks(partition)
        if not low <= offset < high:
            return None
        self._consumer.assign([TopicPartition(self._topic, partition, offset)])
        deadline = time.monotonic() + ANSWER_SECONDS
        while time.monotonic() < deadline:
            for message in self._consumer.consume(1, _WAIT):
                if self._is_end(message):
                    return None
                if message.error() is None:
                    return message if message.offset() == offset else None
        raise RetriableError(f"no answer about {self._topic}-{partition}@{offset}")

    def _starts(self, most: int, extent: Extent) -> list[TopicPartition]:
        starts, partitions = [], self._partitions()
        for partition in partitions:
            low, high = self._watermarks(partition)
            start = max(low, high - -(-most // len(partitions)))
            extent.complete = extent.complete and start == low
            if low < high:
                starts.append(TopicPartition(self._topic, partition, start if start > low else OFFSET_BEGINNING))
        return starts

    def _partitions(self) -> list[int]:
        try:
            found = self._consumer.list_topics(self._topic, timeout=ANSWER_SECONDS).topics[self._topic]
        except KafkaException as error:
            raise self._error(error.args[0]) from error
        if found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return []
        if found.error is not None:
            raise self._error(found.error)
        return sorted(found.partitions)

    def _watermarks(self, partition: int) -> tuple[int, int]:
        try:
            return bounds(self._consumer, TopicPartition(self._topic, partition), ANSWER_SECONDS)
        except KafkaException as error:
            raise self._error(error.args[0]) from error

    def _is_end(self, message: Message) -> bool:
        error = message.error()
        if error is None or error.code() in _PASSING:
            return False
        if error.code() == KafkaError._PARTITION_EOF:
            return True
        raise self._error(error)

    def _error(self, error: KafkaError) -> Exception:
        text = f"{self._what} {self._topic} cannot be read: {error.str()}"
        return RetriableError(text) if error.retriable() or error.code() < 0 else TaskError(text)
