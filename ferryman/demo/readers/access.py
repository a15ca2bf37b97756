"""How the demo itself logs in to Kafka and the registry, to see everything that its workers do there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody who may do anything there. Holds passwords, so it is never printed."""

    kafka: Mapping[str, Any] = field(repr=False)
    """The config of a Kafka client, by librdkafka's names."""
    registry: str
    """The URL of the registry that has the topics' Avro schemas."""
    login: tuple[str, str] | None = field(default=None, repr=False)
    """User and password there; None without logins."""
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What a worker's file needs besides its brokers, to come in to Kafka as the same user."""
