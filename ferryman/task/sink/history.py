"""Records of a run's partitions read a second time, beside the group: a consumer that is assigned and joins nothing."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.chain.chain import Chain
from ferryman.kafka.raw_batches import by_partition
from ferryman.record import Batch, Polled, TopicPartition, in_order
from ferryman.task.crash_evidence.at_work import CONVERT, AtWork, Offsets
from ferryman.task.crash_evidence.guilty import Guilty, parted
from ferryman.task.sink.group import readable

AT_ONCE = 2_000
"""Records in one poll."""
MAX_RECORDS_AHEAD = 10_000
"""Records of a partition that may have come before they are wanted; then it is paused."""
POLL_SECONDS = 0.05


@dataclass
class Ahead:
    """One partition."""

    following: int
    """The next offset to be handed out."""
    polled: int
    """The next one to come from the broker, whatever may be missing before it."""
    waiting: deque[Polled] = field(default_factory=deque)
    """What has come and was not wanted yet."""

    @property
    def paused(self) -> bool:
        """Whether enough has come."""
        return sum(map(len, self.waiting)) >= MAX_RECORDS_AHEAD

    def take(self, behind: int) -> Iterator[Polled]:
        """What has come of the offsets before ``behind``; those are handed out then."""
        while self.waiting and self.waiting[0].offsets[0] < behind:
            polled = self.waiting.popleft()
            count = sum(offset < behind for offset in polled.offsets)
            if count < len(polled):
                self.waiting.appendleft(polled.slice(count, len(polled)))
            yield polled.slice(0, count)
        self.following = max(self.following, min(behind, self.polled))


@dataclass
class Reader:
    """See ``ferryman.api.History``. It is made when it is first needed."""

    make: Callable[[], Consumer]
    chain: Chain
    at_work: AtWork = field(default_factory=AtWork)
    """Where is noted which records are worked on: what is only looked through may kill a process as well."""
    guilty: Sequence[Guilty] = ()
    """Records that must not be touched. They are ignored, like others that cannot be converted."""
    _partitions: dict[TopicPartition, Ahead] = field(default_factory=dict)
    _consumer: Consumer | None = None
    _paused: set[TopicPartition] = field(default_factory=set)

    def begin(self, source: TopicPartition, offset: int) -> None:
        """See History."""
        self._partitions[source] = Ahead(offset, offset)
        self._assign()

    def end(self, source: TopicPartition) -> None:
        """See History."""
        if self._partitions.pop(source, None) is not None:
            self._assign()

    def close(self) -> None:
        """Ends the consumer."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def _assign(self) -> None:
        self._consumer, self._paused = self._consumer or self.make(), set()
        self._consumer.assign([ClientPartition(*source, each.polled) for source, each in self._partitions.items()])
        # The client remembers a pause over assignments, also of a partition that was not assigned meanwhile.
        self._consumer.resume([ClientPartition(*source) for source in self._partitions])

    def read(
        self, wanted: Mapping[TopicPartition, int], until: float
    ) -> Sequence[tuple[TopicPartition, Sequence[Batch], int]]:
        """See History. Raises what a consumer's error means."""
        if found := list(self._taken(wanted)):
            return found
        self._obey()
        while not (found := list(self._taken(wanted))) and time.monotonic() < until:
            self._poll(min(POLL_SECONDS, max(0.0, until - time.monotonic())))
        return found

    def _taken(self, wanted: Mapping[TopicPartition, int]) -> Iterator[tuple[TopicPartition, Sequence[Batch], int]]:
        for source, behind in wanted.items():
            ahead = self._partitions[source]
            before, batches = ahead.following, list[Batch]()
            for polled in ahead.take(behind):
                batches += self._batches(polled)
            if ahead.following > before:
                yield source, batches, ahead.following

    def _batches(self, polled: Polled) -> Sequence[Batch]:
        innocent, _ = parted(polled, self.guilty)
        if innocent is None:
            return []
        with self.at_work.on(CONVERT, [Offsets(*innocent.source, innocent.offsets[0], innocent.offsets[-1])]):
            decoded, _ = self.chain.decode(innocent)
            transformed, _ = self.chain.transform(decoded)
        return in_order(transformed)

    def _poll(self, wait: float) -> None:
        assert self._consumer is not None
        # Asked for many, the client waits for as many until the time is over, whatever has come.
        messages = self._consumer.consume(AT_ONCE, 0.0) or self._consumer.consume(1, wait)
        for message in messages:
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                self._reached(TopicPartition(message.topic() or "", message.partition() or 0), message.offset() or 0)
        for polled in by_partition([message for message in messages if readable(message)]):
            self._reached(polled.source, polled.offsets[-1] + 1)
            if polled.source in self._partitions:
                self._partitions[polled.source].waiting.append(polled)
        self._obey()

    def _reached(self, source: TopicPartition, offset: int) -> None:
        ahead = self._partitions.get(source)
        if ahead is not None:
            ahead.polled = max(ahead.polled, offset)

    def _obey(self) -> None:
        assert self._consumer is not None
        full = {source for source, each in self._partitions.items() if each.paused}
        if full - self._paused:
            self._consumer.pause([ClientPartition(*source) for source in full - self._paused])
        if self._paused - full:
            self._consumer.resume([ClientPartition(*source) for source in self._paused - full])
        self._paused = full
