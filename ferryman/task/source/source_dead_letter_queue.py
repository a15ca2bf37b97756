"""A source's dead letter queue: its letters go into the transaction of the records beside them, or on the same way."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ferryman.chain.narrowing import Failure
from ferryman.errors import TaskError, TooLarge
from ferryman.kafka.refusals import PRODUCER_LIMIT, REFUSED, as_refusal
from ferryman.task.errors.letter_writer import Size
from ferryman.task.errors.source_letter_writer import SourceLetterWriter, origin
from ferryman.task.meters.tasks import Errors
from ferryman.task.source.outbox import Outbox

ANSWER_SECONDS, POLL_SECONDS = 2.0, 0.1
"""Seconds that are waited for the word about a letter of a transaction that has failed, and between two looks."""


@dataclass(slots=True)
class SourceDeadLetterQueue:
    """The dead letters of one task."""

    topic: str
    """The queue."""
    writer: SourceLetterWriter
    errors: Errors = field(default_factory=Errors)
    """The meter that counts letters."""
    _refusal: str = field(default="", init=False)
    _unanswered: int = field(default=0, init=False)
    """How many letters the producer has of which nothing was told yet."""

    def send(self, failures: Sequence[Failure], outbox: Outbox) -> None:
        """Hands a letter for each to the producer, smaller than its record where its own limits want that.

        Raises as ``Outbox.produce``, and TaskError for one that is too large with nothing of its record in it.
        """
        for failure in failures:
            self._send(failure, outbox)

    def refusal(self, producer: Producer) -> str:
        """Why the broker accepts no letters, if it does not, for when a transaction has failed: the error of that does
        not name the topic."""
        # The client lets the transaction fail first, and tells of the message behind that, perhaps a moment later.
        until = time.monotonic() + ANSWER_SECONDS
        while self._unanswered and not self._refusal and time.monotonic() < until:
            with suppress(KafkaException):  # which is what we know already
                producer.poll(POLL_SECONDS)
        return self._refusal

    def _send(self, failure: Failure, outbox: Outbox) -> None:
        for size in Size:
            letter = self.writer.letter(failure, size, PRODUCER_LIMIT)
            told = partial(self._answered, str(failure.stage))
            more = {"headers": list(letter.headers), "timestamp": letter.timestamp, "on_delivery": told}
            try:
                outbox.write(self.topic, letter.value, letter.key, **more)
            except TooLarge:
                continue
            self._unanswered += 1
            self.errors.sent += 1
            return
        where = origin(failure)
        raise TaskError(
            f"the dead letter of a record for {where.topic}, source offset {dict(where.source_offset or {})}, was not "
            f"written: without its record it still exceeds {PRODUCER_LIMIT}"
        )

    def _answered(self, stage: str, error: KafkaError | None, message: Message) -> None:
        self._unanswered -= 1
        if error is None:
            self.errors.letters[stage] += 1
        else:
            self.errors.unsent += 1
        if error is not None and error.code() in REFUSED:
            self._refusal = f"a dead letter was not written to {self.topic}: {as_refusal(error, self.topic)}"
