"""A producer into a cluster in memory, for answers that no broker gives on demand.

As the real client: what is produced waits in a queue of limited size until it is polled; an idempotent transactional
one takes records only inside a transaction, of which readers see all or nothing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from ferryman.record import TopicPartition
from tests.kafka.cluster_in_memory import Cluster, failed


@dataclass
class Sent:
    """One message on its way."""

    topic: str
    value: bytes | None
    key: bytes | None
    partition: int
    timestamp: int
    headers: Sequence[tuple[str, bytes | None]]
    answered: Callable[[KafkaError | None, Any], None] | None = None


class FakeProducer:
    """A transactional producer, or a plain one."""

    def __init__(
        self, cluster: Cluster, room: int = 1000, largest: int = 1_000_000, transactional: bool = True
    ) -> None:
        self.cluster, self.transactional = cluster, transactional
        self.room, self.largest = room, largest
        self.queue: deque[Sent] = deque()
        self.taken: list[Sent] = []
        """What the broker has of the open transaction."""
        self.sent: list[Sent] = []
        """All that was ever committed."""
        self.calls: list[str] = []
        self.fails: dict[str, KafkaException] = {}
        """Raised by the call of that name, once."""
        self.broker_answers = True
        self.refused: Callable[[Sent], int | None] = lambda message: None
        """The code by which the broker refuses a message, if it does."""
        self.refuses: dict[str, int] = {}
        """What the broker answers who asks for a topic, by its name."""
        self.absent: set[str] = set()
        """Topics that there are not, and that nobody makes."""
        self.when_polled: Callable[[], object] = lambda: None
        self.purged = False
        self._open = False

    def __len__(self) -> int:
        return len(self.queue)

    def init_transactions(self, timeout: float) -> None:
        self._called("init")

    def begin_transaction(self) -> None:
        self._called("begin")
        if self._open:
            raise failed(KafkaError._STATE)
        self._open = True

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = -1,
        callback: Any = None,
        on_delivery: Any = None,
        timestamp: int = 0,
        headers: Any = None,
    ) -> None:
        self._raise("produce")
        if self.transactional and not self._open:
            raise failed(KafkaError._STATE)
        if len(value or b"") > self.largest:
            raise failed(KafkaError.MSG_SIZE_TOO_LARGE)
        if len(self.queue) >= self.room:
            raise BufferError("Local: Queue full")
        self.queue.append(Sent(topic, value, key, partition, timestamp, headers or [], on_delivery or callback))

    def poll(self, timeout: float) -> int:
        self.when_polled()
        if not self.broker_answers:
            return 0
        count, messages = len(self.queue), list(self.queue)
        self.queue.clear()
        if self.transactional:
            self.taken += messages
        else:
            self._write(messages)
        return count

    def _write(self, messages: Sequence[Sent]) -> None:
        for each in messages:
            if each.topic not in self.cluster.topics:
                self.cluster.create(each.topic)
            partition = max(each.partition, 0)
            self.cluster.append(TopicPartition(each.topic, partition), each.value, each.key, each.headers or None)
            if each.answered is not None:
                each.answered(None, each)
        self.sent += messages

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        return len(self.queue)

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> Any:
        if topic is None:
            return SimpleNamespace(topics=self.cluster.topics)
        self._raise("list_topics")
        absent = dict.fromkeys(self.absent, KafkaError.UNKNOWN_TOPIC_OR_PART)
        code = (self.refuses | absent).get(topic)
        error = None if code is None else KafkaError(code)
        return SimpleNamespace(topics={topic: SimpleNamespace(error=error)})

    def commit_transaction(self, timeout: float = -1) -> None:
        self._called("commit")
        self.poll(0)
        if self.purged:
            raise KafkaException(KafkaError(KafkaError._INCONSISTENT, "failed delivery", False, False, True))
        if not self.broker_answers:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "retry call to resume", False, True, False))
        codes = [(each, code) for each in self.taken if (code := self.refused(each)) is not None]
        for message, code in codes:
            assert message.answered is not None
            message.answered(KafkaError(code, "refused"), message)
        if codes:
            raise KafkaException(KafkaError(KafkaError._INCONSISTENT, "failed delivery", False, False, True))
        self._write(self.taken)
        self._end()

    def purge(self) -> None:
        self.purged = bool(self.queue)
        self.queue.clear()

    def abort_transaction(self, timeout: float = -1) -> None:
        self._called("abort")
        self._end()

    def _end(self) -> None:
        self.queue.clear()
        self.taken, self._open = [], False

    def _called(self, name: str) -> None:
        self.calls.append(name)
        self._raise(name)

    def _raise(self, name: str) -> None:
        error = self.fails.pop(name, None)
        if error is not None:
            raise error
