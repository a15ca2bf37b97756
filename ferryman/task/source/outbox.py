"""Hands a source's records to its producer, no faster than the producer's own limits let it.

The client keeps at most buffer.memory bytes and queue.buffering.max.messages messages that the broker has not taken.
What does not fit waits here, in order: after the first message that finds the queue full, none of its batch gets in.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from ferryman.chain.encoded import Encoded
from ferryman.errors import RetriableError, TaskError
from ferryman.kafka.refusals import PRODUCER_LIMIT
from ferryman.record import Payload
from ferryman.task.setup.control import Control

log = logging.getLogger(__name__)

CHUNK = 10_000
"""Messages that are handed over with one call."""
BROKEN = frozenset({KafkaError._FATAL, KafkaError._STATE})
"""What produce calls answer after an error that came in between: it was not about their record."""
LOOK = 0.01
"""Seconds between two tries to get into a full queue."""
COMMITTING = 0.5
"""Seconds that a commit is waited for before we look whether the task is to stop."""
ABORTING = 5.0
"""Seconds to wait for the broker to abort; its own time limit does it else."""


@dataclass
class Outbox:
    """The way into one transactional producer."""

    producer: Producer
    control: Control
    grace: float
    """Seconds that a commit may go on when the task is to stop."""
    patience: float
    """Seconds that a commit may take; the broker ends a transaction that is open for so long."""

    def produce(self, encoded: Encoded) -> None:
        """Hands over all records of a batch; waits while the producer is full.

        Raises TaskError for a record that the producer's limits refuse, RetriableError if the task is to stop while it
        waits, KafkaException when the transaction has failed.
        """
        # The client's batch call takes neither headers nor timestamps.
        if encoded.headers is None and not any(encoded.timestamps):
            for start in range(0, len(encoded.values), CHUNK):
                self._produce_batch(encoded, start, min(start + CHUNK, len(encoded.values)))
        else:
            self._produce_singly(encoded)

    def write(self, topic: str, value: Payload, key: Payload, **more: Any) -> None:
        """Hands over one record, as ``produce`` does."""
        while True:
            try:
                self.producer.produce(topic, value, key, **more)
            except BufferError:
                self._wait_for_room(topic, value)
            except KafkaException as error:
                raise _refused(error.args[0], topic, value) from error
            else:
                return

    def commit(self) -> None:
        """Commits the transaction, with all that was handed over.

        Raises KafkaException if it is not committed: its error calls for an abort, or else nobody knows whether it is.
        """
        until = time.monotonic() + self.patience
        while True:
            try:
                self.producer.commit_transaction(COMMITTING)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > until:
                    raise
                if self.control.stopping_for > self.grace:
                    self._give_up()
                    return
            else:
                return

    def _give_up(self) -> None:
        """Records that the broker has not taken are thrown away, which fails the transaction. If it has them all the
        commit itself is under way, and nobody can call it back."""
        log.warning("the task is to stop; %d records that the broker has not taken come again", len(self.producer))
        self.producer.purge()
        self.producer.commit_transaction(LOOK)

    def abort(self) -> None:
        """Aborts the transaction. Raises KafkaException if the broker does not say that it has."""
        self.producer.abort_transaction(min(ABORTING, self.grace / 3) if self.control.stopping else ABORTING)

    def _produce_batch(self, encoded: Encoded, start: int, stop: int) -> None:
        topic, keys, values = encoded.topic, encoded.keys, encoded.values
        waiting: Sequence[dict[str, Any]] = [
            {"key": keys[index], "value": values[index]} for index in range(start, stop)
        ]
        while self.producer.produce_batch(topic, list(waiting), partition=_partition(encoded)) < len(waiting):
            refused = [message for message in waiting if message.get("_error") is not None]
            for message in refused:
                error = message.pop("_error")
                if not isinstance(error, KafkaError) or error.code() != KafkaError._QUEUE_FULL:
                    raise _refused(error, topic, message["value"])
            waiting = refused
            self._wait_for_room(topic, waiting[0]["value"])

    def _produce_singly(self, encoded: Encoded) -> None:
        topic, partition, produce = encoded.topic, _partition(encoded), self.producer.produce
        all_headers: Iterable[Any] = repeat(None) if encoded.headers is None else encoded.headers
        rows = zip(encoded.values, encoded.keys, encoded.timestamps, all_headers, strict=False)
        for value, key, when, headers in rows:
            try:
                if headers:
                    produce(topic, value, key, partition=partition, timestamp=when or 0, headers=headers)
                else:
                    produce(topic, value, key, partition=partition, timestamp=when or 0)
            except BufferError:
                self.write(topic, value, key, partition=partition, timestamp=when or 0, headers=headers or [])
            except KafkaException as error:
                raise _refused(error.args[0], topic, value) from error

    def _wait_for_room(self, topic: str, value: Payload) -> None:
        if not len(self.producer):
            raise TaskError(
                f"a record of {len(value or b'')} bytes for {topic} does not fit into producer.override.buffer.memory"
            )
        if self.control.stopping:
            raise RetriableError("the task is to stop while the producer waits for the broker")
        self.producer.poll(LOOK)


def _partition(encoded: Encoded) -> int:
    return -1 if encoded.partition is None else encoded.partition


def _refused(error: KafkaError | Any, topic: str, value: Payload) -> Exception:
    if isinstance(error, KafkaError) and error.code() in BROKEN:
        return KafkaException(error)
    text = f"a record could not be produced to {topic}: {error}"
    if isinstance(error, KafkaError) and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        text += f"; it has {len(value or b'')} bytes, and {PRODUCER_LIMIT} is what refuses it"
    return TaskError(text)
