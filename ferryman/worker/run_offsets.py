"""What the group of a run has committed, asked without joining it."""

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.kafka.clients import QUIET, Clients
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.runs.ranges import Ranges

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
