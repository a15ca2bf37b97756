"""Hands a source's records to its producer, no faster than the producer's own limits let it.

The client keeps at most buffer.memory bytes and queue.buffering.max.messages messages that the broker has not taken.
What does not fit waits here, in order: after the first message that finds the queue full, none of its batch gets in.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ferryman.chain.encoded import Encoded
from ferryman.errors import DataError, RetriableError, TaskError, TooLarge
from ferryman.kafka.raw_batches import NO_TIMESTAMP
from ferryman.kafka.refusals import PRODUCER_LIMIT, REFUSED, as_refusal, behind
from ferryman.record import Payload
from ferryman.task.setup.control import Control

log = logging.getLogger(__name__)

BROKEN = frozenset({KafkaError._FATAL, KafkaError._STATE})
"""What produce calls answer after an error that came in between: it was not about their record."""
RETRY_SECONDS = 0.01
"""Seconds between two tries to get into a full queue."""
COMMIT_POLL_SECONDS = 0.5
"""Seconds to wait for a commit before checking whether the task is to stop."""
ABORT_SECONDS = 5.0
"""Seconds to wait for the broker to abort; its own time limit does it else."""
EARLIEST = 1
"""The millisecond after the beginning of 1970, which librdkafka cannot write."""
Answered = Callable[[KafkaError | None, Message], None]
Refused = tuple[int, DataError]
"""A record's index, and why it was not taken."""


@dataclass
class Outbox:
    """The way into one producer."""

    producer: Producer
    control: Control
    grace: float
    """Seconds that a commit may go on when the task is to stop."""
    patience: float
    """Seconds that a commit may take; the broker ends a transaction that is open for so long."""
    answered: Answered | None = None
    """Told what became of each message that is handed over from now on; None if nobody asks."""
    handed: int = 0
    """Messages that the producer has taken, with those of offsets and dead letters."""
    _proven: set[str] = field(default_factory=set)
    """Topics that something was committed to."""
    _new: set[str] = field(default_factory=set)
    """Topics in the open transaction that nothing was committed to yet."""

    def produce(self, encoded: Encoded) -> list[Refused]:
        """Hands over the records of a batch; waits while the producer is full. Returns those that are too large for it,
        of no time, or of what is no topic, by their index in the batch.

        Raises RetriableError if the task is to stop while it waits, KafkaException when the transaction has failed,
        TaskError for a record that is refused for another reason.
        """
        self._new |= {encoded.topic} - self._proven
        refused = list(self._produce(encoded))
        self.handed += len(encoded) - len(refused)
        return refused

    def write(self, topic: str, value: Payload, key: Payload, **more: Any) -> None:
        """Hands over one record, as ``produce`` does. TooLarge if it is. ``on_delivery`` among the rest is told what
        became of it, before ``answered``."""
        more["on_delivery"] = _both(more.get("on_delivery"), self.answered)
        self._new |= {topic} - self._proven
        self._hand_over(topic, value, key, **more)
        self.handed += 1

    def arrive(self) -> None:
        """Waits until all that was handed over is with the broker, if a topic is among it that nothing was committed to
        yet: it may not be there, and a transaction that waits for it must not stand open on a topic that others read.
        """
        until = time.monotonic() + self.patience
        while self._new and self.producer.flush(COMMIT_POLL_SECONDS):
            if time.monotonic() > until or self.control.stopping_for > self.grace:
                return

    def _hand_over(self, topic: str, value: Payload, key: Payload, **more: Any) -> None:
        while True:
            try:
                self.producer.produce(topic, value, key, **more)
            except BufferError:
                self._wait_for_room(topic, value)
            except KafkaException as error:
                raise (self._refused(error.args[0], topic, value) or error) from error
            else:
                return

    def commit(self) -> None:
        """Commits the transaction, with all that was handed over.

        Raises KafkaException if it is not committed: its error requires an abort, or else it is not known whether it
        is.
        """
        until = time.monotonic() + self.patience
        while True:
            try:
                self.producer.commit_transaction(COMMIT_POLL_SECONDS)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > until:
                    raise
                if self.control.stopping_for > self.grace:
                    self._give_up()
                    return
            else:
                self._proven |= self._new
                self._new.clear()
                return

    def _give_up(self) -> None:
        """Records that the broker has not accepted are thrown away, which fails the transaction. If it has them all,
        the commit itself is under way and cannot be called back."""
        log.warning("stopping: %d records that the broker has not accepted will come again", len(self.producer))
        self.producer.purge()
        self.producer.commit_transaction(RETRY_SECONDS)

    def refused_topic(self, error: KafkaError) -> tuple[str, KafkaError] | None:
        """A topic of the open transaction that the broker refuses, and why: of a message to it the client says only
        that it was not delivered."""
        reasons = ((topic, behind(error, topic, self.producer)) for topic in sorted(self._new))
        return next((each for each in reasons if each[1] is not error), None)

    def abort(self) -> None:
        """Aborts the transaction. Raises KafkaException if the broker does not say that it has."""
        self._new.clear()
        self.producer.abort_transaction(
            min(ABORT_SECONDS, self.grace / 3) if self.control.stopping_for else ABORT_SECONDS
        )

    def _produce(self, encoded: Encoded) -> Iterator[Refused]:
        topic, told, produce = encoded.topic, self.answered, self.producer.produce
        partition = -1 if encoded.partition is None else encoded.partition
        all_headers: Iterable[Any] = repeat(None) if encoded.headers is None else encoded.headers
        rows = zip(encoded.values, encoded.keys, encoded.timestamps, all_headers, strict=False)
        for index, (value, key, when, headers) in enumerate(rows):
            try:
                if when is not None and when <= 0:
                    when = _written(when)
                try:
                    # By position, in the client's order: names take twice as long, and so does its call for a batch.
                    produce(topic, value, key, partition, told, None, when or 0, headers or None)
                except BufferError:
                    more: dict[str, Any] = {"partition": partition, "on_delivery": told, "headers": headers or []}
                    self._hand_over(topic, value, key, timestamp=when or 0, **more)
                except KafkaException as error:
                    raise (self._refused(error.args[0], topic, value) or error) from error
            except DataError as error:
                yield index, error
            except (TypeError, ValueError, OverflowError) as error:
                # A time that is a fraction, a topic that is no text: a plugin may hand over anything.
                yield index, DataError(f"Kafka's client cannot write the record: {error}")

    def _refused(self, error: KafkaError | Any, topic: str, value: Payload) -> Exception | None:
        """What an answer to a produce call means; None if only the queue is full."""
        if isinstance(error, KafkaError):
            error = behind(error, topic, self.producer)
        code = error.code() if isinstance(error, KafkaError) else None
        if code == KafkaError._QUEUE_FULL:
            return None
        if code in BROKEN or code == KafkaError._UNKNOWN_TOPIC:
            return KafkaException(error)
        text = f"a record could not be produced to {topic}: {error}"
        if code == KafkaError.MSG_SIZE_TOO_LARGE:
            return TooLarge(f"{text}; it has {len(value or b'')} bytes, and {PRODUCER_LIMIT} is the limit")
        return TaskError(as_refusal(error, topic) if isinstance(error, KafkaError) and code in REFUSED else text)

    def _wait_for_room(self, topic: str, value: Payload) -> None:
        if not len(self.producer):
            raise TaskError(
                f"a record of {len(value or b'')} bytes for {topic} does not fit into producer.override.buffer.memory"
            )
        if self.control.stopping:
            raise RetriableError("the task is to stop while the producer waits for the broker")
        self.producer.poll(RETRY_SECONDS)


def _written(when: int) -> int | None:
    """A time at or before 1970 as the client is to have it, which takes 0 for the present; so does Java's -1."""
    if when < NO_TIMESTAMP:
        raise DataError(f"Invalid record timestamp {when}")
    return None if when == NO_TIMESTAMP else EARLIEST


def _both(first: Answered | None, second: Answered | None) -> Answered | None:
    if first is None or second is None:
        return first or second
    one, other = first, second

    def told(error: KafkaError | None, message: Message) -> None:
        one(error, message)
        other(error, message)

    return told
