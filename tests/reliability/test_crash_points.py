"""SIGKILL at every durable step, in turn, of tasks that share a worker; then the ledger.

The worker notices each death and starts the task again by itself; nothing is lost, nothing doubled.
"""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.connectors.s3.kills import POINTS, TRUTHS
from tests.connectors.s3.s3_task import World
from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.reliability.flows import (
    Config,
    Table,
    committed,
    file_sink,
    gateway,
    keys,
    lines,
    rows,
    s3_sink,
    sql_sink,
    stripe_source,
)
from tests.reliability.scoreboard.plugin import Trials
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

ROUND, MOST_ROUNDS = 60, 60
TOGETHER = 2
"""Connectors that share a worker."""
MOST_DEATHS = 2
"""Deaths between two restarts by REST."""
SINK = ["sink.before_commit", "sink.after_commit"]
FILE = ["file.before_write", "file.after_write", "file.after_flush", "file.after_head"]
SQL = ["sql.before_rows", "sql.after_rows", "sql.before_commit", "sql.after_commit"]
S3 = {truth: list(points) for truth, points in POINTS.items()}
SOURCE = ["source.before_produce", "source.after_produce", "source.before_commit", "source.after_commit"]
STRIPE = ["stripe.before_hand_over", "stripe.after_page"]
LAYOUTS = {
    "by count": {"flush.size": "17"},
    "by field": {
        "flush.size": "17",
        "partitioner.class": "io.confluent.connect.storage.partitioner.FieldPartitioner",
        "partition.field.name": "kind",
    },
    "by the wall clock": {
        "flush.size": "1000",
        "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        "path.format": "HH/mm/ss",
        "partition.duration.ms": "1000",
        "timezone": "UTC",
        "rotate.schedule.interval.ms": "300",
    },
}


@dataclass
class Flow:
    """A connector, what goes into it, and what has come out."""

    kafka: str
    name: str

    @abstractmethod
    def config(self) -> Config:
        """As a user writes it."""

    @abstractmethod
    def feed(self, first: int, last: int) -> None:
        """Lets numbers ``first`` up to ``last`` go in."""

    @abstractmethod
    def found(self) -> Sequence[int]:
        """The numbers that have come out, doubles included."""

    def is_over(self, running: Worker, count: int) -> bool:
        """Whether so many have gone through, to their commit."""
        return committed(running, self.name) == count

    def check(self, count: int) -> None:
        """Each number once."""
        assert Counter(self.found()) == Counter(range(count))


@dataclass
class IntoFile(Flow):
    file: Path = field(default_factory=Path)

    def config(self) -> Config:
        return file_sink(self.name, self.file)

    def feed(self, first: int, last: int) -> None:
        produce(self.kafka, self.name, [b"%d" % number for number in range(first, last)], keys(range(last - first)))

    def found(self) -> Sequence[int]:
        return [int(line) for line in lines(self.file)]


@dataclass
class IntoTable(Flow):
    url: str = ""
    mode: str = "insert"

    def config(self) -> Config:
        upsert = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
        return sql_sink(self.name, self.url) | (upsert if self.mode == "upsert" else {})

    def feed(self, first: int, last: int) -> None:
        produce(self.kafka, self.name, rows(first, last), keys(range(last - first)))

    def found(self) -> Sequence[int]:
        return Table(self.url, self.name).ids()


@dataclass
class IntoBucket(Flow):
    bucket: World = field(kw_only=True)
    layout: str = ""

    def config(self) -> Config:
        return s3_sink(self.name, self.bucket.url, self.bucket.bucket, **LAYOUTS[self.layout], **self.bucket.more)

    def feed(self, first: int, last: int) -> None:
        values = [b'{"id": %d, "kind": "%d"}' % (number, number % 3) for number in range(first, last)]
        produce(self.kafka, self.name, values, keys(values))

    def found(self) -> Sequence[int]:
        return [int(each["id"]) for found in self.bucket.contents().values() for each in found]


@dataclass
class FromGateway(Flow):
    stub: StripeStub = field(default_factory=gateway)

    def config(self) -> Config:
        return stripe_source(self.name, self.stub.url, start_from="earliest", events_per_poll="20")

    def feed(self, first: int, last: int) -> None:
        oldest = self.stub.now - MOST_ROUNDS * ROUND
        self.stub.add(*(payment(f"evt_{number:05}", oldest + number) for number in range(first, last)))

    def found(self) -> Sequence[int]:
        return [self._number(message.value()) for message in consume(self.kafka, self.name)]

    def _number(self, value: bytes | None) -> int:
        return int(json.loads(value or b"")["id"].removeprefix("evt_"))

    def is_over(self, running: Worker, count: int) -> bool:
        return len(self.found()) >= count

    def check(self, count: int) -> None:
        """Each event once, and in every partition, so of every key, in the gateway's order."""
        super().check(count)
        messages = consume(self.kafka, self.name)
        for partition in range(3):
            numbers = [self._number(each.value()) for each in messages if each.partition() == partition]
            assert numbers == sorted(numbers)


def die(directory: Path, kafka: str, name: str, points: Sequence[str], flows: Sequence[Flow]) -> int:
    """The flows run in one worker, which loses a task at each point, and are fed until it has. How many deaths."""
    log = directory / f"{name}-deaths"
    turns = ",".join(f"{point}:2" for point in points)
    crash = {"FERRYMAN_CRASH_AT": turns, "FERRYMAN_CRASH_LOG": f"{log}:{len(points)}"}
    with worker(directory, settings(kafka, name, consumer_max_poll_records="40"), **crash) as running:
        for flow in flows:
            create_topic(kafka, flow.name, 3)
            running.create(flow.config())
        count, forgiving = 0, Forgiving(running, [flow.name for flow in flows], log)
        while deaths(log) < len(points) or count < 2 * ROUND:
            assert count < MOST_ROUNDS * ROUND, f"only {log.read_text()}"
            for flow in flows:
                flow.feed(count, count + ROUND)
            count += ROUND
            forgiving.until(lambda: all(len(flow.found()) >= count for flow in flows), f"{count} to come out")  # noqa: B023
        forgiving.until(lambda: all(flow.is_over(running, count) for flow in flows), f"{count} to be committed")
        for flow in flows:
            flow.check(count)
    assert [line.split()[0] for line in log.read_text().splitlines()] == list(points)
    return len(points)


def deaths(log: Path) -> int:
    return len(log.read_text().splitlines()) if log.exists() else 0


@dataclass
class Forgiving:
    """Restarts connectors before they have died so often in a row that they are left alone for a minute."""

    running: Worker
    names: Sequence[str]
    log: Path
    """Where their deaths are noted."""
    restarts: int = 0
    _forgiven: int = 0

    def until(self, probe: Callable[[], bool], what: str) -> None:
        """Waits for something, and restarts meanwhile."""

        def has_come() -> bool:
            self._look()
            return probe()

        until(has_come, 240, what, pause=0.3)

    def _look(self) -> None:
        if deaths(self.log) - self._forgiven >= MOST_DEATHS:
            self._forgiven = deaths(self.log)
            self.restarts += 1
            for name in self.names:
                self.running.call("POST", f"/connectors/{name}/restart?includeTasks=true")


def waves(trials: Trials, tests: int, points: Sequence[str], unique: str) -> Iterator[list[str]]:
    """Names for the connectors of each time that every point has its turn, until this test's share is done."""
    for wave in range(-(-trials.share(tests) // len(points))):
        yield [f"{unique}-{wave}-{number}" for number in range(TOGETHER)]


def test_each_record_is_one_line_of_the_file(kafka: str, unique: str, tmp_path: Path) -> None:
    flows = [IntoFile(kafka, f"{unique}-{number}", tmp_path / f"{number}.txt") for number in range(TOGETHER)]
    assert die(tmp_path, kafka, unique, FILE + SINK, flows) == 6


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R2 SQL")
@pytest.mark.parametrize("mode", ["insert", "upsert"])
def test_each_record_is_one_row_of_the_table(
    kafka: str, unique: str, postgres: str, mode: str, tmp_path: Path, trials: Trials
) -> None:
    for names in waves(trials, 2, SQL + SINK, unique):
        flows = [IntoTable(kafka, name, postgres, mode) for name in names]
        trials.held(die(tmp_path, kafka, names[0], SQL + SINK, flows))


def test_each_record_is_one_row_of_a_table_of_mariadb(kafka: str, unique: str, mariadb: str, tmp_path: Path) -> None:
    assert die(tmp_path, kafka, unique, SQL + SINK, [IntoTable(kafka, unique, mariadb, "insert")]) == 6


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R2 S3")
@pytest.mark.parametrize(
    ("truth", "layouts"),
    [
        ("by head", ("by count", "by field")),
        ("by head", ("by the wall clock", "by the wall clock")),
        ("by group", ("by count", "by the wall clock")),
    ],
)
def test_each_record_is_in_one_object(
    kafka: str, stack: dict[str, str], unique: str, truth: str, layouts: tuple[str, str], tmp_path: Path, trials: Trials
) -> None:
    points = S3[truth] + SINK
    for names in waves(trials, 3, points, unique):
        flows = [
            IntoBucket(kafka, name, bucket=World(stack["s3"], name, TRUTHS[truth]), layout=layout)
            for name, layout in zip(names, layouts, strict=True)
        ]
        trials.held(die(tmp_path, kafka, names[0], points, flows))


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R1")
def test_each_event_of_the_gateway_is_one_record(kafka: str, unique: str, tmp_path: Path, trials: Trials) -> None:
    for names in waves(trials, 1, SOURCE + STRIPE, unique):
        with ExitStack() as closing:
            flows = [FromGateway(kafka, name, closing.enter_context(serving(gateway()))) for name in names]
            trials.held(die(tmp_path, kafka, names[0], SOURCE + STRIPE, flows))
