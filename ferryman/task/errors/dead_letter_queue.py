"""The dead letter queue: skipped records in their original bytes, with Kafka Connect's context headers.

A dead letter counts as delivered when the broker has acknowledged it, and no offset moves past its record before that
(Kafka Connect does not wait). Dead letters are at least once; their original coordinates tell doubles.

A letter's way: *produced* → *acknowledged*, and it is not written again in this session, however often its record comes
again until the rest of its batch is through. → *too large for the broker*: a batch of letters counts as a whole there,
so it goes alone; alone it is written with less of it (``letter_writer``), and refused for good only when nothing is
left to leave out. → *refused for its time* (of a producer that counts microseconds, say): it is written with the
present one, and its record's in a header. → *failed otherwise*: an outage; it is produced again when its record comes
again.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.cimpl import NewTopic

from ferryman.chain.narrowing import Failure
from ferryman.errors import Indeterminate, RetriableError, TaskError
from ferryman.kafka.admin import Admin
from ferryman.kafka.refusals import BROKER_LIMIT, PRODUCER_LIMIT, REFUSED, explained
from ferryman.record import Coordinates, TopicPartition
from ferryman.task.errors.letter_writer import Letter, LetterWriter, Size, hopeless
from ferryman.task.meters.tasks import Errors

ACKNOWLEDGEMENT_SECONDS = 5.0
"""Seconds to wait for acknowledgements before the loop is let do its rounds; what is acknowledged by then stays so."""
POLL_SECONDS = 0.1
_KEPT = {"retention.ms": "-1"}
_OF_SETTINGS = frozenset({KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION})

log = logging.getLogger(__name__)


@dataclass
class DeadLetterQueue:
    """Writes failures of one task to one topic."""

    producer: Producer
    topic: str
    writer: LetterWriter
    stopping: Callable[[], bool] = lambda: False
    """Whether the task is to end, which ends waits."""
    errors: Errors = field(default_factory=Errors)
    """The meter that counts letters."""
    _acknowledged: dict[TopicPartition, set[int]] = field(default_factory=dict)
    """Offsets whose letters the broker has: not written again when their records come again."""
    _pending: set[Coordinates] = field(default_factory=set)
    """Records whose letters are on their way."""
    _too_large: set[Coordinates] = field(default_factory=set)
    """Records whose letters were refused for their size, to be sent again with less in them."""
    _untimely: set[Coordinates] = field(default_factory=set)
    """Records whose letters, or some beside them, were refused for their times, to be sent with the present one."""
    _refused: list[str] = field(default_factory=list)
    _failed: list[KafkaError] = field(default_factory=list)

    def send(self, failures: Sequence[Failure]) -> None:
        """Writes the failures' records and waits for the broker's word on each.

        Raises TaskError when the broker refuses one for good, RetriableError when it is silent or away; the same
        failures may then be sent again, and what is acknowledged or still on its way is not written twice.
        """
        deadline, untimely = time.monotonic() + ACKNOWLEDGEMENT_SECONDS, set(self._untimely)
        wanted = {found: failure for failure in failures if not self._is_through(found := _coordinates(failure))}
        for coordinates, failure in wanted.items():
            if coordinates not in self._too_large:
                self._produce(self._letter(failure), deadline)
        self._wait(deadline)
        if again := (self._untimely - untimely) & wanted.keys():
            for coordinates in sorted(again):
                self._produce(self._letter(wanted[coordinates]), deadline)
            self._wait(deadline)
        for coordinates in sorted(self._too_large & wanted.keys()):
            self._send_smaller(wanted[coordinates], deadline)

    def delivered(self, source: TopicPartition, following: int) -> None:
        """The records before ``following`` do not come again, so that nothing need be remembered of them."""
        if source in self._acknowledged:
            kept = {offset for offset in self._acknowledged[source] if offset >= following}
            self._acknowledged[source] = kept
            if not kept:
                del self._acknowledged[source]
        if self._untimely:
            self._untimely = {at for at in self._untimely if at[:2] != source or at.offset >= following}

    def _is_through(self, at: Coordinates) -> bool:
        return at in self._pending or at.offset in self._acknowledged.get(TopicPartition(at.topic, at.partition), ())

    def _letter(self, failure: Failure, size: Size = Size.WHOLE, limit: str = "") -> Letter:
        letter = self.writer.letter(failure, size, limit)
        return letter.of_now() if letter.origin in self._untimely else letter

    def _send_smaller(self, failure: Failure, deadline: float) -> None:
        limit = f"{BROKER_LIMIT} of {self.topic}"
        for size in Size:
            letter = self._letter(failure, size, limit)
            self._too_large.discard(letter.origin)
            self._produce(letter, deadline)
            self._wait(deadline)
            if letter.origin not in self._too_large:
                return
        raise hopeless(_coordinates(failure), limit)

    def _produce(self, letter: Letter, deadline: float) -> None:
        self._pending.add(letter.origin)
        self.errors.sent += 1
        answered = partial(self._answered, letter.origin, str(letter.failure.stage))
        while True:
            try:
                self.producer.produce(
                    self.topic,
                    key=letter.key,
                    value=letter.value,
                    headers=list(letter.headers),
                    timestamp=letter.timestamp,
                    on_delivery=answered,
                )
                return
            except BufferError:
                self._look(deadline, letter.origin)
            except KafkaException as error:
                self._pending.discard(letter.origin)
                if error.args[0].code() != KafkaError.MSG_SIZE_TOO_LARGE:
                    answered(error.args[0], None)
                    return
                # This limit is that of the task's own producer, and concerns only this letter.
                letter = self.writer.smaller(letter, PRODUCER_LIMIT)
                self._pending.add(letter.origin)

    def _look(self, deadline: float, unsent: Coordinates) -> None:
        if time.monotonic() >= deadline or self.stopping():
            self._pending.discard(unsent)
            raise RetriableError(f"the producer of dead letters is full, since {self.topic} accepts none")
        self.producer.poll(POLL_SECONDS)

    def _wait(self, deadline: float) -> None:
        while self._pending and time.monotonic() < deadline and not self.stopping():
            self.producer.poll(POLL_SECONDS)
        self.producer.poll(0)
        refused, self._refused = self._refused, []
        failed, self._failed = self._failed, []
        if refused:
            raise TaskError("; ".join(refused))
        if failed:
            kind = Indeterminate if any(error.fatal() for error in failed) else RetriableError
            raise kind(f"{len(failed)} dead letters were not written to {self.topic}: {failed[0].str()}")
        if self._pending:
            raise RetriableError(f"{len(self._pending)} dead letters are not acknowledged yet by {self.topic}")

    def _answered(self, at: Coordinates, stage: str, error: KafkaError | None, message: Message | None) -> None:
        self._pending.discard(at)
        self.errors.unsent += error is not None
        if error is None:
            self.errors.letters[stage] += 1
            self._acknowledged.setdefault(TopicPartition(at.topic, at.partition), set()).add(at.offset)
        elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self._too_large.add(at)
        elif error.code() == KafkaError.INVALID_TIMESTAMP and at not in self._untimely:
            self._untimely.add(at)
        elif error.code() in REFUSED:
            text = explained(error, self.topic)
            self._refused.append(f"the dead letter of {at} was not written to {self.topic}: {text}")
        else:
            self._failed.append(error)


def _coordinates(failure: Failure) -> Coordinates:
    assert failure.coordinates is not None
    return failure.coordinates


def create_topic(admin: Admin, topic: str, replication_factor: int) -> None:
    """Creates a missing dead letter topic with one partition, as Connect does. Its letters stay: they have the times of
    their records, so that a broker would delete those of old records, a backfill's say, within minutes.

    Raises TaskError if the broker refuses that, RetriableError if it is away.
    """
    if topic in admin.list_topics(timeout=30).topics:
        return
    try:
        _create(admin, topic, replication_factor)
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return
        text = f"Could not initialize dead letter queue with topic={topic}: {explained(reason, topic)}"
        if reason.code() == KafkaError.INVALID_REPLICATION_FACTOR:
            text += f" (errors.deadletterqueue.topic.replication.factor is {replication_factor})"
        raise (TaskError(text) if reason.code() in REFUSED else RetriableError(text)) from error


def _create(admin: Admin, topic: str, replication_factor: int) -> None:
    try:
        admin.create_topic(NewTopic(topic, 1, replication_factor, config=_KEPT))
        return
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() not in _OF_SETTINGS:
            raise
    admin.create_topic(NewTopic(topic, 1, replication_factor))
    text = "the broker does not accept retention.ms=-1 for %s (%s): it will delete letters of old records"
    log.warning(text, topic, reason.str())
