"""An admin client of a cluster in memory; its answers are futures, as the real one's."""

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, TopicCollection

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

    def describe_topics(self, topics: TopicCollection) -> "dict[str, Future[Any]]":
        return {name: self._described(name) for name in topics.topic_names}

    def _described(self, name: str) -> "Future[Any]":
        found = self.cluster.topics.get(name)
        code = self.refuses.get(name, None if found else KafkaError.UNKNOWN_TOPIC_OR_PART)
        if code is not None or found is None:
            return promised(error=failed(code or KafkaError.UNKNOWN_TOPIC_OR_PART))
        return promised(SimpleNamespace(topic_id=found.id))

    def create_topics(self, topics: list[Any]) -> "dict[str, Future[Any]]":
        return {topic.topic: self._create(topic) for topic in topics}

    def _create(self, topic: Any) -> "Future[Any]":
        code = self.refuses.get(
            topic.topic, KafkaError.TOPIC_ALREADY_EXISTS if topic.topic in self.cluster.topics else None
        )
        if code is not None:
            return promised(error=failed(code))
        self.cluster.create(topic.topic, max(topic.num_partitions, 1), dict(topic.config or {}))
        self.created.append(topic)
        return promised()

    def describe_configs(self, resources: list[Any]) -> "dict[Any, Future[Any]]":
        return {resource: self._configs(resource.name) for resource in resources}

    def _configs(self, name: str) -> "Future[Any]":
        if name in self.refuses:
            return promised(error=failed(self.refuses[name]))
        return promised({key: SimpleNamespace(value=value) for key, value in self.cluster.topics[name].config.items()})

    def some_offsets(self, wanted: Mapping[Any, Any], isolation: Any, within: float) -> dict[Any, int]:
        return {each: self.cluster.bounds(TopicPartition(each.topic, each.partition))[1] for each in wanted}
