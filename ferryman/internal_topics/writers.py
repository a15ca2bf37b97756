"""Write to an internal topic and wait until the brokers have it: record by record, or as the only leader in one piece.

The second is Kafka Connect's fencable producer (KIP-618): the last one to claim the right to write has it alone.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.errors import FencedError, Indeterminate, RetriableError
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.refusals import REFUSED, explained
from ferryman.record import Payload

log = logging.getLogger(__name__)

Entry = tuple[bytes, Payload]
"""A record to be written: key and value; the partition follows from the key, as Java's partitioner has it."""
Ends = Mapping[int, int]
"""By partition, the offset after the last record that was written: who has read up to there has read them all."""
POLL_SECONDS = 0.1
_FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})


class Writer(Protocol):
    """Writes records."""

    def send(self, entries: Sequence[Entry], within: float) -> Ends:
        """Returns when all brokers that count have all records, in this order. Raises RetriableError if they have
        not, Indeterminate if they may have or get them yet after so many seconds."""


@dataclass
class _Receipts:
    """What the broker says of the records of one call."""

    left: int
    errors: list[KafkaError] = field(default_factory=list)
    ends: dict[int, int] = field(default_factory=dict)

    def take(self, error: KafkaError | None, message: Message) -> None:
        self.left -= 1
        if error is not None:
            self.errors.append(error)
        else:
            self.ends[message.partition() or 0] = (message.offset() or 0) + 1


class PlainWriter:
    """A producer for any worker; several threads may use it."""

    def __init__(self, topic: str, config: Mapping[str, Any]) -> None:
        self._topic, self._config = topic, dict(config)
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    def send(self, entries: Sequence[Entry], within: float) -> Ends:
        """Sends records, as ``Writer.send`` says."""
        deadline = time.monotonic() + within
        receipts = _Receipts(len(entries))
        with self._lock:
            if self._producer is None:
                self._producer = Producer(self._config)
            producer = self._producer
            _produce(producer, self._topic, entries, receipts, deadline)
        while receipts.left and not receipts.errors and time.monotonic() < deadline:
            producer.poll(POLL_SECONDS)
        if receipts.errors:
            raise RetriableError(
                f"{self._topic} does not accept a record: {explained(receipts.errors[0], self._topic)}"
            )
        if receipts.left:
            raise Indeterminate(f"{self._topic} has not acknowledged {receipts.left} records within {within:.0f} s")
        return receipts.ends

    def close(self) -> None:
        """Lets the producer go; what is not acknowledged yet is given up."""
        with self._lock:
            producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.flush(1)


def _produce(producer: Producer, topic: str, entries: Sequence[Entry], receipts: _Receipts, deadline: float) -> None:
    for key, value in entries:
        while True:
            try:
                producer.produce(topic, value=value, key=key, on_delivery=receipts.take)
                break
            except BufferError:
                if time.monotonic() >= deadline:
                    raise Indeterminate(f"the producer for {topic} has no room for more records") from None
                producer.poll(POLL_SECONDS)
            except KafkaException as error:
                raise _failure(topic, error) from error


class FencedWriter:
    """The leader's producer, with the group's own transactional id. Each ``send`` is a transaction.

    When one fails, the right to write is given up and must be claimed again, which ends whatever was open.
    """

    def __init__(self, topic: str, config: Mapping[str, Any]) -> None:
        self.leads: Callable[[], bool] = lambda: True
        """Asked before each transaction, when the right is claimed: a claim that was on its way while this worker slept
        would else fence its successor, for a record of before."""
        self._topic, self._config = topic, dict(config)
        self._lock = threading.Lock()
        self._producer: Producer | None = None

    @property
    def claimed(self) -> bool:
        """Whether this worker believes to be the only one that may write."""
        return self._producer is not None

    def claim(self, within: float) -> None:
        """Fences the former writer, unless that is this one. Raises RetriableError if the broker does not say so."""
        with self._lock:
            if self._producer is not None:
                return
            producer = Producer(self._config)
            try:
                producer.init_transactions(within)
            except KafkaException as error:
                raise _failure(self._topic, error) from error
            self._producer = producer

    def relinquish(self) -> None:
        """Gives the right to write up."""
        with self._lock:
            self._give_up()

    def send(self, entries: Sequence[Entry], within: float) -> Ends:
        """As Writer says, all or none. Raises FencedError if the right was not claimed, or somebody else has it."""
        if not entries:
            return {}
        deadline = time.monotonic() + within
        with self._lock:
            if self._producer is None:
                raise FencedError(f"{self._topic} cannot be written before the right to write to it has been claimed")
            if not self.leads():
                self._give_up()
                raise FencedError(f"{self._topic} is now written by another worker")
            try:
                return self._write(self._producer, entries, deadline)
            except (KafkaException, RetriableError) as error:
                self._give_up()
                raise (_failure(self._topic, error) if isinstance(error, KafkaException) else error) from error

    def _write(self, producer: Producer, entries: Sequence[Entry], deadline: float) -> Ends:
        receipts = _Receipts(len(entries))
        producer.begin_transaction()
        try:
            _produce(producer, self._topic, entries, receipts, deadline)
            while receipts.left and not receipts.errors and time.monotonic() < deadline:
                producer.poll(POLL_SECONDS)
            if receipts.errors:
                raise KafkaException(receipts.errors[0])
            if receipts.left:
                raise RetriableError(f"{self._topic} has not acknowledged {receipts.left} records in time")
        except (KafkaException, RetriableError):
            _abort(producer)
            raise
        _commit(producer, self._topic, deadline)
        return receipts.ends

    def _give_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()


def _abort(producer: Producer) -> None:
    """What stays open hides what others write for a while; the next who claims the right ends it too."""
    try:
        producer.abort_transaction(1)
    except KafkaException as error:
        log.debug("a transaction was not aborted: %s", error)


def _commit(producer: Producer, topic: str, deadline: float) -> None:
    while True:
        try:
            producer.commit_transaction(max(deadline - time.monotonic(), POLL_SECONDS))
        except KafkaException as error:
            reason: KafkaError = error.args[0]
            if not reason.retriable() or reason.code() in _FENCED:
                raise
            if time.monotonic() >= deadline:
                raise Indeterminate(f"it is not known whether {topic} was written: {reason.str()}") from error
        else:
            return


def _failure(topic: str, error: KafkaException) -> RetriableError | FencedError:
    reason: KafkaError = error.args[0]
    if reason.code() in _FENCED:
        return FencedError(f"another worker has claimed the right to write to {topic}: {reason.str()}")
    said = explained(reason, topic) if reason.code() in REFUSED else reason.str()
    return RetriableError(f"{topic} cannot be written: {said}")
