"""A consumer of a cluster in memory, for what no broker can be made to do on demand, and for every order of events.

As the real client does, it calls back only from inside of poll and consume, hands out nothing of a paused partition,
starts an assignment where ``assign`` says (where the group stands, if a callback did not say), lets go of what was
revoked even if a callback failed, has its commits refused when the group has moved on without it, and answers nothing
any more once it is closed.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, Message
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.record import TopicPartition
from tests.kafka.cluster_in_memory import Cluster, failed

Callback = Callable[[Any, list[ClientPartition]], None]


@dataclass
class Answer:
    """A partition of the client's with an error, as only the client itself can make one."""

    topic: str
    partition: int
    offset: int = OFFSET_INVALID
    metadata: str | None = None
    error: KafkaError | None = None


class FakeConsumer:
    """One member of the cluster's one group, or a reader that assigns itself."""

    def __init__(
        self,
        cluster: Cluster,
        idle: Callable[[float], None] = lambda seconds: None,
        tells_ends: bool = False,
        committed_only: bool = False,
    ) -> None:
        self.cluster = cluster
        self.tells_ends, self.committed_only = tells_ends, committed_only
        self._ended: set[tuple[TopicPartition, int]] = set()
        """The ends that were told (``enable.partition.eof``)."""
        self.subscribed: list[str] | None = None
        self.paused: set[TopicPartition] = set()
        self.resumed = 0
        """How often it was told to go on."""
        self.closed = False
        self.commits: list[dict[TopicPartition, tuple[int, str]]] = []
        """The commits that the group has accepted."""
        self.answers: deque[int | list[int | None]] = deque()
        """Error codes of the next commits: of the whole, or one a partition."""
        self.polled_at: list[float] = []
        """How long each poll was willing to wait."""
        self._idle = idle
        self._positions: dict[TopicPartition, int] = {}
        self._events: deque[tuple[str, Sequence[TopicPartition]]] = deque()
        self._errors: deque[Message] = deque()
        self._callbacks: dict[str, Callback] = {}
        self._generation = -1
        self._answered = False
        """Whether the callback that runs has said what is assigned now."""

    # What happens to it.

    def give(self, *sources: TopicPartition) -> None:
        """The coordinator assigns partitions; the member learns of it in its next poll."""
        self._events.append(("assign", sources))

    def take(self, *sources: TopicPartition) -> None:
        """The coordinator wants partitions back, and waits for the member to let go of them."""
        self._events.append(("revoke", sources))

    def lose(self, *sources: TopicPartition) -> None:
        """The coordinator has given the partitions to somebody else."""
        self.cluster.generation += 1
        self._events.append(("lost", sources))

    def fail(self, code: int, **facts: Any) -> None:
        """The next thing that poll hands out is an error."""
        self._errors.append(Message(topic=facts.pop("topic", None), error=KafkaError(code, **facts)))

    @property
    def heard_all(self) -> bool:
        """Whether it was called back about everything that has happened to it."""
        return not self._events

    # What the client can do.

    def subscribe(self, topics: list[str], on_assign: Callback, on_revoke: Callback, on_lost: Callback) -> None:
        self._check()
        self.subscribed = topics
        self._callbacks = {"assign": on_assign, "revoke": on_revoke, "lost": on_lost}

    def unsubscribe(self) -> None:
        self._check()
        self.subscribed = None
        if self._positions:
            self._events.append(("revoke", list(self._positions)))

    def poll(self, timeout: float) -> Message | None:
        self._check()
        self.polled_at.append(timeout)
        self._serve()
        message = self._next()
        if message is None:
            self._idle(timeout)
        return message

    def consume(self, num_messages: int, timeout: float) -> list[Message]:
        self._check()
        if not 0 <= num_messages <= 1_000_000:
            raise ValueError("num_messages must be between 0 and 1000000 (1M)")
        self._serve()
        found = iter(self._next, None)
        messages = [message for _, message in zip(range(num_messages), found, strict=False)]
        if not messages:
            self._idle(timeout)
        return messages

    def assign(self, partitions: list[ClientPartition]) -> None:
        self._check()
        self._answered = True
        self._positions = {TopicPartition(each.topic, each.partition): each.offset for each in partitions}
        self.paused &= set(self._positions)

    def incremental_assign(self, partitions: list[ClientPartition]) -> None:
        self._check()
        self._answered = True
        fresh = {TopicPartition(each.topic, each.partition): each.offset for each in partitions}
        assert not fresh.keys() & self._positions.keys()
        self._positions |= fresh

    def incremental_unassign(self, partitions: list[ClientPartition]) -> None:
        self._check()
        self._answered = True
        for each in partitions:
            del self._positions[TopicPartition(each.topic, each.partition)]
        self.paused &= set(self._positions)

    def unassign(self) -> None:
        self._check()
        self._answered = True
        self._positions = {}

    def assignment(self) -> list[ClientPartition]:
        self._check()
        return [ClientPartition(*source, position) for source, position in self._positions.items()]

    def pause(self, partitions: list[ClientPartition]) -> None:
        self._check()
        self.paused |= {TopicPartition(each.topic, each.partition) for each in partitions}

    def resume(self, partitions: list[ClientPartition]) -> None:
        self._check()
        self.resumed += 1
        self.paused -= {TopicPartition(each.topic, each.partition) for each in partitions}

    def commit(self, offsets: list[ClientPartition], asynchronous: bool) -> list[Any]:
        self._check()
        assert not asynchronous
        wanted = {TopicPartition(each.topic, each.partition): (each.offset, each.metadata or "") for each in offsets}
        if self._generation != self.cluster.generation:
            raise failed(KafkaError.ILLEGAL_GENERATION)
        answer = self.answers.popleft() if self.answers else []
        if isinstance(answer, int):
            raise failed(answer)
        codes = [*answer, *[None] * (len(wanted) - len(answer))]
        accepted = {source: each for (source, each), code in zip(wanted.items(), codes, strict=True) if code is None}
        self.cluster.committed |= accepted
        self.commits.append(accepted)
        return [
            Answer(*source, offset, metadata, None if code is None else KafkaError(code))
            for (source, (offset, metadata)), code in zip(wanted.items(), codes, strict=True)
        ]

    def committed(self, partitions: list[ClientPartition], timeout: float) -> list[Any]:
        self._check()
        found = []
        for each in partitions:
            offset, metadata = self.cluster.committed.get(TopicPartition(each.topic, each.partition), (None, None))
            found.append(Answer(each.topic, each.partition, OFFSET_INVALID if offset is None else offset, metadata))
        return found

    def list_topics(self, topic: str, timeout: float) -> Any:
        self._check()
        found = self.cluster.topics.get(topic)
        error = None if found else KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        partitions = dict.fromkeys(range(len(found.logs))) if found else {}
        return SimpleNamespace(topics={topic: SimpleNamespace(error=error, partitions=partitions)})

    def get_watermark_offsets(self, partition: Any, timeout: float = 0.0, cached: bool = False) -> tuple[int, int]:
        self._check()
        return self.cluster.bounds(TopicPartition(partition.topic, partition.partition))

    def close(self) -> None:
        self.closed = True

    # How it does it.

    def _check(self) -> None:
        if self.closed:
            raise RuntimeError("Consumer closed")

    def _serve(self) -> None:
        while self._events:
            event, sources = self._events.popleft()
            self._answered = False
            if event == "assign":
                self.cluster.generation += 1
                self._generation = self.cluster.generation
            self._callbacks[event](self, [ClientPartition(*source) for source in sources])
            if not self._answered and event == "assign":
                known = {
                    source: self.cluster.committed[source] for source in sources if source in self.cluster.committed
                }
                self.assign([ClientPartition(*source, offset) for source, (offset, _) in known.items()])
            elif not self._answered:
                self.unassign()

    def _next(self) -> Message | None:
        if self._errors:
            return self._errors.popleft()
        for source, position in self._positions.items():
            begins, ends = self.cluster.bounds(source) if source.topic in self.cluster.topics else (0, 0)
            at = begins if position == OFFSET_BEGINNING else position
            if self.committed_only:
                ends = min(ends, self.cluster.open_from.get(source, ends))
            if source not in self.paused and at < ends:
                self._positions[source] = at + 1
                return self.cluster.topics[source.topic].logs[source.partition][at]
            if self.tells_ends and (source, at) not in self._ended:
                self._ended.add((source, at))
                return Message(
                    topic=source.topic,
                    partition=source.partition,
                    offset=at,
                    error=KafkaError(KafkaError._PARTITION_EOF),
                )
        return None
