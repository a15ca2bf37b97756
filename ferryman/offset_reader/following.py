"""Follows a topic of source offsets and answers questions about it: ``reading_progress`` says when, ``view`` what.

One thread reads; another one puts the fences of questions, since the cluster's answer may take its time.
"""

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from ferryman.errors import RefusedError, RetriableError
from ferryman.offset_reader.brokers import AT_ONCE, PASSING, Brokers, Topic
from ferryman.offset_reader.reading_progress import Ends, ReadingProgress
from ferryman.offsets.source_offsets import parsed_key
from ferryman.offsets.view import Entry, View
from ferryman.record import Payload

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""Seconds that a poll waits for records."""
PROGRESS_SECONDS = 1.0
"""Seconds between two reports to those who wait."""
RESTARTS = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
"""What the client says where its position is none of the topic's any more."""


class Question(NamedTuple):
    """Somebody wants the offsets of a connector."""

    ask: int
    """What the answer is called."""
    connector: str


class Answers(Protocol):
    """The listener for answers to questions; called on threads of the reader's own."""

    def found(self, question: Question, entries: Sequence[Entry]) -> None:
        """All that was committed before it was put."""

    def waits(self, question: Question, silence: float, reason: str) -> None:
        """It has made no progress for this many seconds."""

    def failed(self, question: Question, error: RetriableError) -> None:
        """There is no answer."""


@dataclass(slots=True)
class _Waiting:
    question: Question
    fence: Ends
    since: float = field(default_factory=time.monotonic)
    """On the monotonic clock, when reading last made progress, or it was put."""


class Following:
    """Reads one topic, and answers what is asked about it."""

    def __init__(self, topic: str, brokers: Brokers, answers: Answers) -> None:
        self._topic, self._brokers, self._answers = topic, brokers, answers
        self._asked: SimpleQueue[Question] = SimpleQueue()
        self._lock = threading.Lock()
        """Held while what follows is read or changed."""
        self._known = Topic("", {})
        self._view, self._progress = View(), ReadingProgress()
        self._complete = False
        self._waiting: list[_Waiting] = []
        self._consumer: Consumer | None = None
        self._read_id = ""
        self._assigned: frozenset[int] = frozenset()
        """What the consumer reads: the id of the topic, and the partitions that it was given."""
        self._begun = threading.Event()
        self._told = time.monotonic()

    def ask(self, question: Question) -> None:
        """Puts a question; returns at once."""
        self._asked.put(question)

    def run(self) -> None:
        """For as long as the process lives."""
        threading.Thread(target=self._put_fences, name="fences", daemon=True).start()
        self._begun.wait()
        while True:
            self.turn()

    def turn(self) -> None:
        """Reads what there is, or waits a moment for it, and answers what can be answered."""
        of, consumer = self._assigned_consumer()
        first = consumer.poll(POLL_SECONDS)
        if first is not None:
            self._take(of, [first, *consumer.consume(AT_ONCE, 0)])
        self._look_behind(of)
        self._answer_ready()

    def _put_fences(self) -> None:
        while True:
            questions = [self._asked.get()]
            try:
                while True:
                    questions.append(self._asked.get_nowait())
            except Empty:
                self.fence(questions)

    def fence(self, questions: Sequence[Question]) -> None:
        """Puts one fence for all of these, none of which is later."""
        try:
            with self._lock:
                before = dict(self._progress.positions)
            found = self._brokers.look()
            same = found.id == self._known.id and all(found.ends.get(number, 0) >= at for number, at in before.items())
            beginnings = self._brokers.beginnings(found.ends.keys() - (before.keys() if same else set()))
        except RetriableError as error:
            for question in questions:
                self._answers.failed(question, error)
            return
        with self._lock:
            if not same or not before.keys() <= self._progress.positions.keys():
                self._anew()
            for number, beginning in beginnings.items():
                self._progress.begins(number, beginning)
            self._known = found
            self._waiting += [_Waiting(question, found.ends) for question in questions]
        self._begun.set()
        self._answer_ready()

    def _anew(self) -> None:
        """The topic is another one. Those who wait put their questions again."""
        if self._known.id:
            log.warning("%s was created anew, or lost records; it is read from its beginning", self._topic)
        self._view, self._progress, self._assigned, self._complete = View(), ReadingProgress(), frozenset(), False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self.ask(each.question)

    def _assigned_consumer(self) -> tuple[str, Consumer]:
        """The consumer, with all partitions that there are, and the id of the topic that they are of."""
        with self._lock:
            of, positions = self._known.id, dict(self._progress.positions)
            consumer, changed = self._consumer, positions.keys() != self._assigned
            self._assigned = frozenset(positions)
        if consumer is None or of != self._read_id:
            # A client that has known a topic of the name does not see the new one for minutes.
            if consumer is not None:
                consumer.close()
            consumer, changed = self._brokers.consumer(), True
            self._consumer, self._read_id = consumer, of
        if changed:
            # By number: to look for the beginning itself costs the client half a second, as it has no connection yet.
            consumer.assign([TopicPartition(self._topic, number, offset) for number, offset in positions.items()])
        return of, consumer

    def close(self) -> None:
        """Lets the consumer go."""
        if self._consumer is not None:
            self._consumer.close()

    def _take(self, of: str, messages: Sequence[Message]) -> None:
        with self._lock:
            if of != self._known.id or not self._assigned:
                return  # they are of a topic that is no more
            progress = [self._takes(message) for message in messages]
            if any(progress):
                for each in self._waiting:
                    each.since = time.monotonic()
            if not self._complete and self._progress.at_end >= self._progress.positions.keys():
                self._complete = True
                self._view.complete()

    def _takes(self, message: Message) -> bool:
        error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
        if number not in self._progress.positions and (error is None or error.code() == KafkaError._PARTITION_EOF):
            return False  # of before it began anew
        if error is None:
            self._view.load(number, message.timestamp()[1], _bytes(message.key()), _bytes(message.value()))
            return self._progress.read(number, offset + 1)
        if error.code() == KafkaError._PARTITION_EOF:
            return self._progress.ended(number, offset)
        if error.code() in RESTARTS:
            self._known = Topic("", {})
            self._anew()
        elif error.code() not in PASSING:
            self._fail(self._brokers.failure(error))
        return False

    def _fail(self, error: RetriableError) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._answers.failed(each.question, error)

    def _look_behind(self, of: str) -> None:
        """Reads what is hidden behind open transactions, if somebody waits for it."""
        with self._lock:
            unseen = self._progress.unseen(each.fence for each in self._waiting)
        if not unseen:
            return
        try:
            for found in self._brokers.uncommitted(unseen):
                with self._lock:
                    if of == self._known.id:
                        self._saw(found)
        except RetriableError as error:
            with self._lock:
                self._fail(error)

    def _saw(self, found: Message | tuple[int, int]) -> None:
        if isinstance(found, tuple):
            self._progress.saw_all(*found)
        else:
            key = parsed_key(_bytes(found.key()))
            self._progress.saw(found.partition() or 0, found.offset() or 0, None if key is None else key[0])

    def _answer_ready(self) -> None:
        with self._lock:
            self._progress.forget_what_shows()
            now, waiting = time.monotonic(), self._waiting
            told = now - self._told >= PROGRESS_SECONDS
            self._told = now if told else self._told
            ways = [(each, self._progress.in_the_way(each.question.connector, each.fence)) for each in waiting]
            self._waiting = [each for each, way in ways if way]
            ready = [(each.question, self._view.of(each.question.connector)) for each, way in ways if not way]
            news = [(each.question, now - each.since, self._reason(way)) for each, way in ways if way and told]
        for question, entries in ready:
            self._answers.found(question, entries)
        for each in news:
            self._answers.waits(*each)

    def _reason(self, way: Ends) -> str:
        stands = {number: offset for number, offset in way.items() if number in self._progress.at_end}
        if not stands:
            return "the broker does not answer"
        where = ", ".join(f"{self._topic}-{number}@{offset}" for number, offset in sorted(stands.items()))
        return f"another producer's transaction is open at {where} and hides what comes after it until it ends"


def refused_key(error: RetriableError) -> str:
    """The key that is most likely wrong, where the cluster has refused; else nothing."""
    return error.key if isinstance(error, RefusedError) else ""


def _bytes(value: str | bytes | None) -> Payload:
    return value.encode() if isinstance(value, str) else value
