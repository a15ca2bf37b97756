"""What librdkafka has no words for: the brokers' version, which requests they know, who coordinates an id."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined]
from kafka import errors
from kafka.net.compat import KafkaNetClient
from kafka.protocol.admin import DescribeGroupsRequest
from kafka.protocol.metadata import FindCoordinatorRequest

from ferryman.doctor.kafka.client import Client
from ferryman.membership import client_settings

_HEARTBEAT = 68
"""ConsumerGroupHeartbeat, which groups of KIP-848 are made of."""
_TRANSACTION = 1
"""The kind of coordinator."""


@dataclass(frozen=True, slots=True)
class Brokers:
    """What one of the brokers says of itself."""

    version: tuple[int, ...]
    """The oldest Kafka that knows the same requests."""
    consumer_groups: bool
    """Whether it has groups with group.protocol=consumer."""


class Protocol:
    """A connection of kafka-python's, as a client. Raises kafka's KafkaError, and ConfigError for settings of
    librdkafka's that it does not have."""

    def __init__(self, client: Client, seconds: float) -> None:
        settings = client_settings.of_client(client.values, "ferryman-doctor")
        self._milliseconds = int(seconds * 1000)
        self._client = KafkaNetClient(**{**settings, "request_timeout_ms": self._milliseconds})
        self._manager: Any = self._client._manager

    def brokers(self) -> Brokers:
        """A broker's version and what follows from it."""
        return Brokers(*self._run(self._versions))

    async def _versions(self) -> tuple[tuple[int, ...], bool]:
        await self._manager.bootstrap_async(self._milliseconds)
        connection = self._manager.get_connection(self._manager.least_loaded_node())
        await connection
        known = connection.broker_version_data
        return tuple(known.broker_version), _HEARTBEAT in known.api_versions

    def may_look_at(self, transactional_id: str) -> bool:
        """Whether the client may Describe it, which Write implies. Nobody is fenced by that."""
        return bool(self._run(self._looks, transactional_id))

    async def _looks(self, transactional_id: str) -> bool:
        await self._manager.bootstrap_async(self._milliseconds)
        # All three at once: which of them are sent depends on the version that the broker knows.
        request = FindCoordinatorRequest(
            key=transactional_id, key_type=_TRANSACTION, coordinator_keys=[transactional_id]
        )
        answer = await self._manager.send(request)
        found = answer.coordinators[0] if answer.coordinators else answer
        refused = errors.TransactionalIdAuthorizationFailedError
        return errors.for_code(found.error_code) is not refused

    def group(self, name: str) -> frozenset[str] | None:
        """What the client may do with a group of any kind, by Kafka's names; None if it is not there."""
        found: frozenset[str] | None = self._run(self._described, name)
        return found

    async def _described(self, name: str) -> frozenset[str] | None:
        await self._manager.bootstrap_async(self._milliseconds)
        where = await self._manager.send(FindCoordinatorRequest(key=name, key_type=0, coordinator_keys=[name]))
        coordinator = where.coordinators[0] if where.coordinators else where
        if errors.for_code(coordinator.error_code) is errors.GroupAuthorizationFailedError:
            return frozenset()
        request = DescribeGroupsRequest(groups=[name], include_authorized_operations=True)
        group = (await self._manager.send(request, node_id=coordinator.node_id)).groups[0]
        kind = errors.for_code(group.error_code)
        if kind is errors.GroupAuthorizationFailedError:
            return frozenset()
        return None if kind is not errors.NoError else _operations(group.authorized_operations)

    def _run(self, asked: Any, *arguments: object) -> Any:
        return self._client._net.run(asked, *arguments)

    def close(self) -> None:
        """Ends the connection."""
        self._client.close()


def _operations(codes: Iterable[int]) -> frozenset[str]:
    """By Kafka's numbers for them; nothing here needs those that are newer than the enum."""
    known = {each.value: each.name for each in AclOperation}
    return frozenset(known[code] for code in codes if code in known)
