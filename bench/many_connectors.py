"""A worker with a thousand connectors, beside workers with fewer: `python -m bench.many_connectors`.

Most connectors are stopped or paused, by turns; some run. Each size has topics and a group of its own. What costs more
than its share shows in the milliseconds of CPU that the worker itself takes for a connector: they stay the same from
one size to the next, or they grow with it.
"""

import http.client
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import click

from bench import report
from bench.answers import percentile
from bench.usage import cpu_seconds, memory_mb, own_cpu_seconds
from bench.worker import Group, Node, feed, group
from bench.world import world

STATES = ("STOPPED", "PAUSED")
LOOK = 0.2
ROUNDS = 20
"""Lists and scrapes that are timed."""


@dataclass
class Took:
    """Something that was done for all connectors."""

    seconds: float = 0.0
    worker_cpu: float = 0.0
    """Seconds of CPU that the workers themselves took."""
    cpu: float = 0.0
    """Seconds of CPU that the workers and all their processes took."""

    def row(self, connectors: int) -> list[str]:
        """For the table: seconds, and milliseconds of CPU for a connector."""
        return [f"{self.seconds:.1f}", *(f"{1000 * each / connectors:.1f}" for each in (self.worker_cpu, self.cpu))]


@dataclass
class Found:
    """What one size gave."""

    side: str
    connectors: int
    running: int
    workers: int = 2
    load: float = 0.0
    posts: list[float] = field(default_factory=list)
    """Seconds of each POST."""
    created: Took = field(default_factory=Took)
    """From the first POST until all are as they are wanted."""
    statuses: list[float] = field(default_factory=list)
    """Seconds of each GET of one status, while others list all."""
    listed: float = 0.0
    """Milliseconds of a list with statuses and configs."""
    scraped: float = 0.0
    memory: float = 0.0
    """MB of the worker and all its processes."""
    restarted: Took = field(default_factory=Took)
    """From the start of the worker, after it has ended in order, until all are as they are wanted."""
    shared: Took = field(default_factory=Took)
    """From the start of a second worker until it has its half."""
    taken_over: Took = field(default_factory=Took)
    """From the death of that worker until all are as they are wanted on the first."""
    deleted: Took = field(default_factory=Took)

    def rows(self) -> tuple[list[str], list[str]]:
        """For the two tables."""
        begin = [self.side, str(self.connectors), str(self.running), f"{self.load:.1f}"]
        shares = ((self.posts, 0.5), (self.posts, 0.99), (self.statuses, 0.5), (self.statuses, 0.99))
        times = [f"{percentile(sorted(values), share):.1f}" for values, share in shares]
        answers = [*times, f"{self.listed:.1f}", f"{self.scraped:.1f}", f"{self.memory:.0f}"]
        took = (self.created, self.restarted, self.shared, self.taken_over, self.deleted)
        return [*begin, *answers], [*begin, *(cell for each in took for cell in each.row(self.connectors))]


_BEGIN = ("side", "connectors", "running", "load")
ANSWERS = (
    *(*_BEGIN, "POST p50 ms", "p99 ms", "status p50 ms", "p99 ms"),
    *("list ms", "scrape ms", "MB"),
)
TOOK = (
    *_BEGIN,
    *(
        f"{what} {figure}".strip()
        for what in ("created", "restarted", "shared", "taken over", "deleted")
        for figure in ("s", "worker ms", "all ms")
    ),
)


@dataclass
class Asked:
    """A worker, asked over one connection."""

    node: Node
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection(self.node.id, timeout=120)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[float, bytes]:
        """The seconds that an answer took, and its content. Raises ClickException for an error that does not pass."""
        while True:
            began = time.perf_counter()
            self.connection.request(
                method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"}
            )
            answer = self.connection.getresponse()
            content = answer.read()
            if answer.status < 400:
                return time.perf_counter() - began, content
            if answer.status != 409:
                raise click.ClickException(f"{method} {path}: {answer.status} {content[:500]!r}")
            time.sleep(LOOK)


@dataclass
class Story:
    """One size, from the first connector to the last."""

    where: Group
    found: Found

    def names(self) -> list[str]:
        return [f"{self.where.directory.name}-{number}" for number in range(self.found.connectors)]

    def wanted(self, number: int) -> str:
        """The running ones lie between the others, so that both kinds come all the time."""
        connectors, running = self.found.connectors, self.found.running
        runs = (number + 1) * running // connectors > number * running // connectors
        return "RUNNING" if runs else STATES[number % len(STATES)]

    @contextmanager
    def took(self, what: Took) -> Iterator[None]:
        """Notes what passes meanwhile."""
        began, nodes = time.monotonic(), list(self.where.nodes)
        own, all_ = self._cpu(own_cpu_seconds, nodes), self._cpu(cpu_seconds, nodes)
        yield
        nodes += [node for node in self.where.nodes if node not in nodes]
        what.seconds = time.monotonic() - began
        what.worker_cpu = self._cpu(own_cpu_seconds, nodes) - own
        what.cpu = self._cpu(cpu_seconds, nodes) - all_

    def _cpu(self, seconds: Callable[[int], float], nodes: list[Node]) -> float:
        return sum(seconds(node.process.pid) for node in nodes)

    def homes(self) -> Counter[str] | None:
        """How many connectors are as they are wanted on each worker; None while not all are."""
        answer = self.where.nodes[0].call("/connectors?expand=status") or {}
        homes: Counter[str] = Counter()
        for number, name in enumerate(self.names()):
            status = answer.get(name, {}).get("status", {})
            wanted, own = self.wanted(number), status.get("connector", {})
            tasks = [each["state"] for each in status.get("tasks", ())]
            if own.get("state") != wanted or tasks != ["RUNNING"] * (wanted == "RUNNING"):
                return None
            homes[own["worker_id"]] += 1
        return homes

    def settled(self, *nodes: Node) -> None:
        """Waits until all are as they are wanted, and each of these workers has its share of them."""

        def holds() -> bool:
            homes = self.homes()
            share = self.found.connectors // len(nodes)
            return homes is not None and all(abs(homes[node.id] - share) <= 2 for node in nodes)

        while not holds():
            time.sleep(LOOK)

    def told(self) -> Found:
        """Goes through the whole story, and tells what was found."""
        first = self.where.join()
        self.where.until(lambda: first.call("/health"), "healthy worker")
        self.create(Asked(first))
        self.ask(first)
        self.restart()
        first = self.where.nodes[0]
        if self.found.workers > 1:
            self.share(first)
        with self.took(self.found.deleted):
            asked = Asked(first)
            for name in self.names():
                asked.ask("DELETE", f"/connectors/{name}")
            self.where.until(lambda: first.call("/connectors?expand=status") == {}, "end of all")
        self.found.load = float(report.machine()["load"])
        return self.found

    def share(self, first: Node) -> None:
        """With a second worker, which is killed then."""
        with self.took(self.found.shared):
            second = self.where.join()
            self.settled(first, second)
        second.process.kill()
        second.process.wait()
        self.where.nodes.remove(second)
        with self.took(self.found.taken_over):
            self.settled(first)

    def create(self, asked: Asked) -> None:
        with self.took(self.found.created):
            for number, name in enumerate(self.names()):
                config = {
                    "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
                    "topics": self.where.topic,
                    "tasks.max": "1",
                    "file": str(self.where.directory / f"{name}.txt"),
                    "consumer.override.ssl.key.password": f"a secret of {name}",
                }
                body = {"name": name, "config": config, "initial_state": self.wanted(number)}
                self.found.posts.append(asked.ask("POST", "/connectors", body)[0])
            self.settled(asked.node)

    def ask(self, first: Node) -> None:
        """What a dashboard and an operator ask for."""
        asked, everything = Asked(first), "/connectors?expand=status&expand=info"
        lists = [asked.ask("GET", everything)[0] for _ in range(ROUNDS)]
        scrapes = [asked.ask("GET", "/metrics")[0] for _ in range(ROUNDS)]
        self.found.listed, self.found.scraped = 1000 * median(lists), 1000 * median(scrapes)
        self.found.memory = memory_mb(first.process.pid)
        other, names = Asked(first), self.names()
        for number in range(10 * ROUNDS):
            if number % 10 == 0:
                other.connection.request("GET", everything)
            took, _ = asked.ask("GET", f"/connectors/{names[number % len(names)]}/status")
            self.found.statuses.append(took)
            if number % 10 == 9:
                other.connection.getresponse().read()

    def restart(self) -> None:
        """Ends the worker in order, and starts it again; its log of before is kept."""
        node = self.where.nodes.pop()
        node.process.send_signal(signal.SIGTERM)
        node.process.wait(120)
        with self.took(self.found.restarted):
            again = self.where.join()
            self.where.until(lambda: again.call("/health"), "healthy worker")
            self.settled(again)


@click.command()
@click.option("--connectors", default="100,200,400,800", show_default=True, help="The sizes, one after the other.")
@click.option("--running", default=15, show_default=True, help="Per cent of them that run.")
@click.option("--workers", default=2, show_default=True, help="1 leaves the second worker out.")
@click.option("--side", default="ours", show_default=True, type=click.Choice(["peer", "ours"]))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(connectors: str, running: int, workers: int, side: str, as_json: bool) -> None:
    """Tell the story in each size, and print two tables."""
    found: list[Found] = []
    name = "Ferryman" if side == "ours" else "Kafka Connect"
    for size in map(int, connectors.split(",")):
        with world(["kafka"]) as where, group(where, name) as one:
            feed(one)
            found.append(Story(one, Found(name, size, size * running // 100, workers)).told())
            for head, row in zip((ANSWERS, TOOK), found[-1].rows(), strict=True):
                print(", ".join(map(": ".join, zip(head, row, strict=True))), file=sys.stderr)
    if as_json:
        print(report.dump("many_connectors", [asdict(each) for each in found]))
        return
    for number, head in enumerate((ANSWERS, TOOK)):
        print(report.table(head, [each.rows()[number] for each in found]), end="\n\n")


if __name__ == "__main__":
    main()
