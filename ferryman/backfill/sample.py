"""How large the records of a run are, by a sample from the beginning of each partition."""

import time

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.kafka.clients import QUIET, Clients
from ferryman.runs.ranges import Ranges

SAMPLE_RECORDS, SAMPLE_SECONDS = 200, 5.0
"""Records a partition, and how long they are waited for."""


def bytes_of(clients: Clients, ranges: Ranges) -> int:
    """About how many bytes of keys and values a run reads: the mean of the first records of each range, times how many
    there are. 0 where nothing could be read in time."""
    total = 0.0
    consumer = Consumer(clients.group_reader() | QUIET | {"auto.offset.reset": "earliest"})
    try:
        for source, range_ in sorted(ranges.of.items()):
            if range_.size:
                consumer.assign([ClientPartition(*source, range_.first)])
                total += _mean(consumer, min(SAMPLE_RECORDS, range_.size)) * range_.size
    finally:
        consumer.close()
    return round(total)


def _mean(consumer: Consumer, wanted: int) -> float:
    sizes, deadline = list[int](), time.monotonic() + SAMPLE_SECONDS
    while len(sizes) < wanted and time.monotonic() < deadline:
        found = [each for each in consumer.consume(wanted - len(sizes), 0.5) if not each.error()]
        sizes += [len(each.key() or b"") + len(each.value() or b"") for each in found]
        if sizes and not found:
            break
    return sum(sizes) / len(sizes) if sizes else 0.0
