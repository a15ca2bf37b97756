"""An admin client that is there only while it is needed.

A client of librdkafka keeps a connection, three or four threads and up to two megabytes, and wakes up every second.
task asks the cluster something when it starts and twice a minute after that.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, OffsetSpec  # type: ignore[attr-defined]


class Admin:
    """Makes its client at the first question, and lets it go with ``close``; the next question makes another one.

    The calls are AdminClient's own, with what they return and raise.
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
        if self._client is None:
            self._client = AdminClient(self._config)
        return self._client

    def close(self) -> None:
        """Lets the client go; for when all answers are in."""
        self._client = None

    def describe_cluster(self, request_timeout: float) -> "Future[Any]":
        return self._made.describe_cluster(request_timeout=request_timeout)

    def list_topics(self, timeout: float) -> Any:
        return self._made.list_topics(timeout=timeout)

    def describe_topics(self, topics: TopicCollection) -> "dict[str, Future[Any]]":
        return self._made.describe_topics(topics)

    def list_offsets(
        self, wanted: "Mapping[TopicPartition, OffsetSpec]", **more: Any
    ) -> "dict[TopicPartition, Future[Any]]":
        return self._made.list_offsets(dict(wanted), **more)

    def describe_configs(self, resources: Sequence[ConfigResource]) -> "dict[ConfigResource, Future[Any]]":
        return self._made.describe_configs(list(resources))

    def create_topics(self, topics: Sequence[NewTopic]) -> "dict[str, Future[Any]]":
        return self._made.create_topics(list(topics))

    def poll(self, timeout: float) -> int:
        """Lets the client tell what it has heard on the side (``error_cb``)."""
        return self._made.poll(timeout)
