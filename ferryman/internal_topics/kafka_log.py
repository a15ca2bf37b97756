"""A topic that is read whole, from its beginning to its end and then on as it grows (KafkaBasedLog).

The calls block; from an event loop, make them in a thread.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ferryman.errors import RetriableError
from ferryman.internal_topics.pulse import Pulse
from ferryman.internal_topics.writers import Ends, Entry, PlainWriter
from ferryman.kafka import permissions
from ferryman.kafka.admin import Admin
from ferryman.record import Payload

log = logging.getLogger(__name__)

METADATA_SECONDS = 30.0
"""Seconds that a topic which was just made may take to be known."""
_LOOK, _AT_ONCE = 0.2, 999
CLOSE_SECONDS = 30.0
"""Seconds that are waited for a client to be closed."""
STANDING_SECONDS = 5.0
"""Seconds without anything new, though there is more, after which a reader begins anew where it was."""
_BELIEVED_GONE = 5000
"""Milliseconds after which a topic that brokers do not know is taken for deleted; it was known before."""
_GONE = frozenset({KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION})


class LogRecord(NamedTuple):
    """A record as it is in the topic."""

    partition: int
    offset: int
    timestamp: int
    """Milliseconds since the epoch."""
    key: Payload
    value: Payload


Received = Callable[[Sequence[LogRecord]], None]
"""Called in a thread of the log's own with records that came, those of a partition in their order."""


class KafkaLog:
    """One topic. It lives through the brokers' outages and restarts; ``failure`` says what it cannot get over."""

    def __init__(
        self, topic: str, consumer: Mapping[str, Any], producer: Mapping[str, Any], received: Received
    ) -> None:
        self.topic = topic
        self._consumer_config = {
            "error_cb": self._heard,
            "topic.metadata.propagation.max.ms": _BELIEVED_GONE,
            **consumer,
            "enable.partition.eof": True,
        }
        committed = consumer.get("isolation.level", "read_committed") == "read_committed"
        self._isolation = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        self._admin = Admin(producer)
        self._writer = PlainWriter(topic, producer)
        self._received = received
        self._consumer: Consumer | None = None
        self._pulse = Pulse()
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._progress = threading.Condition()
        self._stands = False
        """Whether somebody has waited in vain for what is known to be there."""
        self._positions: dict[int, int] = {}
        self._failure: str | None = None
        self._missed: float | None = None
        """Since when brokers say that there is no such topic, in monotonic seconds; None while none does."""

    @property
    def failure(self) -> str | None:
        """Why nothing can be read, such as a topic that was deleted; None while all is well or Kafka is just away."""
        return self._failure

    def start(self, within: float = METADATA_SECONDS) -> None:
        """Reads to the end that the topic has now, however long that takes, and goes on in the background.

        Raises RetriableError if the topic is not known within so many seconds, or disappears meanwhile.
        """
        consumer = self._begun()
        try:
            partitions = self._partitions(consumer, time.monotonic() + within)
            consumer.assign([TopicPartition(self.topic, number, OFFSET_BEGINNING) for number in partitions])
        except BaseException:
            _close(consumer)
            raise
        self._positions = dict.fromkeys(partitions, 0)
        self._consumer = consumer
        self._thread = threading.Thread(target=self._tail, args=(consumer,), name=f"log {self.topic}", daemon=True)
        self._thread.start()
        self._reach(self._ends(None), None)

    def read_to_end(self, within: float) -> None:
        """Returns when all that the topic has now was received. Raises RetriableError after so many seconds."""
        deadline = time.monotonic() + within
        self._reach(self._ends(deadline), deadline)

    def read_up_to(self, ends: Ends, within: float) -> None:
        """Returns when what was written before these offsets was received. Raises RetriableError after so many
        seconds. After a transaction this is surer than ``read_to_end``: its records come a moment after it is known
        to be committed, and are not before the end until then."""
        self._reach(ends, time.monotonic() + within)

    def send(self, entries: Sequence[Entry], within: float) -> Ends:
        """Writes records, in this order, and waits until they are acknowledged: see ``Writer``. What was written is
        not received yet; ``read_up_to`` waits for that."""
        return self._writer.send(entries, within)

    def close(self) -> None:
        """Ends the thread and lets the clients go. Waiting calls raise RetriableError."""
        self._closing.set()
        with self._progress:
            self._progress.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._consumer is not None:
            _close(self._consumer).join(CLOSE_SECONDS)
        self._writer.close()

    def _partitions(self, consumer: Consumer, deadline: float) -> list[int]:
        while not self._closing.is_set():
            reason = f"there is no topic {self.topic}"
            try:
                found = consumer.list_topics(self.topic, timeout=5).topics[self.topic]
            except KafkaException as error:
                reason = error.args[0].str()
            else:
                if found.error is None and found.partitions:
                    return sorted(found.partitions)
            if time.monotonic() >= deadline:
                raise RetriableError(
                    f"Could not look up partition metadata for topic {self.topic} in allotted period: {reason}"
                )
            self._closing.wait(_LOOK)
        raise self._closed()

    def _ends(self, deadline: float | None) -> dict[int, int]:
        """The offsets at which the partitions end now; of what is committed, if that is all that is read.

        Asked by a client of its own: on the reader's connection the answer comes after that of a fetch that waits.
        """
        while not self._closing.is_set():
            left = 5.0 if deadline is None else deadline - time.monotonic()
            try:
                ends = self._ask(max(min(left, 5.0), 1.0))
            except KafkaException as error:
                self._check()
                if left <= 0:
                    raise self._late(error.args[0].str()) from error
                self._closing.wait(_LOOK)
            else:
                self._failure = None
                return ends
        raise self._closed()

    def _ask(self, within: float) -> dict[int, int]:
        wanted = {TopicPartition(self.topic, number): _latest() for number in self._positions}
        return {each.partition: end for each, end in self._admin.offsets(wanted, self._isolation, within).items()}

    def _reach(self, ends: Mapping[int, int], deadline: float | None) -> None:
        with self._progress:
            before, since = dict(self._positions), time.monotonic()
            while any(self._positions[number] < end for number, end in ends.items()):
                self._check()
                if self._positions != before:
                    before, since = dict(self._positions), time.monotonic()
                elif time.monotonic() >= since + STANDING_SECONDS:
                    self._stands, since = True, time.monotonic()
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise self._late("the broker does not answer, or a transaction is open")
                self._progress.wait(1.0 if left is None else min(left, 1.0))

    def _check(self) -> None:
        if self._closing.is_set():
            raise self._closed()
        if self._failure is not None:
            raise RetriableError(self._failure)

    def _closed(self) -> RetriableError:
        return RetriableError(f"{self.topic} is no longer being read")

    def _late(self, reason: str) -> RetriableError:
        return RetriableError(f"{self.topic} was not read to its end: {reason}")

    def _tail(self, consumer: Consumer) -> None:
        while not self._closing.is_set():
            self._look_for_it()
            if self._stands or self._pulse.dead:
                consumer = self._goes_on(consumer)
            first = consumer.poll(_LOOK)
            self._pulse.polled(time.monotonic())
            if first is not None:
                self._take([first, *consumer.consume(_AT_ONCE, 0)])

    def _goes_on(self, stuck: Consumer) -> Consumer:
        """Another consumer where this one was, which may be dead (see ``Pulse``)."""
        self._stands = False
        log.info("%s: nothing comes though there is more; it is read on by another client", self.topic)
        fresh = self._begun()
        fresh.assign([TopicPartition(self.topic, number, at) for number, at in self._positions.items()])
        self._consumer = fresh
        _close(stuck)
        return fresh

    def _begun(self) -> Consumer:
        self._pulse = Pulse()
        return Consumer(self._consumer_config | self._pulse.settings)

    def _take(self, messages: Sequence[Message]) -> None:
        records, positions = list[LogRecord](), dict[int, int]()
        for message in messages:
            error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
            if error is None:
                records.append(_record(message))
                positions[number] = offset + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                positions[number] = offset
            else:
                self._heard(error)
        if records:
            self._hand_over(records)
        if positions:
            self._failure = self._missed = None
        with self._progress:
            self._positions |= positions
            self._progress.notify_all()

    def _hand_over(self, records: Sequence[LogRecord]) -> None:
        try:
            self._received(records)
        except Exception:
            # The next records must come all the same: a reader that stands still would stop the whole worker.
            log.exception("%s: records from %s on could not be taken in", self.topic, records[0][:2])

    def _heard(self, error: KafkaError) -> None:
        """An error of the consumer. Most pass by themselves when the brokers are back. The client also looks for the
        coordinator of its group, though it never joins one: what it may do there is not asked for."""
        refused = permissions.refusal(error, "consumer")
        if error.code() in _GONE:
            self._missed = self._missed or time.monotonic()
        elif refused is not None and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            self._fail(f"the topic {self.topic} cannot be read: {error.name()}: {error.str()}")
        else:
            log.debug("%s: %s", self.topic, error.str())

    def _look_for_it(self) -> None:
        """Of several brokers one may not have heard yet of a topic that was just made; what is still not there after a
        while has been deleted."""
        if self._missed is None or time.monotonic() < self._missed + _BELIEVED_GONE / 1000:
            return
        self._missed = None
        try:
            known = self.topic in self._admin.list_topics(timeout=5).topics  # to ask for it by name might create it
        except KafkaException as error:
            log.debug("%s: %s", self.topic, error.args[0].str())
            self._missed = time.monotonic()
            return
        if not known:
            self._fail(f"the topic {self.topic} no longer exists")

    def _fail(self, failure: str) -> None:
        if failure != self._failure:
            log.error("%s", failure)
        self._failure = failure


def _close(consumer: Consumer) -> threading.Thread:
    """Lets a client go, on a thread of its own: that of a dead one never ends."""
    thread = threading.Thread(target=consumer.close, name="close", daemon=True)
    thread.start()
    return thread


def _latest() -> Any:
    return OffsetSpec.latest()  # type: ignore[no-untyped-call]


def _record(message: Message) -> LogRecord:
    number, offset = message.partition() or 0, message.offset() or 0
    return LogRecord(number, offset, message.timestamp()[1], _bytes(message.key()), _bytes(message.value()))


def _bytes(value: str | bytes | None) -> Payload:
    return value.encode() if isinstance(value, str) else value
