"""Which clients get to their cluster, and how many brokers that has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kafka.errors import KafkaError

from ferryman.doctor.kafka import client as clients
from ferryman.doctor.kafka import unanswered
from ferryman.doctor.kafka.client import Client, Side
from ferryman.doctor.kafka.cluster import Cluster
from ferryman.doctor.kafka.needs import Need, judged
from ferryman.doctor.kafka.protocol import Brokers, Protocol
from ferryman.doctor.kafka.unanswered import Unanswered
from ferryman.errors import ConfigError
from ferryman.findings import Finding, left_out, mend, ok, warning

OLDEST_KAFKA = (2, 1)
"""The oldest Kafka that librdkafka's transactions and kafka-python's groups speak with."""


@dataclass
class Reached:
    """The clusters that answer, by the side that asks."""

    seconds: float
    clusters: dict[Side, Cluster] = field(default_factory=dict)
    brokers: dict[Side, int] = field(default_factory=dict)

    def look(self, asking: Sequence[Client]) -> Iterator[Finding]:
        """Has each client ask once."""
        for together in clients.alike(asking):
            cluster = Cluster(together[0], self.seconds)
            sides = ", ".join(client.side for client in together)
            subject = f"kafka {together[0].servers} as {sides}"
            try:
                count, _ = cluster.brokers()
            except Unanswered as error:
                yield unanswered.finding(subject, error, together)
                continue
            yield ok(subject, f"{count} broker{'' if count == 1 else 's'} let {together[0].user} in")
            for client in together:
                # By their own names, but asked over the one connection.
                self.clusters[client.side] = cluster
                self.brokers[client.side] = count

    def rights(self, needs: Sequence[Need], there: Mapping[str, bool]) -> Iterator[Finding]:
        """Whether each right is there, for clients that can log in; ``there``: which topics exist."""
        for need in dict.fromkeys(needs):
            cluster = self.clusters.get(need.side)
            if cluster is None:
                continue
            try:
                allowed = self._allowed(cluster, need)
            except Unanswered as error:
                yield mend(f"{need.side}: {need.kind} {need.name}", str(error), "try again when the brokers are well")
                continue
            if allowed is not None:
                yield judged(need, allowed, cluster.client.user, cluster.client.servers)
            elif need.kind == "group" or there.get(need.name, False):
                yield left_out(f"{need.side}: {need.kind} {need.name}", "the brokers do not say who has rights to it")

    def _allowed(self, cluster: Cluster, need: Need) -> frozenset[str] | None:
        if need.kind == "group":
            found = cluster.group(need.name)
            return _of_any_group(cluster, need.name) if found is None else found
        topic = cluster.topics([need.name])[need.name]
        return topic.operations if topic.there else frozenset() if topic.hidden else None


def _of_any_group(cluster: Cluster, name: str) -> frozenset[str] | None:
    """What may be done with a group of any kind: that of workers is no group of consumers while they are in it."""
    try:
        protocol = Protocol(cluster.client, cluster.seconds)
        try:
            return protocol.group(name)
        finally:
            protocol.close()
    except (ConfigError, KafkaError):
        return None


def versions(client: Client, seconds: float, consumer_groups: bool) -> Iterator[Finding]:
    """The brokers' version; whether they have the groups that are asked for."""
    subject = f"kafka {client.servers}"
    try:
        protocol = Protocol(client, seconds)
        try:
            found = protocol.brokers()
        finally:
            protocol.close()
    except (ConfigError, KafkaError) as error:
        yield left_out(subject, f"its version: {error or type(error).__name__}")
        return
    yield from judged_version(subject, found, consumer_groups)


def judged_version(subject: str, found: Brokers, consumer_groups: bool) -> Iterator[Finding]:
    """What there is to say of a version."""
    text = ".".join(map(str, found.version))
    if found.version < OLDEST_KAFKA:
        yield mend(subject, f"the brokers speak as Kafka {text}", f"Kafka {'.'.join(map(str, OLDEST_KAFKA))} or newer")
    elif consumer_groups and not found.consumer_groups:
        said = f"the brokers, which speak as Kafka {text}, have no groups with group.protocol=consumer"
        yield mend(subject, said, "consumer.override.group.protocol=classic, or Kafka 4.0 or newer")
    elif found.version < (2, 8):
        said = f"the brokers speak as Kafka {text}, with which an idempotent producer needs a right of its own"
        yield warning(subject, said, "grant IdempotentWrite on the cluster to the users of producers")
    else:
        yield ok(subject, f"the brokers speak as Kafka {text}")
