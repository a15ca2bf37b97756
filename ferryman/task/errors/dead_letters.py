"""The dead letter queue: skipped records in their original bytes, with Kafka Connect's context headers.

A dead letter counts as delivered when the broker has acknowledged it, and no offset moves past its record before that
(Kafka Connect does not wait). Dead letters are at least once; their original coordinates tell doubles.
"""

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ferryman.chain.narrowing import Failure
from ferryman.errors import FerrymanError, RetriableError, TaskError
from ferryman.record import Coordinates, Payload, Polled
from ferryman.telemetry.redaction import redact

PREFIX = "__connect.errors."


@dataclass
class DeadLetters:
    """Writes failures of one task to one topic."""

    producer: Producer
    topic: str
    context_headers: bool
    connector: str
    task: int
    _pending: set[Coordinates] = field(default_factory=set)
    _refused: list[str] = field(default_factory=list)

    def send(self, failures: Sequence[Failure], patience: float = 30.0) -> None:
        """Writes the failures' records and waits for the broker's word on each.

        Raises TaskError when the broker refuses one (too large, not authorised), RetriableError when it is silent; the
        same failures may then be sent again, and those still on their way are not written twice.
        """
        for failure in failures:
            self._produce(failure)
        deadline = time.monotonic() + patience
        while self._pending and not self._refused and time.monotonic() < deadline:
            self.producer.poll(0.1)
        if self._refused:
            raise TaskError("; ".join(self._refused))
        if self._pending:
            raise RetriableError(f"{len(self._pending)} dead letters are not acknowledged yet by {self.topic}")

    def _produce(self, failure: Failure) -> None:
        origin, coordinates = failure.origin, failure.coordinates
        assert isinstance(origin, Polled)
        assert coordinates is not None
        if coordinates in self._pending:
            return
        headers: list[tuple[str, str | bytes | None]] = (
            [] if origin.headers is None else list(origin.headers[failure.position])
        )
        if self.context_headers:
            headers += _context(failure, coordinates, self.connector, self.task)
        self._pending.add(coordinates)
        while True:
            try:
                self.producer.produce(
                    self.topic,
                    key=origin.keys[failure.position],
                    value=origin.values[failure.position],
                    headers=headers,
                    timestamp=origin.timestamps[failure.position] or 0,
                    on_delivery=lambda error, message: self._answered(coordinates, error, message),
                )
                return
            except BufferError:
                self.producer.poll(0.1)
            except KafkaException as error:
                self._answered(coordinates, error.args[0], None)
                return

    def _answered(self, coordinates: Coordinates, error: KafkaError | None, message: Message | None) -> None:
        self._pending.discard(coordinates)
        if error is not None:
            self._refused.append(f"the dead letter of {coordinates} was not written to {self.topic}: {error.str()}")


def _context(failure: Failure, origin: Coordinates, connector: str, task: int) -> list[tuple[str, Payload]]:
    error = failure.error
    trace = "".join(traceback.format_exception(error))
    facts = {
        "topic": origin.topic,
        "partition": str(origin.partition),
        "offset": str(origin.offset),
        "connector.name": connector,
        "task.id": str(task),
        "stage": failure.stage.value,
        "class.name": failure.plugin,
        "exception.class.name": error_class(error),
        "exception.message": redact(str(error)),
        "exception.stacktrace": redact(trace),
    }
    return [(PREFIX + name, value.encode(errors="replace")) for name, value in facts.items()]


def error_class(error: BaseException) -> str:
    """The class name to report: Java's for errors that Kafka Connect has too."""
    return error.java if isinstance(error, FerrymanError) else f"{type(error).__module__}.{type(error).__qualname__}"


def create_topic(admin: AdminClient, topic: str, replication_factor: int) -> None:
    """Creates a missing dead letter topic with one partition, as Connect does. TaskError if it cannot be."""
    if topic in admin.list_topics(timeout=30).topics:
        return
    future = admin.create_topics([NewTopic(topic, 1, replication_factor)])[topic]
    try:
        future.result()
    except KafkaException as error:
        reason = error.args[0]
        if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise TaskError(f"Could not initialize dead letter queue with topic={topic}: {reason.str()}") from error
