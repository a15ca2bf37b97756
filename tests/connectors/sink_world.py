"""Plays the runtime's part for one sink: what its group has committed, the process that runs it, and kills."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from ferryman.api import Assigned, Bad, Committed, Sink, SinkContext
from ferryman.errors import DataError, Indeterminate
from ferryman.record import Batch, Data, Headers, Polled, Rows, TopicPartition
from ferryman.runs.keys import RunKeys
from ferryman.runs.ranges import Range, Ranges
from ferryman.task.sink.runs.bounds import Bounds

SinkT = TypeVar("SinkT", bound=Sink[Any])
RecordT = TypeVar("RecordT")


class Killed(BaseException):
    """The process died here."""


@dataclass(kw_only=True)
class SinkWorld(Generic[SinkT]):
    """Partitions of a topic, what their group has committed, and the process that runs the sink."""

    whole: Mapping[str, str] | None = None
    """The connector's config, where it is not the usual one."""
    cluster: str = "c"
    topic_id: str = "id-1"
    beginning: int = 0
    group_protocol: Literal["classic", "consumer"] = "classic"
    latest: bool = False
    """Whether a partition without an offset is read from its end on, and not from its beginning."""
    ranges: Mapping[TopicPartition, Range] | None = None
    """What a run reads; None where it is none."""
    group: dict[TopicPartition, Committed] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    die_at: tuple[str, int] | None = None
    """A crash point, and at which visit the process dies there; it does at each later one too."""
    meanwhile: tuple[str, Callable[[], object]] | None = None
    """A crash point, and what happens elsewhere while the process is there."""
    requested: bool = False
    reported: list[tuple[int, str]] = field(default_factory=list)
    reports: int = 0
    """How often the sink has reported records together; their dead letters are waited for each time."""
    sink: SinkT | None = None

    @property
    def sources(self) -> Sequence[TopicPartition]:
        """The partitions that a new process gets."""
        raise NotImplementedError

    @property
    def usual(self) -> dict[str, str]:
        """The connector's config, as most tests want it."""
        raise NotImplementedError

    def made(self) -> SinkT:
        """A sink that has not been started."""
        raise NotImplementedError

    def log_end(self, source: TopicPartition) -> int:
        """Where the partition's log ends; far away, for tests that hand over what they like."""
        return 10**6

    @property
    def raw(self) -> dict[str, str]:
        return self.usual if self.whole is None else dict(self.whole)

    @property
    def running(self) -> SinkT:
        assert self.sink is not None
        return self.sink

    @property
    def committed(self) -> Committed | None:
        """What the group has of the first partition, for tests that have no other."""
        return self.group.get(self.sources[0])

    @committed.setter
    def committed(self, found: Committed | None) -> None:
        self.group.pop(self.sources[0], None)
        if found is not None:
            self.group[self.sources[0]] = found

    def context(self) -> SinkContext:
        return SinkContext(
            connector=self.raw["name"],
            task=0,
            cluster=self.cluster,
            raw=self.raw,
            crash_point=self.crash_point,
            report=self.report,
            report_all=self.report_all,
            request_commit=self.request,
            commit=self.accept,
            group_protocol=self.group_protocol,
        )

    def crash_point(self, name: str) -> None:
        if self.meanwhile is not None and name == self.meanwhile[0]:
            self.meanwhile[1]()
        if self.die_at is not None and name == self.die_at[0]:
            self.die_at = name, self.die_at[1] - 1
            if self.die_at[1] <= 0:
                raise Killed(name)

    def report(self, batch: Batch, index: int, error: Exception) -> None:
        self.reported.append((batch.offsets[index], str(error)))

    def report_all(self, found: Sequence[Bad]) -> None:
        self.reports += 1
        for each in found:
            self.report(*each)

    def request(self) -> None:
        self.requested = True

    def begin(self, *sources: TopicPartition) -> SinkT:
        """A new process starts and gets the partitions, all of them if none are named."""
        self.kill()
        self.requested = False
        self.sink = self.made()
        self.sink.start()
        bounds = self.bounds
        assigned = bounds.placed([self.assigned(source) for source in sources or self.sources])
        self.positions = {each.source: each.start or 0 for each in assigned}
        self.positions |= bounds.begun({**self.positions, **self.sink.open(assigned)})
        return self.sink

    @property
    def bounds(self) -> Bounds:
        """What keeps a run to its ranges."""
        if self.ranges is None:
            return Bounds()
        ranges = Ranges({source.topic: self.topic_id for source in self.ranges}, self.ranges)
        return Bounds(RunKeys.of({"ferryman.run.ranges": ranges.dump()}))

    def assigned(self, source: TopicPartition) -> Assigned:
        """The partition as the group sees it."""
        committed, end = self.group.get(source), self.log_end(source)
        start = end if self.latest else self.beginning
        if committed is not None and self.beginning <= committed.offset <= end:
            start = committed.offset
        return Assigned(source, self.topic_id, committed, self.beginning, end, start)

    def kill(self) -> None:
        """The process is gone, with its connections."""
        if self.sink is not None:
            self.gone(self.sink)
            self.sink = None

    def gone(self, sink: SinkT) -> None:
        """What the system does to a killed process."""
        sink.stop()

    def end(self) -> None:
        """The task stops in order."""
        self.commit()
        self.running.close(list(self.positions))
        self.running.stop()
        self.sink = None

    def commit(self, answered: bool = True, accepted: bool = True) -> None:
        """The loop's commit. Raises Indeterminate if it gets no answer; refused, nothing happened."""
        self.requested = False
        wanted = self.running.pre_commit(dict(self.positions))
        if accepted:
            self.accept(wanted, answered)

    def accept(self, wanted: Mapping[TopicPartition, Committed], answered: bool = True) -> None:
        """The group takes what was delivered and is news, of the loop's commit or of one that the sink demands."""
        delivered = {source: each for source, each in wanted.items() if each.offset <= self.positions[source]}
        news = {source: each for source, each in delivered.items() if self.group.get(source) != each}
        if not news:
            return
        for source, each in news.items():
            assert source not in self.group or each.offset >= self.group[source].offset
            assert len(each.metadata.encode()) <= 4096
        self.group |= news
        if not answered:
            raise Indeterminate("the answer never came")
        self.running.committed(news)

    def narrowed(self, batch: Batch) -> list[int]:
        """Puts a batch as the runtime does: halves what fails, down to the guilty records. The offsets of these, and of
        those that the sink reports."""
        waiting, guilty = [batch], []
        while waiting:
            piece, before = waiting.pop(), len(self.reported)
            try:
                self.running.put_batches([piece])
            except DataError as error:
                if len(piece) > 1:
                    middle = len(piece) // 2
                    waiting += [piece.slice(middle, len(piece)), piece.slice(0, middle)]
                    continue
                self.report(piece, 0, error)
                guilty.append(piece.offsets[0])
            else:
                guilty += [offset for offset, _ in self.reported[before:]]
            self.positions[piece.source] = piece.offsets[-1] + 1
        return guilty


@dataclass(kw_only=True)
class LogWorld(SinkWorld[SinkT], Generic[SinkT, RecordT]):
    """The same with the partitions' logs, from which the sink is given what follows."""

    logs: dict[TopicPartition, list[RecordT]] = field(default_factory=dict)

    @property
    def sources(self) -> Sequence[TopicPartition]:
        return list(self.logs)

    def log_end(self, source: TopicPartition) -> int:
        return len(self.logs[source])

    def batch(self, source: TopicPartition, start: int, records: Sequence[RecordT]) -> Batch:
        """Records from an offset on."""
        raise NotImplementedError

    def produce(self, source: TopicPartition, *records: RecordT) -> None:
        """Appends to a partition."""
        self.logs[source] += records

    def put(self, source: TopicPartition, count: int = 1_000_000) -> None:
        """Hands over the next records."""
        start = self.positions[source]
        records = self.logs[source][start : start + count]
        if records:
            self.narrowed(self.batch(source, start, records))

    def drain(self) -> None:
        """Reads everything, with as many commits as that takes."""
        for _ in range(3):
            for source in self.positions:
                self.put(source)
            self.commit()


def batch_at(
    source: TopicPartition,
    at: int,
    value: Data,
    *,
    key: Data | None = None,
    timestamps: Sequence[int] | None = None,
    headers: Sequence[Headers] | None = None,
) -> Batch:
    """Records of a partition from an offset on, as they come from the converters."""
    count = len(value)
    times = [0] * count if timestamps is None else timestamps
    return Batch(
        topic=source.topic,
        partition=source.partition,
        key=Rows(None, [None] * count) if key is None else key,
        value=value,
        timestamps=times,
        headers=headers,
        origin=Polled(*source, range(at, at + count), times, [None] * count, [b""] * count),
        positions=range(count),
    )
