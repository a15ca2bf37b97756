"""What one client gets to know from its cluster. Every request has a deadline; a missing answer is explained in plain
words."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from ferryman.doctor.kafka import unanswered
from ferryman.doctor.kafka.client import Client
from ferryman.doctor.kafka.unanswered import Unanswered
from ferryman.kafka.permissions import key_of
from ferryman.reach.connectivity import Obstacle

_MISSING = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_BEGINNING = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError._TIMED_OUT,
)
"""What a broker answers about groups while it makes the topic that they are kept in; librdkafka waits for that only as
long as for one request, and does not ask again."""
_PAUSE, _TRIES = 0.2, 5


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as a client is shown it."""

    there: bool
    hidden: bool = False
    """Whether the client may not even describe it."""
    partitions: int = 0
    replicas: int = 0
    """Replicas of the partition that has the fewest."""
    in_sync: int = 0
    """Replicas in sync of the partition that has the fewest."""
    operations: frozenset[str] = frozenset()
    """What the client may do with it, by Kafka's names."""


@dataclass
class Cluster:
    """What is asked as one client."""

    client: Client
    seconds: float
    _heard: list[KafkaError] = field(default_factory=list)
    _admin: AdminClient | None = None

    @property
    def admin(self) -> AdminClient:
        """The client that asks."""
        if self._admin is None:
            quiet: dict[str, Any] = {"log_level": 0, "error_cb": self._heard.append, "client.id": "ferryman-doctor"}
            self._admin = AdminClient({**self.client.way, **quiet})
        return self._admin

    def brokers(self) -> tuple[int, frozenset[str] | None]:
        """How many there are, and what the client may do with the cluster as a whole. Raises Unanswered."""
        future = self.admin.describe_cluster(include_authorized_operations=True, request_timeout=self.seconds)
        found = self._answer(future)
        return len(found.nodes), _names(found.authorized_operations)

    def topics(self, names: Sequence[str]) -> Mapping[str, Topic]:
        """Topics by name. Raises Unanswered."""
        if not names:
            return {}
        asked = self.admin.describe_topics(
            TopicCollection([*names]), include_authorized_operations=True, request_timeout=self.seconds
        )
        return {name: self._topic(future) for name, future in asked.items()}

    def _topic(self, future: "Future[Any]") -> Topic:
        try:
            found = future.result()
        except KafkaException as error:
            code = error.args[0].code()
            if code in _MISSING:
                return Topic(there=False)
            if code == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                return Topic(there=False, hidden=True)
            raise self._unanswered(error) from None
        replicas = [len(each.replicas) for each in found.partitions]
        in_sync = [len(each.isr) for each in found.partitions]
        operations = _names(found.authorized_operations) or frozenset()
        return Topic(True, False, len(replicas), min(replicas, default=0), min(in_sync, default=0), operations)

    def group(self, name: str) -> frozenset[str] | None:
        """What the client may do with a group; None if the client can ask only about consumer groups."""
        until = time.monotonic() + self.seconds
        while True:
            asked = self.admin.describe_consumer_groups(
                [name], include_authorized_operations=True, request_timeout=self.seconds / _TRIES
            )
            try:
                return _names(asked[name].result().authorized_operations)
            except KafkaException as error:
                code = error.args[0].code()
                if code == KafkaError.GROUP_AUTHORIZATION_FAILED:
                    return frozenset()
                if code == KafkaError._INVALID_ARG:
                    return None
                if code not in _BEGINNING or time.monotonic() > until:
                    raise self._unanswered(error) from None
            time.sleep(_PAUSE)

    def settings(self, topic: str) -> Mapping[str, str] | None:
        """A topic's settings; None if the client may not read them."""
        resource = ConfigResource(ResourceType.TOPIC, topic)
        try:
            found = self.admin.describe_configs([resource], request_timeout=self.seconds)[resource].result()
        except KafkaException:
            return None
        return {name: str(entry.value) for name, entry in found.items()}

    def _answer(self, future: "Future[Any]") -> Any:
        """Waits no longer than it takes to know that no answer will come."""
        while not future.done():
            self.admin.poll(_PAUSE / 4)
            if any(map(key_of, self._heard)) or (self._is_down and self.obstacle is not None):
                raise unanswered.explained(self.client, self.seconds, self._heard, self.obstacle)
        try:
            return future.result()
        except KafkaException as error:
            raise self._unanswered(error) from None

    @property
    def _is_down(self) -> bool:
        return any(each.code() == KafkaError._ALL_BROKERS_DOWN for each in self._heard)

    @cached_property
    def obstacle(self) -> Obstacle | None:
        """What is in the way to each of the brokers' addresses."""
        return unanswered.obstacle(self.client, self.seconds)

    def _unanswered(self, error: KafkaException) -> Unanswered:
        self.admin.poll(0)
        return unanswered.explained(self.client, self.seconds, [error.args[0], *self._heard], self.obstacle)


def _names(operations: Sequence[AclOperation] | None) -> frozenset[str] | None:
    return None if operations is None else frozenset(each.name for each in operations)
