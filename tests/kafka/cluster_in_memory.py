"""A Kafka cluster in memory, as far as the fake clients of tests need one: logs, topic ids, group offsets."""

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.record import TopicPartition

CREATE_TIME = 1
Headers = Sequence[tuple[str, bytes | None]]


@dataclass
class Topic:
    """One topic; deleted and created anew under its name it has another id."""

    id: str
    logs: list[list[Message]]
    beginnings: list[int]
    """The first offset that is still there, by partition."""
    config: dict[str, str] = field(default_factory=dict)


@dataclass
class Cluster:
    """What brokers know."""

    topics: dict[str, Topic] = field(default_factory=dict)
    committed: dict[TopicPartition, tuple[int, str]] = field(default_factory=dict)
    """The offsets and metadata of the one group that there is."""
    open_from: dict[TopicPartition, int] = field(default_factory=dict)
    """Where an open transaction begins, by partition: nobody who reads committed records sees what comes after."""
    generation: int = 0
    """The group's generation; what a member of an earlier one commits is refused."""
    _created: int = 0

    def create(self, topic: str, partitions: int = 1, config: dict[str, str] | None = None) -> None:
        """A topic, in place of one of that name."""
        self._created += 1
        logs: list[list[Message]] = [[] for _ in range(partitions)]
        self.topics[topic] = Topic(f"id-{self._created}", logs, [0] * partitions, config or {})

    def append(
        self,
        source: TopicPartition,
        value: bytes | None,
        key: bytes | None = None,
        headers: Headers | None = None,
        timestamp: tuple[int, int] = (CREATE_TIME, 1000),
    ) -> None:
        """One record at the end of a partition."""
        log = self.topics[source.topic].logs[source.partition]
        given: Any = None if headers is None else list(headers)
        message = Message(
            topic=source.topic,
            partition=source.partition,
            offset=len(log),
            key=key,
            value=value,
            headers=given,
            timestamp=timestamp,
        )
        log.append(message)

    def trim(self, source: TopicPartition, beginning: int) -> None:
        """Retention has removed what lies before ``beginning``."""
        self.topics[source.topic].beginnings[source.partition] = beginning

    def values(self, topic: str) -> list[bytes | None]:
        """The values of a topic's records, partition after partition; none of a topic that is not there."""
        logs = self.topics[topic].logs if topic in self.topics else []
        return [message.value() for log in logs for message in log]

    def bounds(self, source: TopicPartition) -> tuple[int, int]:
        """The first offset that is there, and the one after the last."""
        topic = self.topics[source.topic]
        return topic.beginnings[source.partition], len(topic.logs[source.partition])


def failed(code: int, reason: str | None = None) -> KafkaException:
    """The client's exception for an error code."""
    return KafkaException(KafkaError(code) if reason is None else KafkaError(code, reason))


def promised(result: Any = None, error: BaseException | None = None) -> "Future[Any]":
    """The answer of an admin client, which is there already."""
    future: Future[Any] = Future()
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
    return future
