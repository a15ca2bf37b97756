"""What a worker and its tasks cost while nothing happens, and how soon they are there. `python -m bench.cost`.

Many connectors of one kind whose topic or file has a single line: memory, threads, descriptors, CPU of the idle ones,
start to first record, restart. Each has a consumer group, a file, a table or a folder of its own.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import click
from confluent_kafka import Producer
from sqlalchemy import make_url

from bench import report
from bench.ours import ours
from bench.peer import peer
from bench.records import Topic, envelope_messages, fill
from bench.run import Running, Stuck, started
from bench.s3 import bucket
from bench.side import CONFIGS, Side
from bench.usage import cpu_seconds, descriptors, memory_mb, private_mb, threads, tree
from bench.world import World, world
from ferryman.worker import connector_file

KINDS = ("cost-file-sink", "cost-file-source", "cost-sql", "cost-s3")
PLUGINS = {"cost-file-sink": "file", "cost-file-source": "file"}
"""The peer's plugin of each kind. Fifty of Debezium's JDBC sinks want more connections than the database has, and no
peer's S3 sink is on the registries."""
_LOOK = 0.01
_HEAD = (
    *("config", "side", "connectors", "load", "first record s", "CPU s", "all run s", "restart s"),
    *("processes", "MB", "MB a further one", "private MB", "threads", "descriptors", "CPU % each"),
)


@dataclass(frozen=True)
class Cost:
    """What one run gave. Memory is in MB."""

    config: str
    side: str
    connectors: int
    load: float
    """The machine's load average at the end."""
    first_seconds: float | None
    """From the worker's start to the first line in the file of its first connector; file sinks only."""
    first_cpu: float | None
    """CPU seconds of the worker and all its processes until then."""
    all_seconds: float
    """From the creation of the others until all run."""
    restart_seconds: float | None
    """From the request to restart a task to the next line in its file; file sinks only. The middle of several."""
    processes: int
    memory: float
    """The proportional set sizes of all processes."""
    memory_each: float
    """By how much that grew with each connector after the first."""
    private: float
    """The private memory of the middle process."""
    threads: int
    descriptors: int
    cpu_each: float
    """Per cent of a core that each connector takes, the worker's own part included."""

    def row(self) -> list[str]:
        """For the table."""
        return [
            *(self.config, self.side, str(self.connectors), f"{self.load:.1f}"),
            *(_seconds(self.first_seconds), _seconds(self.first_cpu), f"{self.all_seconds:.1f}"),
            _seconds(self.restart_seconds),
            *(str(self.processes), f"{self.memory:.0f}", f"{self.memory_each:.1f}", f"{self.private:.1f}"),
            *(str(self.threads), str(self.descriptors), f"{self.cpu_each:.2f}"),
        ]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


@dataclass(frozen=True)
class Idle:
    """A running worker with its connectors of one kind."""

    running: Running
    config: str
    folder: Path

    def create(self, number: int) -> str:
        """One more connector."""
        given = connector_file.read(CONFIGS / f"{self.config}.properties")
        name = f"{self.running.connector}-{number}"
        config = {key: value.replace(self.config, name) for key, value in given.config.items()}
        _call(f"{self.running.rest}/connectors", {"name": name, "config": {**config, "name": name}})
        return name

    def await_running(self, connectors: int) -> None:
        """Until each has a running task."""
        self.until(lambda: self._states() == ["RUNNING"] * connectors, f"{connectors} running tasks")

    def _states(self) -> list[str]:
        found = _call(f"{self.running.rest}/connectors?expand=status")
        return [task["state"] for each in found.values() for task in each["status"]["tasks"]]

    def lines(self, name: str) -> int:
        """How many lines are in a sink's file."""
        file = self.folder / f"{name}.txt"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Raises Stuck if the worker ends, fails or takes too long before something holds."""
        while True:
            with suppress(URLError, OSError):
                if holds():
                    return
            try:
                self.running.look()
            except Stuck as error:
                raise Stuck(f"no {what}: {error}") from error
            time.sleep(_LOOK)


def _call(url: str, body: Mapping[str, Any] | None = None, method: str | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with urlopen(request, timeout=60) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def _more(idle: Idle, before: int) -> bool:
    return idle.lines(idle.config) > before


@dataclass(frozen=True)
class Bench:
    """What all runs have in common."""

    where: World
    topic: Topic
    connectors: int
    seconds: float
    """How long idle CPU is looked at."""
    restarts: int

    def run(self, side: Side, config: str, name: str) -> Cost:
        """One side with one kind of connector."""
        directory = self.where.directory / name
        with started(side, config, directory, self.variables(name, directory)) as running:
            idle = Idle(running, config, directory)
            (directory / "input.txt").write_text("a line\n")
            first = self._first(idle) if config == "cost-file-sink" else (None, None)
            idle.await_running(1)
            time.sleep(self.seconds / 2)
            alone = memory_mb(running.process.pid)
            began = time.monotonic()
            for number in range(1, self.connectors):
                idle.create(number)
            idle.await_running(self.connectors)
            seconds = time.monotonic() - began
            restart = median(self._restarts(idle)) if config == "cost-file-sink" and self.restarts else None
            return self._cost(idle, side, alone, (*first, seconds, restart))

    def _first(self, idle: Idle) -> tuple[float, float]:
        idle.until(lambda: idle.lines(idle.config) > 0, "first line")
        return idle.running.seconds, cpu_seconds(idle.running.process.pid)

    def _restarts(self, idle: Idle) -> Iterator[float]:
        producer = Producer({"bootstrap.servers": self.where.broker, "linger.ms": 0})
        for number in range(self.restarts):
            before, began = idle.lines(idle.config), time.monotonic()
            _call(f"{idle.running.rest}/connectors/{idle.running.connector}/tasks/0/restart", method="POST")
            producer.produce(self.topic.name, json.dumps({"number": number}).encode())
            producer.flush()
            idle.until(partial(_more, idle, before), "line after the restart")
            yield time.monotonic() - began

    def _cost(
        self, idle: Idle, side: Side, alone: float, times: tuple[float | None, float | None, float, float | None]
    ) -> Cost:
        pid = idle.running.process.pid
        time.sleep(self.seconds / 2)
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(self.seconds)
        cpu = (cpu_seconds(pid) - before) / (time.monotonic() - began)
        memory, processes = memory_mb(pid), tree(pid)
        return Cost(
            config=idle.config,
            side=side.name,
            connectors=self.connectors,
            load=float(report.machine()["load"]),
            first_seconds=times[0],
            first_cpu=times[1],
            all_seconds=times[2],
            restart_seconds=times[3],
            processes=len(processes),
            memory=memory,
            memory_each=(memory - alone) / max(1, self.connectors - 1),
            private=median(private_mb(each) for each in processes),
            threads=sum(threads(each) for each in processes),
            descriptors=sum(descriptors(each) for each in processes),
            cpu_each=100 * cpu / self.connectors,
        )

    def variables(self, name: str, directory: Path) -> dict[str, str]:
        """What the config files of all kinds have variables for."""
        database = make_url(self.where.server)
        return {
            **self.where.file_variables(self.topic.name, directory / "unused"),
            "BENCH_BUCKET": name,
            "BENCH_DATABASE": f"jdbc:postgresql://{database.host}:{database.port}/{database.database}",
            "BENCH_FOLDER": str(directory),
            "BENCH_PASSWORD": str(database.password),
            "BENCH_STORE": self.where.addresses.get("s3", ""),
            "BENCH_USER": str(database.username),
        }


def sides(config: str, only: str | None) -> Iterator[Side]:
    """The peer where it has such a connector, and Ferryman."""
    if only != "ours" and config in PLUGINS:
        yield peer(PLUGINS[config])
    if only != "peer":
        yield ours()


def run(where: World, configs: Sequence[str], options: tuple[int, float, int], only: str | None) -> Iterator[Cost]:
    """Every kind on every side; ``options`` are connectors, seconds and restarts."""
    names = (f"cost-run{number}" for number in count())
    for config in configs:
        topic = fill(where.broker, f"{config}-records", envelope_messages(1), 1)
        for side in sides(config, only):
            name = next(names)
            if config == "cost-s3":
                bucket(where.addresses["s3"], name)
            print(f"{config}, {side.name}", file=sys.stderr)
            cost = Bench(where, topic, *options).run(side, config, name)
            print(
                "  " + ", ".join(f"{head} {value}" for head, value in zip(_HEAD, cost.row(), strict=True)),
                file=sys.stderr,
            )
            yield cost


@click.command()
@click.option("--connectors", default=50, show_default=True)
@click.option("--seconds", default=20.0, show_default=True, help="How long idle CPU is looked at.")
@click.option("--restarts", default=5, show_default=True)
@click.option("--config", "names", type=click.Choice(KINDS), multiple=True, default=KINDS)
@click.option("--side", "only", type=click.Choice(["peer", "ours"]), help="Only this side.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(
    connectors: int, seconds: float, restarts: int, names: tuple[str, ...], only: str | None, as_json: bool
) -> None:
    """Run every kind on both sides, one after the other, and print what they cost."""
    servers = {"kafka", "postgres", *(["s3"] if "cost-s3" in names else [])}
    with world(sorted(servers)) as where:
        found = list(run(where, names, (connectors, seconds, restarts), only))
    print(
        report.dump("cost", [asdict(each) for each in found])
        if as_json
        else report.table(_HEAD, [e.row() for e in found])
    )


if __name__ == "__main__":
    main()
