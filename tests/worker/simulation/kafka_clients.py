"""librdkafka's Producer, Consumer and AdminClient over simulated topics and networks, with what workers use of them.

Production's KafkaLog, PlainWriter, FencedWriter and StatusWriter are what runs on them.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.worker.simulation import threads
from tests.worker.simulation.machine import Host
from tests.worker.simulation.network import Link
from tests.worker.simulation.topics import Entry, Kafka

ANSWER = 2.0
"""Seconds without an answer after which a request is sent again."""
IDLE = 1.0
"""Seconds that a producer is polled at once while nothing stirs, however short the polls: each of them costs time."""
QUIET = 30.0
"""The same of a consumer, which nobody polls for what the clock alone brings about."""


@dataclass(frozen=True)
class Message:
    """A record as a consumer hands it over, and as a producer reports it."""

    at: int
    entry: Entry | None = None
    failure: KafkaError | None = None

    def error(self) -> KafkaError | None:
        return self.failure

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return 1, 0 if self.entry is None else self.entry.timestamp

    def key(self) -> bytes | None:
        return None if self.entry is None else self.entry.key

    def value(self) -> bytes | None:
        return None if self.entry is None else self.entry.value


class Request:
    """Something that the brokers are to do, sent again and again until there is an answer. ``once``: they know what
    they have done already."""

    def __init__(
        self,
        host: Host,
        link: Link,
        does: Callable[[], Any],
        within: float,
        then: Callable[[Any], None],
        once: bool = True,
    ) -> None:
        self.over = False
        """Whether nobody waits for it any more."""
        self._next: asyncio.TimerHandle | None = None
        """The next time that it is sent."""
        self._host, self._link, self._does, self._then, self._once = host, link, does, then, once
        self._until = host.loop.time() + within
        self._found: list[Any] = []
        self._try()

    def _try(self) -> None:
        if self.over:
            return
        if self._host.loop.time() >= self._until:
            self._answered(KafkaError(KafkaError._MSG_TIMED_OUT, "timed out"))
            return
        self._link.sends(self._arrives)
        self._next = self._host.loop.call_later(ANSWER, self._try)

    def _arrives(self) -> None:
        if not self._found or not self._once:
            self._found[:] = [self._does()]
        self._link.answers(lambda: self._answered(self._found[0]))

    def _answered(self, answer: Any) -> None:
        if not self.over:
            self.ends()
            self._then(answer)

    def ends(self) -> None:
        """Nobody waits for it any more."""
        self.over = True
        if self._next is not None:
            self._next.cancel()


def asked(host: Host, link: Link, does: Callable[[], Any], within: float) -> Any:
    """For threads: the brokers' answer. KafkaException if it is an error, or there is none in so many seconds."""
    found: list[Any] = []
    done = threads.Event()

    def then(answer: Any) -> None:
        found.append(answer)
        done.set()

    request = Request(host, link, does, within + ANSWER, then)
    done.wait(within)
    host.loop.call_soon(request.ends)
    if not found:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "no broker answers", False, True))
    if isinstance(found[0], KafkaError):
        raise KafkaException(found[0])
    return found[0]


@dataclass
class _Record:
    """A record on its way to the brokers."""

    append: Callable[[], Any]
    told: Callable[..., None] | None
    request: Request | None = None


class Producer:
    """A producer, with transactions or without."""

    def __init__(self, config: Mapping[str, Any], host: Host, link: Link, kafka: Kafka) -> None:
        self._host, self._link, self._kafka = host, link, kafka
        self._id = config.get("transactional.id")
        self._delivery = float(config.get("message.timeout.ms", config.get("delivery.timeout.ms", 120_000))) / 1000
        self._once = bool(config.get("enable.idempotence", True))
        self._claim: tuple[str, int] | None = None
        self._queue: deque[_Record] = deque()
        self._told: deque[Callable[[], None]] = deque()
        self._heard = threads.Condition()

    def init_transactions(self, within: float) -> None:
        assert self._id is not None
        name = str(self._id)
        self._claim = name, asked(self._host, self._link, lambda: self._kafka.claim(name), within)

    def begin_transaction(self) -> None:
        assert self._claim is not None

    def produce(
        self, topic: str, value: bytes | None, key: bytes | None, on_delivery: Callable[..., None] | None = None
    ) -> None:
        writer, claim = self._host.name, self._claim
        self._kafka.handed_over(writer, topic, key, claim)
        self._queue.append(_Record(lambda: self._kafka.append(writer, topic, key, value, claim), on_delivery))
        self._host.loop.call_soon(self._next)

    def _next(self) -> None:
        """One at a time, so that they stay in order."""
        if self._queue and self._queue[0].request is None:
            first = self._queue[0]
            first.request = Request(
                self._host,
                self._link,
                first.append,
                self._delivery,
                lambda answer: self._delivered(first, answer),
                once=self._once,
            )

    def _delivered(self, record: _Record, answer: Any) -> None:
        self._queue.popleft()
        told = record.told
        if told is not None:
            failed = isinstance(answer, KafkaError)
            self._told.append(lambda: told(answer if failed else None, Message(-1 if failed else answer)))
        with self._heard:
            self._heard.notify_all()
        self._next()

    def poll(self, timeout: float) -> int:
        if not self._told:
            with self._heard:
                self._heard.doze(timeout, max(timeout, IDLE))
        count = len(self._told)
        while self._told:
            self._told.popleft()()
        return count

    def commit_transaction(self, within: float) -> None:
        self._finishes("committed", within)

    def abort_transaction(self, within: float) -> None:
        self._finishes("aborted", within)

    def _finishes(self, state: str, within: float) -> None:
        claim = self._claim
        assert claim is not None
        asked(self._host, self._link, lambda: self._kafka.finish(claim, state), within)

    def purge(self) -> None:
        for record in self._queue:
            if record.request is not None:
                record.request.ends()
        self._queue.clear()

    def flush(self, within: float) -> int:
        return 0


class Consumer:
    """A consumer of one topic that reads it from its beginning."""

    def __init__(self, config: Mapping[str, Any], host: Host, link: Link, kafka: Kafka) -> None:
        self._host, self._link, self._kafka = host, link, kafka
        self._committed = config.get("isolation.level", "read_committed") == "read_committed"
        self._topic, self._at, self._told_end = "", 0, -1
        self._again: asyncio.TimerHandle | None = None
        """The next fetch, if this one is not answered."""
        self._ready: deque[Message] = deque()
        self._news = threads.Condition()

    def list_topics(self, topic: str, timeout: float) -> Any:
        asked(self._host, self._link, lambda: None, timeout)
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions={0: None})})

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Reads on from there; what was fetched before is not handed out any more."""
        self._topic, self._at, self._told_end = partitions[0].topic, max(partitions[0].offset, 0), -1
        self._ready.clear()
        if self._again is not None:
            self._again.cancel()
        self._host.loop.call_soon(self._fetch)

    def _fetch(self) -> None:
        """Asks for what comes next, and again when there was no answer."""
        if self._topic:
            at = self._at
            self._link.sends(lambda: self._asked(at))
            self._again = self._host.loop.call_later(5 * ANSWER, self._fetch)

    def _asked(self, at: int) -> None:
        """At the broker, which waits a while until there is something."""
        topic = self._kafka.topic(self._topic)
        end = topic.end(self._committed)
        if end > at or self._told_end < at:
            found = self._kafka.read(self._topic, at, self._committed)
            self._link.answers(lambda: self._got(at, end, found))
            return
        changed = self._kafka.loop.create_future()
        topic.changed.append(changed)
        changed.add_done_callback(lambda _: None if self._host.dead else self._asked(at))

    def _got(self, at: int, end: int, found: Sequence[tuple[int, Entry]]) -> None:
        if at != self._at or not self._topic or (end == at and self._told_end == at):
            return
        self._ready.extend(Message(offset, entry) for offset, entry in found)
        self._ready.append(Message(end, failure=KafkaError(KafkaError._PARTITION_EOF, "its end")))
        self._at = self._told_end = end
        if self._again is not None:
            self._again.cancel()
        with self._news:
            self._news.notify_all()
        self._fetch()

    def poll(self, timeout: float) -> Message | None:
        if not self._ready:
            with self._news:
                self._news.doze(timeout, QUIET)
        return self._ready.popleft() if self._ready else None

    def consume(self, most: int, timeout: float) -> list[Message]:
        return [self._ready.popleft() for _ in range(min(most, len(self._ready)))]

    def close(self) -> None:
        self._topic = ""


class AdminClient:
    """An administrator, who knows where topics end."""

    def __init__(self, config: Mapping[str, Any], host: Host, link: Link, kafka: Kafka) -> None:
        self._host, self._link, self._kafka = host, link, kafka

    def list_offsets(
        self, wanted: Mapping[TopicPartition, Any], isolation_level: Any, request_timeout: float
    ) -> dict[TopicPartition, Any]:
        committed = isolation_level.name == "READ_COMMITTED"
        found = {}
        for each in wanted:
            end = asked(
                self._host,
                self._link,
                lambda each=each: self._kafka.topic(each.topic).end(committed),  # type: ignore[misc]
                request_timeout,
            )
            found[each] = SimpleNamespace(result=lambda end=end: SimpleNamespace(offset=end))
        return found

    def list_topics(self, topic: str = "", timeout: float = 5) -> Any:
        return SimpleNamespace(topics=self._kafka.topics)
