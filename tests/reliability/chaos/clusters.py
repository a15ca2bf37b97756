"""The Kafka under a group of workers: one broker behind a link that can be cut, or three that ask who is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ferryman.stack import Component, Stack
from ferryman.stack.security.rights import GROUP
from tests.reliability.links.broker import Broker
from tests.reliability.links.proxy import Proxy
from tests.running import Kafka, distributed

SOON = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}
"""A group that soon misses a worker."""


@dataclass(frozen=True)
class Cluster:
    """What can be broken of it, and how its clients get in."""

    client: Kafka
    """For clients that may do anything."""
    brokers: Sequence[Component]
    settings: Sequence[Mapping[str, str]]
    """The settings of each worker."""
    link: Proxy | None = None
    """The last worker's way to Kafka, if it has one of its own."""

    def mend(self) -> None:
        """All is well again."""
        if self.link is not None:
            self.link.heal()
        for each in self.brokers:
            if each.pid is None:
                each.start()


def alone(broker: Broker, name: str) -> Cluster:
    """One broker; the last worker reaches it over a link that can be cut."""
    ways = broker.address, broker.address, broker.proxied
    return Cluster(broker.address, [broker.component], [distributed(way, name) | SOON for way in ways], broker.link)


def secure(stack: Stack) -> Cluster:
    """Several brokers, at which workers and connectors log in and may do no more than they need."""
    lines = stack.files.of("distributed").read_text().splitlines()
    own = dict(line.split("=", 1) for line in lines if not line.startswith("listeners"))
    settings = distributed(stack.addresses["kafka"], GROUP) | own | SOON
    brokers = [each for each in stack if each.name.startswith("kafka")]
    return Cluster(stack.super_user(), brokers, [settings] * 3)
