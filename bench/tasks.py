"""One worker with more and more tasks, beside Kafka Connect's: `python -m bench.tasks`.

Connectors are file sinks with a task each, and a record comes ten times a second for all of them. At each size: what
the worker and all its processes hold in memory, and how long it takes to answer, while another client lists all.
"""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import cycle

import click
from confluent_kafka import Producer

from bench import report
from bench.answers import percentile
from bench.many_connectors import Asked
from bench.usage import cpu_seconds, memory_mb
from bench.worker import FED_SECONDS, Group, Node, group
from bench.world import world

SETTLED = 10.0
"""Seconds of rest before memory and CPU are looked at, and the seconds for which the CPU is counted."""
PATHS = ("/connectors/{}/status", "/connectors/{}", "/connectors/{}/tasks", "/connectors/{}/config")
ASKED = 400


@dataclass(frozen=True)
class Found:
    """What one side gave at one size."""

    side: str
    tasks: int
    load: float
    memory: float
    """MB (proportional set sizes) of the worker with all its processes."""
    cpu: float
    """What all of these take of a core while a record comes ten times a second, in per cent."""
    p50: float
    """Milliseconds of an answer about one connector."""
    p99: float

    def row(self) -> list[str]:
        """For the table."""
        numbers = f"{self.memory:.0f}", f"{self.cpu:.1f}", f"{self.p50:.1f}", f"{self.p99:.1f}"
        return [self.side, str(self.tasks), f"{self.load:.1f}", *numbers]


HEAD = ("side", "tasks", "load", "MB", "CPU %", "GET p50 ms", "GET p99 ms")


@contextmanager
def repeated(act: Callable[[], object], pause: float) -> Iterator[None]:
    """Does it again and again meanwhile, in a thread of its own."""

    over = threading.Event()

    def run() -> None:
        while not over.wait(pause):
            act()

    thread = threading.Thread(target=run, name="repeated", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def answers(one: Group, node: Node, tasks: int) -> list[float]:
    """Sorted seconds of answers about single connectors."""
    asked, other = Asked(node), Asked(node)
    names = [f"{one.directory.name}-{number}" for number in range(tasks)]
    with repeated(lambda: other.ask("GET", "/connectors?expand=status&expand=info"), 0.1):
        took = []
        for number, path in zip(range(ASKED), cycle(PATHS), strict=False):
            took.append(asked.ask("GET", path.format(names[number % tasks]))[0])
            time.sleep(0.005)
    return sorted(took)


def measured(one: Group, sizes: list[int]) -> Iterator[Found]:
    """Each size, one after the other, in one worker."""
    producer, node = Producer({"bootstrap.servers": one.where.broker, "linger.ms": 0}), one.join()
    one.until(lambda: node.call("/health"), "healthy worker")
    there = 0

    def fed() -> None:
        producer.produce(one.topic, b"a line")
        producer.poll(0)

    for size in sizes:
        for number in range(there, size):
            one.create(number)
        there = size
        one.until(lambda size=size: len(one.homes()) == size, f"{size} tasks")  # type: ignore[misc]
        with repeated(fed, FED_SECONDS):
            time.sleep(SETTLED)
            before = cpu_seconds(node.process.pid)
            time.sleep(SETTLED)
            cpu = 100 * (cpu_seconds(node.process.pid) - before) / SETTLED
            memory = memory_mb(node.process.pid)
            took = answers(one, node, size)
        load = float(report.machine()["load"])
        producer.flush()
        yield Found(one.side, size, load, memory, cpu, percentile(took, 0.5), percentile(took, 0.99))


@click.command()
@click.option("--tasks", default="1,10,50,300", show_default=True, help="The sizes, one after the other.")
@click.option("--side", "only", type=click.Choice(["peer", "ours"]), help="Only this side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(tasks: str, only: str | None, as_json: bool) -> None:
    """Run both sides one after the other, and print a table."""
    sizes, found = sorted(map(int, tasks.split(","))), list[Found]()
    for side, word in (("Kafka Connect", "peer"), ("Ferryman", "ours")):
        if only in (None, word):
            with world(["kafka"]) as where, group(where, side) as one:
                for each in measured(one, sizes):
                    found.append(each)
                    print(", ".join(map(": ".join, zip(HEAD, each.row(), strict=True))), file=sys.stderr)
    if as_json:
        print(report.dump("tasks", [asdict(each) for each in found]))
    else:
        print(report.table(HEAD, [each.row() for each in found]))


if __name__ == "__main__":
    main()
