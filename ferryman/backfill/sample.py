"""How much a run has to do: bytes by a sample, records by where times begin, time by the rate that is set. Blocks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.backfill.history import firsts
from ferryman.kafka.clients import QUIET, Clients
from ferryman.record import TopicPartition
from ferryman.runs.ranges import Range, Ranges

SAMPLE_RECORDS, SAMPLE_SECONDS, LONGEST_SECONDS = 200, 5.0, 20.0
"""Records a partition, how long they are waited for, and how long for those of all partitions."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a dry run finds out. None where it is not known."""

    bytes: int | None = None
    """About how many bytes of keys and values are read, by a sample from the beginning of each partition."""
    records_in_period: int | None = None
    """About how many of the records are in the period, by where Kafka says that it ends: fewer than are read, since
    times need not ascend, so that all is read up to the end that the topic had. None for a run without an end in
    time."""
    seconds: float | None = None
    """How long it takes at the rate that is set."""


def size_of(clients: Clients, ranges: Ranges | None, records: int | None, rate: float, ends: int | None) -> Size:
    """The size of a run of these ranges (a sink's) and so many records, at so many a second (0: as fast as it can),
    whose period ends before an instant in milliseconds. Raises KafkaException if Kafka does not answer."""
    seconds = records / rate if rate and records is not None else None
    if ranges is None:
        return Size(seconds=seconds)
    consumer = Consumer(clients.group_reader() | QUIET | {"auto.offset.reset": "earliest"})
    try:
        return Size(_bytes(consumer, ranges), _in_period(consumer, ranges, ends), seconds)
    finally:
        consumer.close()


def _in_period(consumer: Consumer, ranges: Ranges, ends: int | None) -> int | None:
    if ends is None:
        return None
    behind = firsts(consumer, sorted(ranges.of), ends)
    return sum(max(0, min(range_.behind, behind[source]) - range_.first) for source, range_ in ranges.of.items())


def _bytes(consumer: Consumer, ranges: Ranges) -> int | None:
    """The mean of the first records of each range, times how many there are; where nothing was read in time that of the
    others. None where nothing was read at all."""
    wanted = {source: range_ for source, range_ in sorted(ranges.of.items()) if range_.size}
    means, deadline = dict[TopicPartition, float](), time.monotonic() + LONGEST_SECONDS
    for source, range_ in wanted.items():
        if time.monotonic() < deadline and (sizes := _sizes(consumer, source, range_)):
            means[source] = sum(sizes) / len(sizes)
    if wanted and not means:
        return None
    return round(_total(wanted, means))


def _total(wanted: Mapping[TopicPartition, Range], means: Mapping[TopicPartition, float]) -> float:
    usual = sum(means.values()) / len(means) if means else 0.0
    return sum(means.get(source, usual) * range_.size for source, range_ in wanted.items())


def _sizes(consumer: Consumer, source: TopicPartition, range_: Range) -> list[int]:
    consumer.assign([ClientPartition(*source, range_.first)])
    wanted, sizes, deadline = min(SAMPLE_RECORDS, range_.size), list[int](), time.monotonic() + SAMPLE_SECONDS
    while len(sizes) < wanted and time.monotonic() < deadline:
        found = [each for each in consumer.consume(wanted - len(sizes), 0.5) if not each.error()]
        sizes += [len(each.key() or b"") + len(each.value() or b"") for each in found]
        if sizes and not found:
            break
    return sizes
