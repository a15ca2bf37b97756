"""Partitions that a sink's consumer has ceased to fetch for want of an answer, and how they are fetched again.

When a partition's leader has another epoch, after a restart of its broker for instance, librdkafka asks the broker
whether the position is still there (OffsetForLeaderEpoch, KIP-320), and fetches nothing of the partition until it is
told. It may never be told: an answer can be lost together with what would ask again. A seek to the same position asks
nothing, and fetches. What it leaves out is to notice that a broker has lost records which had been read.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.record import TopicPartition

log = logging.getLogger(__name__)

WAITS = "validate-epoch-wait"
REPORTS = 3
"""In so many reports in a row a partition must wait at the same position; one comes every ten seconds."""
Report = Mapping[str, Any]
"""librdkafka's statistics of a consumer, see its STATISTICS.md."""


@dataclass
class Standstill:
    """That of one consumer."""

    last: Callable[[], Report | None] = lambda: None
    """Its last report."""
    _seen: Report | None = None
    _waits: dict[TopicPartition, tuple[int, int]] = field(default_factory=dict)
    """The position at which a partition waits, and in how many reports it has."""

    def fetch_again(self, consumer: Consumer) -> None:
        """Lets the consumer fetch what stands still, if there is a new report that says so. For its own thread."""
        report = self.last()
        if report is None or report is self._seen:
            return
        self._seen = report
        for source in self.take(report):
            _fetch_again(consumer, source)

    def take(self, report: Report) -> list[TopicPartition]:
        """The partitions that stand still by this report and those before."""
        before, self._waits = self._waits, {}
        for source, position in _waiting(report):
            known, times = before.get(source, (position, 0))
            self._waits[source] = (position, times + 1 if known == position else 1)
        found = [source for source, (_, times) in self._waits.items() if times >= REPORTS]
        for source in found:
            del self._waits[source]
        return found


def _waiting(report: Report) -> Iterator[tuple[TopicPartition, int]]:
    for topic, each in report["topics"].items():
        for number, partition in each["partitions"].items():
            if partition["fetch_state"] == WAITS:
                yield TopicPartition(topic, int(number)), partition["app_offset"]


def _fetch_again(consumer: Consumer, source: TopicPartition) -> None:
    partition = ClientPartition(source.topic, source.partition)
    try:
        (found,) = consumer.position([partition])
        if found.offset >= 0:
            log.info("%s is fetched again from %d on: no broker says whether that is there", source, found.offset)
            consumer.seek(ClientPartition(source.topic, source.partition, found.offset))
    except KafkaException as error:  # it may have been revoked meanwhile
        log.debug("%s: %s", source, error)
