"""The topic of marks: read as a whole, and written by one at a time, who has fenced all others.

Marks are written in transactions of a producer whose transactional id is the topic's name. Who begins to write becomes
that producer, and reads after that: so what it reads is all there is, and what it writes is refused if another has
begun meanwhile.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from confluent_kafka.cimpl import NewTopic

from ferryman.connector import REPLAYED
from ferryman.dead_letters import mark
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.reading import Extent, Reader
from ferryman.errors import RequestError, RetriableError, TooLarge
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.kafka.refusals import PRODUCER_LIMIT, explained
from ferryman.record import Payload
from ferryman.replay import refusal
from ferryman.replay.refusal import Refusal

ANSWER_SECONDS = 30.0
"""Seconds for an answer of the broker."""
TOPIC_SECONDS, POLL_SECONDS = 10.0, 0.2
"""Seconds that a broker may take to make a topic, and between two looks whether it has."""
_ALL = 1 << 40
_FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one topic of dead letters. Methods block, and raise RetriableError or TaskError as ``Reader``."""

    clients: Clients
    """The clients of a connector that writes the letters."""
    letters: str
    """The topic of the letters."""
    topic_id: str
    """Its id."""

    @property
    def topic(self) -> str:
        """The topic of marks."""
        return self.letters + REPLAYED

    def read(self) -> dict[str, Mark]:
        """All of them, by the ids of their letters. RetriableError if that cannot be done in time."""
        return mark.parsed(contents(self.clients, self.topic), self.topic_id)

    @contextmanager
    def writing(self) -> Iterator["Writing"]:
        """Claims the right to write; creates the topic if there is none. RequestError 409 if it is fenced."""
        create(Admin(self.clients.admin()), self.topic, self.letters)
        ours = {"transactional.id": self.topic, "client.id": f"{self.clients.connector}-replays"}
        producer = Producer(self.clients.source_producer() | ours)
        try:
            with _answered(self.topic):
                producer.init_transactions(ANSWER_SECONDS)
                yield Writing(self, producer)
        finally:
            producer.purge()


@dataclass(frozen=True, slots=True)
class Writing:
    """The right to write marks, until another takes it."""

    marks: Marks
    producer: Producer
    _answers: list[tuple[str, KafkaError]] = field(default_factory=list)
    """What was said against records of the open transaction, by their topics."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within, or nothing. Raises KafkaException, and Refusal for what other topics than that of
        the marks do not take."""
        self._answers.clear()
        self.producer.begin_transaction()
        try:
            yield
            self.producer.commit_transaction(ANSWER_SECONDS)
        except BaseException as error:
            if not (isinstance(error, KafkaException) and error.args[0].fatal()):
                with suppress(KafkaException):  # the first error is the one to tell
                    self.producer.abort_transaction(ANSWER_SECONDS)
            with suppress(KafkaException):
                self.producer.poll(0)
            refused = refusal.of([each for each in self._answers if each[0] != self.marks.topic])
            if isinstance(error, KafkaException) and refused is not None:
                raise refused from error
            raise

    def refusal_of(self, topic: str) -> Refusal | None:
        """Why nothing can be written to a topic, as far as that is known before it is tried. Brokers that make topics
        by themselves are given time to do so. Raises KafkaException."""
        until = time.monotonic() + TOPIC_SECONDS
        while True:
            reason: KafkaError | None = self.producer.list_topics(topic, ANSWER_SECONDS).topics[topic].error
            if reason is None or not refusal.is_absence(reason) or time.monotonic() >= until:
                return None if reason is None else refusal.of([(topic, reason)])
            time.sleep(POLL_SECONDS)

    def mark(self, letter: str, doubles: Iterable[str], found: Mark) -> None:
        """Notes who has a letter, and that others of its record do not go."""
        self.produce(self.marks.topic, mark.key(self.marks.topic_id, letter), found.dump())
        for each in doubles:
            instead = replace(found, instead=letter)
            self.produce(self.marks.topic, mark.key(self.marks.topic_id, each), instead.dump())

    def produce(
        self,
        topic: str,
        key: Payload,
        value: Payload,
        headers: Sequence[tuple[str, Payload]] = (),
        timestamp: int | None = None,
        partition: int | None = None,
    ) -> None:
        """Writes one record, in the transaction that is open. ``timestamp`` is in milliseconds, None is now. Raises
        TooLarge for what the producer's own limits refuse, KafkaException."""
        more: dict[str, Any] = {"headers": list(headers), "timestamp": timestamp or 0}
        more["on_delivery"] = partial(self._answered, topic)
        more["partition"] = -1 if partition is None else partition
        while True:
            try:
                self.producer.produce(topic, key=key, value=value, **more)
                return
            except KafkaException as error:
                if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise TooLarge(f"The record is larger than {PRODUCER_LIMIT} allows") from error
                self._answers.append((topic, error.args[0]))
                raise
            except BufferError:
                self.producer.poll(0.1)

    def _answered(self, topic: str, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._answers.append((topic, error))


@contextmanager
def _answered(topic: str) -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() in _FENCED:
            text = f"Cannot complete request momentarily: another replay is being noted in {topic}"
            raise RequestError(409, text) from error
        raise RequestError(500, f"What is replayed cannot be noted in {topic}: {explained(reason, topic)}") from error


def contents(clients: Clients, topic: str) -> Mapping[bytes, Payload]:
    """The last value of each key in a compacted topic; nothing if there is no such topic."""
    found, extent = dict[bytes, Payload](), Extent()
    with closing(Reader(clients.group_reader() | {"auto.offset.reset": "earliest"}, topic)) as reader:
        for each in reader.newest(_ALL, time.monotonic() + 2 * ANSWER_SECONDS, extent):
            if each.key is not None:
                found[each.key] = each.value
    if not extent.complete:
        raise RetriableError(f"{topic} cannot be read to its end in time")
    return found


def create(admin: Admin, topic: str, like: str) -> None:
    """Makes the topic if it is missing, with as many replicas as another has. RequestError where the broker refuses."""
    there = admin.list_topics(timeout=ANSWER_SECONDS).topics
    if topic in there:
        return
    replication = max((len(each.replicas) for each in there[like].partitions.values()), default=-1)
    wanted = NewTopic(topic, 1, replication, config={"cleanup.policy": "compact"})
    try:
        admin.create_topic(wanted)
    except KafkaException as error:
        reason: KafkaError = error.args[0]
        if reason.code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise RequestError(500, f"Cannot make the topic {topic}: {explained(reason, topic)}") from error


def topic_id(admin: Admin, topic: str) -> str | None:
    """The id of a topic; None if there is none."""
    found = admin.described([topic]).get(topic)
    return None if found is None else str(found.topic_id)
