"""What runs have committed, asked without taking part: a sink's group, the marks of a source's tasks."""

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.kafka.clients import QUIET, Clients
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.runs import marks
from ferryman.runs.keys import SourceRunKeys
from ferryman.runs.marks import Mark
from ferryman.runs.ranges import Ranges
from ferryman.worker.connector_offsets import ConnectorOffsets

TIMEOUT = 10.0


def committed(clients: Clients, ranges: Ranges) -> dict[TopicPartition, int]:
    """The next offsets of a run's partitions, where there are any. Raises KafkaException when nobody answers."""
    wanted = [ClientPartition(*source) for source in sorted(ranges.of)]
    consumer = Consumer(clients.group_reader() | QUIET)
    try:
        found = coordinator.ask(lambda: consumer.committed(wanted, timeout=TIMEOUT)) if wanted else []
    finally:
        consumer.close()
    return {
        TopicPartition(each.topic, each.partition): each.offset for each in found if not each.error and each.offset >= 0
    }


def marked(connector: ConnectorOffsets) -> dict[int, Mark] | None:
    """The marks of a source's tasks; None of one that comes to no end. Raises ConfigError for a config that is none,
    RetriableError or KafkaException when nobody answers."""
    plugin, raw = connector.plugin, connector.clients.raw
    if SourceRunKeys.of(raw) is None and not plugin.ends(plugin.config_class.parse(raw)):
        return None
    return marks.found(connector.stores.read().items())
