"""Where one connector's source offsets are: in the worker's topic, or in one of its own beside it (KIP-618).

Both are read, and what the connector's own topic says holds. What is committed there is copied to the worker's
afterwards, so that the offsets are not lost when the connector has no topic of its own any more; but what is forgotten
is forgotten in the worker's first, since it would come back from there (ConnectorOffsetBackingStore, KAFKA-15018).
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.errors import RetriableError
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.clients import Clients
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.record import Payload

log = logging.getLogger(__name__)

ANSWER_SECONDS = 30.0
"""Seconds that the broker has to take what is forgotten."""
CLOSE_SECONDS = 2.0
Written = Iterable[tuple[bytes, Payload]]
"""Records of an offsets topic."""


class Reads(Protocol):
    """Loads what a topic has: see ``asking.Asking.read``."""

    def __call__(self, client: Mapping[str, Any], topic: str, offsets: SourceOffsets) -> object:
        """``client`` are the settings of a consumer of the cluster that has the topic."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The places where one connector's source offsets are."""

    clients: Clients
    topic: str
    """The topic that its task writes, on the cluster that its records go to."""
    workers: str
    """The worker's topic, on the worker's cluster."""
    seeds: Mapping[str, str]
    """Offsets of a former JVM worker, JSON key to JSON value, for partitions that no topic has anything of."""
    reads: Reads

    @property
    def apart(self) -> bool:
        """Whether the connector's topic is another one than the worker's."""
        return self.topic != self.workers or self.clients.has_other_brokers

    def read(self) -> SourceOffsets:
        """What is committed now. Raises as ``reads``."""
        offsets = SourceOffsets(self.clients.connector)
        for key, value in self.seeds.items():
            offsets.load(key.encode(), value.encode())
        if self.apart:
            self.reads(self.clients.worker_offsets_consumer(), self.workers, offsets)
        self.reads(self.clients.offsets_consumer(), self.topic, offsets)
        return offsets

    def copy(self) -> "WorkersCopy | None":
        """The way for copies to the worker's topic; None if there are none to be made, or no such topic."""
        if not self.apart:
            return None
        producer = Producer(self.clients.worker_offsets_producer())
        there = producer.list_topics(timeout=ANSWER_SECONDS).topics
        return WorkersCopy(producer, self.workers) if self.workers in there else None


@dataclass(slots=True)
class WorkersCopy:
    """Copies of a connector's offsets in the worker's topic."""

    producer: Producer
    topic: str
    _lost: int = field(default=0, init=False)
    """Copies that the broker has not taken, in a row."""

    def forget(self, written: Written) -> None:
        """What is forgotten among these records; returns when the broker has it. RetriableError if it has not."""
        failed: list[KafkaError] = []
        keys = [key for key, value in written if value is None]

        def answered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)

        for key in keys:
            self.producer.produce(self.topic, None, key, on_delivery=answered)
        if keys and (self.producer.flush(ANSWER_SECONDS) or failed):
            reason = failed[0].str() if failed else "the broker does not answer"
            raise RetriableError(f"offsets were not forgotten in {self.topic}: {reason}")

    def follow(self, written: Written) -> None:
        """What is not forgotten among these records, which are committed. That it fails is said once, and no error."""
        for key, value in written:
            if value is None:
                continue
            try:
                self.producer.produce(self.topic, value, key, on_delivery=self._answered)
            except (BufferError, KafkaException) as error:
                self._failed(error)
        self.producer.poll(0)

    def close(self) -> None:
        """Waits a little for what is on its way."""
        self.producer.flush(CLOSE_SECONDS)

    def _answered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self._lost = 0
        else:
            self._failed(error.str())

    def _failed(self, reason: object) -> None:
        if not self._lost:
            log.warning("offsets are committed, but not copied to %s: %s", self.topic, reason)
        self._lost += 1
