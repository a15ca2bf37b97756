"""Memory over an hour at a steady rate. `python -m bench.memory`.

Kafka Connect and Ferryman bring one topic into a table each, and Ferryman archives it as well: all at once, each in a
worker of its own, because what a process keeps does not depend on how fast its neighbours are. Rows repeat, so that
the tables stay as they are.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import count, cycle, islice
from statistics import mean

import click
from confluent_kafka import Producer

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, avro_messages, create, key_of, register
from bench.run import Running, Stuck, started
from bench.s3 import bucket
from bench.side import Side
from bench.targets import TableTarget
from bench.usage import memory_mb
from bench.world import World, world

TOPIC = "memory"
ROWS = 60_000
"""Different records; they are sent again and again."""
FLUSH = 20_000
"""Records in an object of the archive."""
STEP, SAMPLE, PATIENCE = 0.05, 10.0, 60.0
"""Seconds: between two looks at the timetable, between two samples, for the last rows."""
PARTS = 6


@dataclass
class Kept:
    """The samples of one side: the proportional set size of all its processes, in MB."""

    side: str
    config: str
    samples: list[float] = field(default_factory=list)

    def sample(self, running: Running) -> None:
        """Take one. Raises Stuck if the worker has ended."""
        if running.process.exit_code is not None:
            raise Stuck(f"{self.side} {running.process.describe_end()}:\n{running.process.tail(60)}")
        self.samples.append(memory_mb(running.process.pid))

    def parts(self) -> list[float]:
        """The mean of each of so many equal parts of the time."""
        size = max(1, len(self.samples) // PARTS)
        return [mean(self.samples[start : start + size]) for start in range(0, size * PARTS, size)]

    def row(self) -> list[str]:
        """For the table."""
        return [self.side, self.config, *(f"{each:.0f}" for each in self.parts()), f"{max(self.samples):.0f}"]


@contextmanager
def table_side(where: World, side: Side, config: str) -> Iterator[tuple[Running, TableTarget]]:
    """A side that writes into a table of its own."""
    name = f"memory_{side.name.split()[0].lower()}"
    target = TableTarget(where.server, name, Topic(TOPIC, 0))
    try:
        with started(side, config, where.directory / name, where.table_variables(TOPIC, name)) as running:
            yield running, target
    finally:
        target.close()


def archive_variables(where: World) -> Mapping[str, str]:
    """For s3-parquet.properties."""
    store = where.addresses["s3"]
    bucket(store, TOPIC)
    return {
        "BENCH_BROKER": where.broker,
        "BENCH_TOPIC": TOPIC,
        "BENCH_STORE": store,
        "BENCH_BUCKET": TOPIC,
        "BENCH_PASSWORD": "memory",
        "BENCH_REGISTRY": where.registry,
        "BENCH_FLUSH": str(FLUSH),
    }


def feed(where: World, rate: int, seconds: float, sides: Sequence[tuple[Kept, Running]]) -> int:
    """Send so many records a second, and take samples of all sides meanwhile; returns how many were sent."""
    ids = list(islice((index for index in count() if key_of(index) == index), ROWS))
    messages = cycle(list(avro_messages(register(where.registry, TOPIC), ids)))
    producer = Producer({"bootstrap.servers": where.broker, "linger.ms": 5})
    sent, began, next_sample = 0, time.monotonic(), SAMPLE
    while (passed := time.monotonic() - began) < seconds:
        for message in islice(messages, max(0, int(passed * rate) - sent)):
            producer.produce(TOPIC, message)
            sent += 1
        producer.poll(0)
        if passed >= next_sample:
            next_sample += SAMPLE
            for kept, running in sides:
                kept.sample(running)
        time.sleep(STEP)
    producer.flush(60)
    return sent


def await_rows(target: TableTarget, side: str, rows: int) -> None:
    """Until a table has them all. Raises Stuck after a minute."""
    until = time.monotonic() + PATIENCE
    while (arrived := target.arrived()) < rows:
        if time.monotonic() > until:
            raise Stuck(f"{side} has brought {arrived:,} of {rows:,} rows")
        time.sleep(STEP)


def run(where: World, rate: int, seconds: float) -> list[Kept]:
    """All sides at once."""
    create(where.broker, TOPIC, 4)
    found: list[tuple[Kept, Running]] = []
    targets = []
    with ExitStack() as running:
        for side in (peer("jdbc", "avro"), ours()):
            config = "sql-postgresql-avro"
            one, target = running.enter_context(table_side(where, side, config))
            found.append((Kept(side.name, config), one))
            targets.append(target)
        archive = started(ours(), "s3-parquet", where.directory / "memory_s3", archive_variables(where))
        found.append((Kept(ours().name, "s3-parquet"), running.enter_context(archive)))
        sent = feed(where, rate, seconds, found)
        print(f"{sent:,} records were sent", file=sys.stderr)
        for target, (kept, _) in zip(targets, found, strict=False):
            await_rows(target, kept.side, min(sent, ROWS))
    return [kept for kept, _ in found]


@click.command()
@click.option("--minutes", default=60.0, show_default=True)
@click.option("--rate", default=1_000, show_default=True, help="Records a second.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(minutes: float, rate: int, as_json: bool) -> None:
    """Run all sides at once and print what they kept."""
    with world(["kafka", "registry", "postgres", "s3"]) as where:
        found = run(where, rate, minutes * 60)
    if as_json:
        print(report.dump("memory", [asdict(each) for each in found]))
        return
    until = [f"to min {minutes * part / PARTS:.0f}" for part in range(1, PARTS + 1)]
    print(report.table(["side", "config", *until, "highest"], [each.row() for each in found]))


if __name__ == "__main__":
    main()
