"""A live connector and a run of it beside it, in one table: the log is in memory, the databases are real."""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ferryman.api import Assigned, Bad, BadRecords, SinkContext
from ferryman.chain.narrowing import without_records
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import DataError, Unfinished
from ferryman.record import Batch, Rows, TopicPartition
from ferryman.runs.ranges import Range, Ranges
from ferryman.schema import INT32, STRING, TIMESTAMP_SCHEMA, Schema, decimal, struct
from tests.connectors.sink_world import Killed, batch_at
from tests.connectors.sql.sql_task import CONFLUENT, query

KEY = struct({"id": STRING})
OPTIONAL = INT32.as_optional()
TOPIC = "orders"
Fields = Mapping[str, int | datetime | Decimal | None]
Change = tuple[str, int | Fields | None]
"""A key, and the value of the column n, or those of several columns, or a tombstone."""
Log = dict[TopicPartition, list[Change]]
FOLD = {"ferryman.run.fold": "true"}
"""How a run keeps rows from going back in time."""


def fields_of(change: Change) -> Fields | None:
    """The columns that a record fills."""
    value = change[1]
    return {"n": value} if isinstance(value, int) else value


def batches(log: Log, source: TopicPartition, first: int, behind: int) -> list[Batch]:
    """The records of a partition, those of each shape in a batch of their own, as a chain hands them over."""
    changes = log[source][first:behind]
    keys = Rows(KEY, [{"id": key} for key, _ in changes])
    shapes: dict[tuple[str, ...] | None, list[int]] = {}
    for at, change in enumerate(changes):
        fields = fields_of(change)
        shapes.setdefault(None if fields is None else tuple(sorted(fields)), []).append(at)
    whole, found = batch_at(source, first, Rows(None, [None] * len(changes)), key=keys) if changes else None, []
    for shape, places in shapes.items():
        assert whole is not None
        schema = None if shape is None else struct({field: _schema(field, changes, places) for field in shape})
        values = Rows(schema, [fields_of(changes[at]) for at in places])
        found.append(replace(whole.take(places), value=values))
    return found


def _schema(field: str, changes: Sequence[Change], places: Sequence[int]) -> Schema:
    """By the first value that there is."""
    found = (value for at in places if (value := (fields_of(changes[at]) or {})[field]) is not None)
    match next(found, None):
        case datetime():
            return TIMESTAMP_SCHEMA.as_optional()
        case Decimal():
            return decimal(2, optional=True)
        case _:
            return OPTIONAL


@dataclass
class LogHistory:
    """The log, read again; ``stutter`` offsets at a time."""

    log: Log
    stutter: int
    positions: dict[TopicPartition, int] = field(default_factory=dict)

    def begin(self, source: TopicPartition, offset: int) -> None:
        self.positions[source] = offset

    def end(self, source: TopicPartition) -> None:
        self.positions.pop(source, None)

    def read(
        self, wanted: Mapping[TopicPartition, int], until: float
    ) -> Sequence[tuple[TopicPartition, Sequence[Batch], int]]:
        found = []
        for source, behind in wanted.items():
            first = self.positions[source]
            reached = self.positions[source] = min(behind, first + self.stutter)
            found.append((source, batches(self.log, source, first, reached), reached))
        return found


def at(batch: Batch, offset: int) -> int:
    """How many of its records lie before an offset."""
    return sum(each < offset for each in batch.offsets)


@dataclass
class Member:
    """One connector: its process, and where it stands."""

    name: str
    url: str
    log: Log
    run: Mapping[str, str] = field(default_factory=dict)
    config: Mapping[str, str] = field(default_factory=dict)
    stutter: int = 3
    first: Mapping[TopicPartition, int] = field(default_factory=dict)
    meanwhile: Any = None
    at: dict[str, Any] = field(default_factory=dict)
    """What is done at a crash point."""
    die_at: str | None = None
    sink: SqlSinkConnector | None = None
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    letters: set[tuple[TopicPartition, int]] = field(default_factory=set)
    """Where the records lie that were refused."""

    def refuse(self, found: Sequence[Bad]) -> None:
        """Writes dead letters."""
        self.letters.update((batch.source, batch.offsets[index]) for batch, index, _ in found)

    def begin(self) -> None:
        """A new process, whose predecessor is gone."""
        self.kill()
        raw = {
            "name": self.name,
            "connector.class": CONFLUENT,
            "topics": TOPIC,
            "connection.url": self.url,
            "insert.mode": "upsert",
            "pk.mode": "record_key",
            "delete.enabled": "true",
            "auto.create": "true",
            **self.config,
            **self.run,
        }
        context = SinkContext(
            connector=self.name,
            task=0,
            cluster="k",
            raw=raw,
            crash_point=self.crash_point,
            report=lambda batch, index, error: self.refuse([(batch, index, error)]),
            report_all=self.refuse,
            request_commit=lambda: None,
            commit=lambda offsets: None,
            history=LogHistory(self.log, self.stutter),
        )
        self.sink = SqlSinkConnector(SqlSinkConnector.config_class.parse(raw), context)
        self.sink.start()
        starts = {source: self.first.get(source, 0) for source in self.log}
        assigned = [
            Assigned(source, "i", None, 0, len(changes), starts[source]) for source, changes in self.log.items()
        ]
        self.positions = starts | dict(self.sink.open(assigned))

    def crash_point(self, name: str) -> None:
        if name == self.die_at:
            self.die_at = None
            raise Killed(name)
        self.at.get(name, lambda: None)()
        if name == "sql.before_rows" and self.meanwhile is not None:
            self.meanwhile()

    def kill(self) -> None:
        if self.sink is not None:
            self.sink.stop()
            self.sink = None

    def put(self, source: TopicPartition, count: int, behind: int) -> None:
        """The next records of a partition, before an offset."""
        if self.sink is None:
            self.begin()
        assert self.sink is not None
        first = self.positions[source]
        reached = min(behind, first + count)
        some = batches(self.log, source, first, reached)
        if not some:
            return
        try:
            self._offer(some)
            self.positions[source] = reached
        except Killed:
            self.kill()

    def _offer(self, some: list[Batch]) -> None:
        """As the runtime does: what the sink names is left out, and where it fails halves are offered, by offset."""
        assert self.sink is not None
        while some:
            try:
                self.sink.put_batches(some)
                return
            except Unfinished:
                continue
            except BadRecords as error:
                self.refuse(error.found)
                some = without_records(some, [(batch, index) for batch, index, _ in error.found])
            except DataError as error:
                offsets = sorted(offset for batch in some for offset in batch.offsets)
                if len(offsets) == 1:
                    self.refuse([(some[0], 0, error)])
                    return
                middle = offsets[len(offsets) // 2]
                halves = [
                    [batch.slice(*cut) for batch in some for cut in [(0, at(batch, middle))] if cut[1]],
                    [batch.slice(at(batch, middle), len(batch)) for batch in some if at(batch, middle) < len(batch)],
                ]
                for half in halves:
                    self._offer(half)
                return

    def commit(self) -> None:
        """The loop's commit."""
        assert self.sink is not None
        self.sink.pre_commit(dict(self.positions))


def _source(partition: int) -> TopicPartition:
    return TopicPartition(TOPIC, partition)


class RunBesideLive:
    """A live connector and a run of it."""

    def __init__(
        self, url: str, log: Log, range_: Range, stutter: int = 3, how: Mapping[str, str] | None = None
    ) -> None:
        self.url, self.log, self.range = url, log, range_
        self.live = Member("live", url, log)
        cut = {source: Range(*(min(each, len(changes)) for each in range_)) for source, changes in log.items()}
        ranges = Ranges({TOPIC: "i"}, cut)
        run = {"ferryman.run.of": "live", "ferryman.run.ranges": ranges.dump(), **(how or FOLD)}
        firsts = {source: each.first for source, each in cut.items()}
        self.run = Member("run", url, log, run, stutter=stutter, first=firsts)

    def table(self) -> dict[str, int]:
        with contextlib.suppress(Exception):
            return dict(query(self.url, f"SELECT id, n FROM {TOPIC}"))
        return {}

    def reached(self) -> Log:
        """What live has read, as its row in the table of offsets says."""
        found = query(
            self.url, "SELECT ferryman_offsets.partition, next_offset FROM ferryman_offsets WHERE connector = 'live'"
        )
        return {source: self.log[source][:offset] for number, offset in found if (source := _source(number))}

    def close(self) -> None:
        self.live.kill()
        self.run.kill()


@contextlib.contextmanager
def beside(log: Log, range_: Range, stutter: int = 3) -> Iterator[RunBesideLive]:
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a disk would wait for each commit
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        made = RunBesideLive(f"sqlite:///{Path(folder) / 'w.db'}", log, range_, stutter)
        try:
            made.live.begin()
            yield made
        finally:
            made.close()
