"""An admin client of a cluster in memory."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError

from ferryman.record import TopicPartition
from tests.kafka.cluster_in_memory import Cluster, failed, promised


class FakeAdmin:
    """Describes and creates topics."""

    living = True

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.created: list[Any] = []
        """The requests for topics that were granted."""
        self.refuses: dict[str, int] = {}
        """Error codes for topics that it is asked about, or to create."""
        self.listed = 0
        """How often it was asked for all topics."""

    def list_topics(self, timeout: float) -> Any:
        self.listed += 1
        topics = {
            name: SimpleNamespace(topic=name, partitions=dict.fromkeys(range(len(topic.logs))), error=None)
            for name, topic in self.cluster.topics.items()
        }
        return SimpleNamespace(topics=topics)

    def describe_cluster(self, request_timeout: float) -> "Future[Any]":
        return promised(SimpleNamespace(cluster_id="a-cluster"))

    def close(self) -> None:
        """It is there whenever it is asked."""

    def poll(self, timeout: float) -> int:
        return 0

    def described(self, topics: Iterable[str]) -> dict[str, Any]:
        wanted = [name for name in topics if self.refuses.get(name) != KafkaError.UNKNOWN_TOPIC_OR_PART]
        for name in wanted:
            self._refuse(name)
        there = self.cluster.topics
        return {name: SimpleNamespace(topic_id=there[name].id) for name in wanted if name in there}

    def create_topic(self, topic: Any) -> None:
        code = self.refuses.get(
            topic.topic, KafkaError.TOPIC_ALREADY_EXISTS if topic.topic in self.cluster.topics else None
        )
        if code is not None:
            raise failed(code)
        self.cluster.create(topic.topic, max(topic.num_partitions, 1), dict(topic.config or {}))
        self.created.append(topic)

    def settings(self, topic: str) -> dict[str, Any]:
        self._refuse(topic)
        return {key: SimpleNamespace(value=value) for key, value in self.cluster.topics[topic].config.items()}

    def _refuse(self, topic: str) -> None:
        if topic in self.refuses:
            raise failed(self.refuses[topic])

    def some_offsets(self, wanted: Mapping[Any, Any], isolation: Any, within: float) -> dict[Any, int]:
        return {each: self.cluster.bounds(TopicPartition(each.topic, each.partition))[1] for each in wanted}
