"""A file sink's task in a world of its own: partitions, what their group has committed, a file, and kills."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.record import Batch, Polled, Rows, TopicPartition
from ferryman.schema import STRING, Schema

P0, P1 = TopicPartition("lines", 0), TopicPartition("lines", 1)


class Killed(BaseException):
    """The process died here."""


class World:
    """Partitions of a topic, what their group has committed, a file, and the process that runs the sink."""

    def __init__(self, path: Path, partitions: Sequence[TopicPartition] = (P0, P1)) -> None:
        self.path = path
        self.logs: dict[TopicPartition, list[str]] = {source: [] for source in partitions}
        self.group: dict[TopicPartition, Committed] = {}
        self.topic_id = "id-1"
        self.die_at: str | None = None
        self.sink: FileStreamSinkConnector | None = None

    def crash_point(self, name: str) -> None:
        if name == self.die_at:
            raise Killed(name)

    def begin(self) -> FileStreamSinkConnector:
        raw = {"name": "lines", "connector.class": "FileStreamSink", "topics": "lines", "file": str(self.path)}
        self.sink = sink_of(raw, self)
        self.requested = self.answers_lost = False
        self.positions = {source: self.group[source].offset if source in self.group else 0 for source in self.logs}
        self.sink.start()
        self.sink.open([self.assigned(source) for source in self.logs])
        return self.sink

    def assigned(self, source: TopicPartition) -> Assigned:
        return Assigned(source, self.topic_id, self.group.get(source), 0, len(self.logs[source]))

    def request(self) -> None:
        self.requested = True

    def demand(self, wanted: Mapping[TopicPartition, Committed]) -> None:
        self.accept({source: each for source, each in wanted.items() if each.offset <= self.positions[source]})

    def accept(self, wanted: Mapping[TopicPartition, Committed]) -> None:
        self.group |= wanted
        if self.answers_lost:
            raise Killed("the answer never came")
        self.running.committed(wanted)

    @property
    def running(self) -> FileStreamSinkConnector:
        assert self.sink is not None
        return self.sink

    def put(self, source: TopicPartition, count: int = 1) -> None:
        start = self.positions[source]
        values = self.logs[source][start : start + count]
        if not values:
            return
        self.running.put_batch(batch(source, start, values))
        self.positions[source] = start + len(values)

    def commit(self, answered: bool = True) -> None:
        wanted = self.running.pre_commit(dict(self.positions))
        self.answers_lost = not answered
        self.accept(wanted)
        self.requested = False

    def drain(self) -> None:
        for source in self.logs:
            self.put(source, len(self.logs[source]))
        self.commit()

    def kill(self) -> None:
        """What the system does to a killed process: its files are closed, nothing else is done."""
        if self.sink is not None:
            self.sink._release()
            self.sink = None

    def end(self) -> None:
        self.commit()
        self.running.close(list(self.logs))
        self.running.stop()
        self.sink = None

    def found(self, source: TopicPartition) -> list[str]:
        return [line for line in self.path.read_text().splitlines() if line.startswith(f"{source}:")]


def sink_of(raw: Mapping[str, str], world: World | None = None) -> FileStreamSinkConnector:
    context = SinkContext(
        connector="lines",
        task=0,
        cluster="c",
        raw=raw,
        crash_point=world.crash_point if world else lambda name: None,
        report=lambda batch, index, error: None,
        request_commit=world.request if world else lambda: None,
        commit=world.demand if world else lambda wanted: None,
    )
    return FileStreamSinkConnector(FileStreamSinkConnector.config_class.parse(raw), context)


def batch(source: TopicPartition, start: int, values: Sequence[object], schema: Schema | None = STRING) -> Batch:
    count = len(values)
    polled = Polled(*source, range(start, start + count), [0] * count, [None] * count, [b""] * count)
    return Batch(
        topic=source.topic,
        partition=source.partition,
        key=Rows(None, [None] * count),
        value=Rows(schema, values),
        timestamps=[0] * count,
        origin=polled,
        positions=range(count),
    )
