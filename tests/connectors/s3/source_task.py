"""Drives the S3 source as the runtime does: polled, its records and offsets committed together, or both lost."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import SourceContext
from ferryman.connectors.s3.restore.lane_reader import SETTLING_SECONDS
from ferryman.connectors.s3.source import S3SourceConnector
from ferryman.record import Batch, Record
from tests.connectors.s3.s3_task import World

CONFLUENT = "io.confluent.connect.s3.source.S3SourceConnector"
AIVEN = "io.aiven.kafka.connect.s3.source.S3SourceConnector"
OF_THE_SINK = ("topics", "connector.class", "flush.size")


def text(partition: Mapping[str, Any]) -> str:
    """A source partition as a key."""
    return json.dumps(partition, sort_keys=True)


@dataclass
class Restore:
    """One task over several lives. Waiting takes no time."""

    world: World
    more: Mapping[str, str] = field(default_factory=dict)
    """Keys beside those of the sink that wrote the archive."""
    whole: Mapping[str, str] | None = None
    """The config, where it is none of those."""
    tasks: int = 1
    task: int = 0
    offsets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    source: S3SourceConnector | None = None
    now: float = 1000.0

    @property
    def raw(self) -> dict[str, str]:
        """The config: that of the sink, with the class of the source."""
        if self.whole is not None:
            return {**self.whole, "tasks.max": str(self.tasks), "s3.poll.interval.ms": "1"}
        usual = {name: value for name, value in self.world.usual.items() if name not in OF_THE_SINK}
        return {
            **usual,
            "connector.class": CONFLUENT,
            "tasks.max": str(self.tasks),
            "s3.poll.interval.ms": "1",
            **self.more,
        }

    def begin(self) -> S3SourceConnector:
        """A new process starts."""
        config = S3SourceConnector.config_class.parse(self.raw)
        raw = S3SourceConnector.task_configs(config, self.raw)[self.task]
        context = SourceContext(
            connector="restore",
            task=self.task,
            cluster="c",
            raw=raw,
            offset=lambda partition: self.offsets.get(text(partition)),
            stopping=self._wait,
        )
        self.source = S3SourceConnector(S3SourceConnector.config_class.parse(raw), context)
        self.source._now = lambda: self.now
        self.source.start()
        return self.source

    def _wait(self, seconds: float) -> bool:
        self.now += seconds
        return False

    def kill(self) -> None:
        """The process is gone, with what it did not commit."""
        self.source = None

    def poll(self) -> Sequence[Batch]:
        """Polls without a commit."""
        return (self.source or self.begin()).poll_batches()

    def commit(self, batches: Sequence[Batch]) -> list[Record]:
        """Takes the records of a poll, and how far it got, in one step."""
        assert self.source is not None
        found = list(ordered(batches))
        if batches:
            self.offsets |= {text(partition): dict(offset or {}) for partition, offset in self.source.progress(batches)}
        self.records += found
        return found

    def drain(self) -> list[Record]:
        """All that there is to read now."""
        start, heard = len(self.records), self.now
        while self.now <= heard + 2 * SETTLING_SECONDS:
            if self.commit(self.poll()):
                heard = self.now
        return self.records[start:]


def ordered(batches: Sequence[Batch]) -> Iterator[Record]:
    """The records as they are produced: those of one origin by their positions, which ascend in each batch."""
    by_origin: dict[int, list[tuple[int, Record]]] = {}
    for batch in batches:
        assert list(batch.positions) == sorted(batch.positions)
        by_origin.setdefault(id(batch.origin), []).extend(zip(batch.positions, batch.records(), strict=True))
    for members in by_origin.values():
        yield from (record for _, record in sorted(members, key=lambda each: each[0]))
