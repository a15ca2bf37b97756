"""An admin client that is there only while it is needed.

A client of librdkafka keeps a connection, three or four threads and up to two megabytes, and wakes up every second.
task asks the cluster something when it starts and twice a minute after that.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec  # type: ignore[attr-defined]

FIRST = 0.25
"""The part of its time for which a client that has been asked before is believed to know who leads the partitions."""
PAUSE = 0.2
"""Seconds before brokers are asked again that do not agree yet who leads; at least so long may an answer take."""
_ELSEWHERE = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
Told = tuple[dict[TopicPartition, int], KafkaException | None]
"""What is known, and why that is not all."""


class Admin:
    """Makes its client at the first question, and lets it go with ``close``; the next question makes another one.

    All calls but those for offsets are AdminClient's own, with what they return and raise.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        self._client: AdminClient | None = None

    @property
    def living(self) -> bool:
        """Whether there is a client now."""
        return self._client is not None

    @property
    def _made(self) -> AdminClient:
        client = self._client
        if client is None:
            client = self._client = AdminClient(self._config)
        return client

    def close(self) -> None:
        """Lets the client go; for when all answers are in."""
        self._client = None

    def describe_cluster(self, request_timeout: float) -> "Future[Any]":
        return self._made.describe_cluster(request_timeout=request_timeout)

    def list_topics(self, timeout: float) -> Any:
        return self._made.list_topics(timeout=timeout)

    def describe_topics(self, topics: TopicCollection, **more: Any) -> "dict[str, Future[Any]]":
        return self._made.describe_topics(topics, **more)

    def offsets(
        self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
    ) -> dict[TopicPartition, int]:
        """Where partitions begin or end, all of them. Raises KafkaException if one is not told within so many seconds.

        librdkafka's admin client keeps to the leader that it once heard of, and is refused by it or waits for it until
        it looks again, which may be a quarter of an hour after another broker leads. So a client that does not get all
        answers is replaced by one that has heard of nothing yet.
        """
        found, failure = self._told(wanted, isolation, within)
        if failure is not None:
            raise failure
        return found

    def some_offsets(
        self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
    ) -> dict[TopicPartition, int]:
        """The same, of those partitions that are told."""
        return self._told(wanted, isolation, within)[0]

    def _told(self, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float) -> Told:
        until, found = time.monotonic() + within, dict[TopicPartition, int]()
        part = FIRST if self.living else 1.0
        while True:
            left = {each: which for each, which in wanted.items() if each not in found}
            more, failure = _told(self._made, left, isolation, part * max(until - time.monotonic(), PAUSE))
            found |= more
            if failure is None:
                return found, None
            self.close()
            if time.monotonic() >= until or (part == 1.0 and failure.args[0].code() not in _ELSEWHERE):
                return found, failure
            part = 1.0
            time.sleep(PAUSE)

    def describe_configs(self, resources: Sequence[ConfigResource]) -> "dict[ConfigResource, Future[Any]]":
        return self._made.describe_configs(list(resources))

    def create_topics(self, topics: Sequence[NewTopic]) -> "dict[str, Future[Any]]":
        return self._made.create_topics(list(topics))

    def poll(self, timeout: float) -> int:
        """Lets the client tell what it has heard on the side (``error_cb``)."""
        return self._made.poll(timeout)


def _told(
    client: AdminClient, wanted: Mapping[TopicPartition, OffsetSpec], isolation: IsolationLevel, within: float
) -> Told:
    found, failure = dict[TopicPartition, int](), None
    # All of them are waited for: a client must not go while one is to come.
    for each, answer in client.list_offsets(dict(wanted), isolation_level=isolation, request_timeout=within).items():
        try:
            offset = int(answer.result().offset)
        except KafkaException as error:
            failure = error
        else:
            if offset >= 0:
                found[each] = offset
            else:  # what librdkafka tells, without an error, of a partition whose leader has not answered
                failure = _silent(each)
    return found, failure


def _silent(partition: TopicPartition) -> KafkaException:
    text = f"the leader of {partition.topic}-{partition.partition} does not answer"
    return KafkaException(KafkaError(KafkaError._TIMED_OUT, text))
