"""A file sink's task in a world of its own: partitions, what their group has committed, a file, and kills."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ferryman.connectors.file.sink import FileStreamSinkConnector
from ferryman.record import Batch, Rows, TopicPartition
from ferryman.schema import STRING, Schema
from tests.connectors.sink_world import LogWorld, batch_at

P0, P1 = TopicPartition("lines", 0), TopicPartition("lines", 1)


@dataclass
class World(LogWorld[FileStreamSinkConnector, str]):
    """Partitions of a topic, what their group has committed, a file, and the process that runs the sink."""

    path: Path
    logs: dict[TopicPartition, list[str]] = field(default_factory=lambda: {P0: [], P1: []}, kw_only=True)

    @property
    def usual(self) -> dict[str, str]:
        return {"name": "lines", "connector.class": "FileStreamSink", "topics": "lines", "file": str(self.path)}

    def made(self) -> FileStreamSinkConnector:
        return FileStreamSinkConnector(FileStreamSinkConnector.config_class.parse(self.raw), self.context())

    def gone(self, sink: FileStreamSinkConnector) -> None:
        """Its files are closed, nothing else is done."""
        sink._release()

    def batch(self, source: TopicPartition, start: int, records: Sequence[str]) -> Batch:
        return batch(source, start, records)

    def found(self, source: TopicPartition) -> list[str]:
        return [line for line in self.path.read_text().splitlines() if line.startswith(f"{source}:")]


def sink_of(raw: Mapping[str, str]) -> FileStreamSinkConnector:
    """A sink of any config, which no group knows of."""
    return World(Path(), whole=raw).made()


def batch(source: TopicPartition, start: int, values: Sequence[object], schema: Schema | None = STRING) -> Batch:
    """Lines from an offset on."""
    return batch_at(source, start, Rows(schema, values))
