"""Latency: from produce to a row that another session can read, at steady rates. `python -m bench.latency`.

The producer keeps to its timetable whatever happens (open loop), and a record's latency counts from the moment the
timetable has it sent. A session of its own asks PostgreSQL for the greatest id about every millisecond; ids grow, and a
task writes a partition in order, so each answer dates all rows up to it.
"""

import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice

import click
from confluent_kafka import Producer

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, avro_messages, create, key_of, register
from bench.run import Running, Stuck, started
from bench.side import Side
from bench.targets import TableTarget
from bench.world import World, world

CONFIG = "sql-postgresql-avro"
WARM_SECONDS = 5
_STEP_SECONDS = 0.001
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Latency:
    """Milliseconds; `behind` is how late the producer itself was at worst."""

    side: str
    rate: int
    run: int
    records: int
    p50: float
    p99: float
    highest: float
    behind: float


@dataclass(frozen=True)
class Load:
    """Records with growing ids, and how many of them go out in a second."""

    topic: str
    ids: Sequence[int]
    messages: Sequence[bytes]
    rate: int
    keyed: bool = False
    """Whether each has its id as its key, as Kafka's LongSerializer writes it."""

    def key(self, place: int) -> bytes | None:
        """The key of one of the messages."""
        return self.ids[place].to_bytes(8, "big") if self.keyed else None


class Sender(threading.Thread):
    """Sends a load by its timetable; the first record, by which a connector shows that it runs, is sent before."""

    def __init__(self, broker: str, load: Load) -> None:
        super().__init__(daemon=True)
        self.began = 0.0
        self.behind = 0.0
        self._load = load
        self._producer = Producer({"bootstrap.servers": broker, "linger.ms": 1})

    def send_first(self) -> None:
        """Send the first record now."""
        self._producer.produce(self._load.topic, self._load.messages[0], self._load.key(0))
        self._producer.flush(30)

    def due(self, index: int) -> float:
        """When the timetable has a record sent, on the monotonic clock."""
        return self.began + index / self._load.rate

    def run(self) -> None:
        self.began = time.monotonic()
        sent = 1
        while sent < len(self._load.messages):
            now = time.monotonic()
            until = min(len(self._load.messages), int((now - self.began) * self._load.rate) + 1)
            self.behind = max(self.behind, now - self.due(sent))
            for place, message in enumerate(self._load.messages[sent:until], sent):
                self._produce(message, self._load.key(place))
            sent = max(sent, until)
            self._producer.poll(0)
            time.sleep(_STEP_SECONDS)
        self._producer.flush(30)

    def _produce(self, message: bytes, key: bytes | None) -> None:
        """Waits while the client has no room: whoever sends all at once is faster than the broker."""
        while True:
            try:
                return self._producer.produce(self._load.topic, message, key)
            except BufferError:
                self._producer.poll(0.01)


def prepare(where: World, topic: str, rate: int, seconds: int) -> Load:
    """A topic with one partition, and what is to go into it."""
    create(where.broker, topic, 1)
    ids = list(islice((index for index in count() if key_of(index) == index), rate * (seconds + WARM_SECONDS)))
    return Load(topic, ids, list(avro_messages(register(where.registry, topic), ids)), rate)


def watch(target: TableTarget, running: Running, sender: Sender, last: int) -> list[tuple[int, float]]:
    """What ids could be read when, until the last can."""
    sender.send_first()
    while target.newest() < 0:
        running.look()
        time.sleep(0.05)
    sender.start()
    seen = [(-1, time.monotonic())]
    while seen[-1][0] < last:
        newest, now = target.newest(), time.monotonic()
        if newest > seen[-1][0]:
            seen.append((newest, now))
        elif now - seen[-1][1] > _PATIENCE_SECONDS:
            raise Stuck(f"no row has come for {_PATIENCE_SECONDS:.0f} s:\n{running.process.tail(60)}")
        time.sleep(_STEP_SECONDS)
    return seen


def run(where: World, side: Side, rate: int, seconds: int, number: int) -> Latency:
    """One side at one rate."""
    name = f"latency_{side.name.split()[0].lower()}_{rate}_{number}"
    load = prepare(where, name, rate, seconds)
    target = TableTarget(where.server, name, Topic(name, 0))
    sender = Sender(where.broker, load)
    try:
        with started(side, CONFIG, where.directory / name, where.table_variables(name, name)) as running:
            seen = watch(target, running, sender, load.ids[-1])
    finally:
        target.close()
    return figures(side.name, load, sender, seen, number)


def figures(side: str, load: Load, sender: Sender, seen: Sequence[tuple[int, float]], number: int) -> Latency:
    """What a run has given, from what could be read when."""
    measured = range(load.rate * WARM_SECONDS, len(load.ids))
    answers = [newest for newest, _ in seen]
    taken = sorted(seen[bisect_left(answers, load.ids[index])][1] - sender.due(index) for index in measured)
    return Latency(
        side=side,
        rate=load.rate,
        run=number,
        records=len(taken),
        p50=taken[len(taken) // 2] * 1000,
        p99=taken[len(taken) * 99 // 100] * 1000,
        highest=taken[-1] * 1000,
        behind=sender.behind * 1000,
    )


def table(found: Sequence[Latency]) -> str:
    head = ("records/s", "side", "run", "records", "p50 ms", "p99 ms", "highest ms", "producer behind ms")
    rows = [
        [f"{each.rate:,}", each.side, str(each.run), f"{each.records:,}"]
        + [f"{value:.1f}" for value in (each.p50, each.p99, each.highest, each.behind)]
        for each in found
    ]
    return report.table(head, rows)


@click.command()
@click.option("--rate", "rates", type=int, multiple=True, default=(1_000, 10_000), show_default=True)
@click.option("--seconds", default=20, show_default=True, help=f"To measure, after {WARM_SECONDS} s to warm up.")
@click.option("--repeat", default=2, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--side", "only", type=click.Choice(["peer", "ours"]), help="Only this side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rates: tuple[int, ...], seconds: int, repeat: int, only: str | None, as_json: bool) -> None:
    """Run both sides, one after the other, and print what they took."""
    sides = [side for whose, side in (("peer", peer("jdbc", "avro")), ("ours", ours())) if only in (None, whose)]
    found = []
    with world(["kafka", "registry", "postgres"]) as where:
        for rate in rates:
            for number in range(1, repeat + 1):
                for side in sides:
                    print(f"{side.name} at {rate:,} records/s, run {number} of {repeat}", file=sys.stderr)
                    found.append(run(where, side, rate, seconds, number))
                    print(f"  p50 {found[-1].p50:.1f} ms, p99 {found[-1].p99:.1f} ms", file=sys.stderr)
    print(report.dump("latency", [asdict(each) for each in found]) if as_json else table(found))


if __name__ == "__main__":
    main()
