"""A group of workers beside Kafka Connect's: start, a hundred connectors, a worker killed. `python -m bench.worker`.

Both have the same properties but for their ports; connectors are file sinks that read one topic, a group each.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import click
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from bench import report
from bench.peer import launched, plugin_path
from bench.usage import cpu_seconds, memory_mb
from bench.world import World, world
from ferryman.stack.runtime.ports import free_port

PATIENCE = 600.0
"""Seconds after which something counts as stuck."""
_LOOK = 0.02
FED_SECONDS = 0.1
"""Seconds between two records while a worker is killed."""
_WATCHED = 10
"""Files of other workers' tasks that are looked at meanwhile."""
_STEADY = 3.0
"""Seconds for which they are first seen to grow."""
_ENVIRONMENT = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
"""Empty is unset: an installed program has its bytecode in caches, whatever this shell says."""
_PROPERTIES = """\
bootstrap.servers={broker}
group.id={name}
listeners=http://127.0.0.1:{port}
rest.advertised.host.name=127.0.0.1
key.converter=org.apache.kafka.connect.storage.StringConverter
value.converter=org.apache.kafka.connect.storage.StringConverter
config.storage.topic={name}-configs
offset.storage.topic={name}-offsets
status.storage.topic={name}-status
config.storage.replication.factor=1
offset.storage.replication.factor=1
status.storage.replication.factor=1
scheduled.rebalance.max.delay.ms=0
"""
_HEAD = (
    *("side", "load", "ready s", "CPU s", "first record s", "MB with 10 tasks", "100 more run s"),
    *("elsewhere s", "all elsewhere s", "others pause s", "balanced s"),
)


@dataclass(frozen=True)
class Found:
    """What one side gave."""

    side: str
    load: float
    """The machine's load average at the end."""
    ready_seconds: float
    """From the start of the first worker until it is healthy."""
    ready_cpu: float
    """What that took of a core."""
    first_seconds: float
    """From its start to the first line in the file of a connector that is created as soon as it is healthy."""
    memory: float
    """MB (proportional set sizes) of one worker with ten tasks and all their processes."""
    many_seconds: float
    """From the creation of the other connectors until all run on three workers."""
    elsewhere_seconds: float
    """From SIGKILL of a worker to the next line in a file whose task it had."""
    all_elsewhere_seconds: float
    """The same, until all its tasks run elsewhere."""
    pause_seconds: float
    """Meanwhile, the longest time from one line to the next in a file whose task another worker had, while a record
    comes every FED_SECONDS."""
    balanced_seconds: float
    """From the start of another worker until each has its share."""

    def row(self) -> list[str]:
        """For the table."""
        numbers = (
            *(self.ready_seconds, self.ready_cpu, self.first_seconds, self.memory, self.many_seconds),
            *(self.elsewhere_seconds, self.all_elsewhere_seconds, self.pause_seconds, self.balanced_seconds),
        )
        return [self.side, f"{self.load:.1f}", *(f"{number:.1f}" for number in numbers)]


@dataclass
class Node:
    """One worker."""

    process: subprocess.Popen[bytes]
    port: int
    began: float

    @property
    def id(self) -> str:
        """What statuses call it."""
        return f"127.0.0.1:{self.port}"

    def call(self, path: str, body: Any = None) -> Any:
        """What it answers; None while it does not."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.id}{path}", data, {"Content-Type": "application/json"})
        try:
            with urlopen(request, timeout=120) as answer:
                return json.loads(answer.read() or b"true")
        except HTTPError as error:
            if error.code in (404, 409, 500, 503):
                return None
            raise
        except (URLError, OSError):
            return None


@dataclass
class Group:
    """The workers of one side."""

    where: World
    side: str
    directory: Path
    nodes: list[Node] = field(default_factory=list)

    @property
    def topic(self) -> str:
        return f"{self.directory.name}-records"

    def join(self) -> Node:
        """Starts one more worker."""
        port = free_port()
        file = self.directory / f"worker-{port}.properties"
        text = _PROPERTIES.format(broker=self.where.broker, name=self.directory.name, port=port)
        if self.side == "Ferryman":
            command: tuple[str, ...] = (sys.executable, "-m", "ferryman", "distributed", str(file))
        else:
            text += f"plugin.path={plugin_path(self.directory / f'plugins-{port}', ['file'])}\n"
            command = launched("org.apache.kafka.connect.cli.ConnectDistributed", self.directory, str(file))
        file.write_text(text)
        with (self.directory / f"worker-{port}.log").open("wb") as log:
            node = Node(subprocess.Popen(command, stdout=log, stderr=log, env=_ENVIRONMENT), port, time.monotonic())
        self.nodes.append(node)
        return node

    def create(self, number: int) -> str:
        """One connector with its file."""
        name = f"{self.directory.name}-{number}"
        config = {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "topics": self.topic,
            "tasks.max": "1",
            "file": str(self.directory / f"{name}.txt"),
        }
        self.until(lambda: self.nodes[0].call("/connectors", {"name": name, "config": config}), f"creation of {name}")
        return name

    def lines(self, name: str) -> int:
        file = self.directory / f"{name}.txt"
        return file.read_bytes().count(b"\n") if file.exists() else 0

    def homes(self) -> dict[str, str]:
        """By connector, the worker on which its task runs."""
        found = self.nodes[0].call("/connectors?expand=status") or {}
        tasks = {name: each["status"]["tasks"] for name, each in found.items()}
        return {name: own[0]["worker_id"] for name, own in tasks.items() if own and own[0]["state"] == "RUNNING"}

    def until(self, holds: Callable[[], Any], what: str) -> float:
        """The seconds until something holds."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > PATIENCE:
                raise click.ClickException(f"{self.side}: no {what}, see {self.directory}")
            time.sleep(_LOOK)
        return time.monotonic() - began

    def end(self) -> None:
        for node in self.nodes:
            node.process.terminate()
        for node in self.nodes:
            try:
                node.process.wait(60)
            except subprocess.TimeoutExpired:
                node.process.kill()
                node.process.wait()


@contextmanager
def group(where: World, side: str) -> Iterator[Group]:
    """No worker yet; all are gone at the end."""
    directory = where.directory / f"group-{side.split()[0].lower()}"
    directory.mkdir()
    made = Group(where, side, directory)
    admin = AdminClient({"bootstrap.servers": where.broker})
    admin.create_topics([NewTopic(made.topic, 1, 1)])[made.topic].result()
    try:
        yield made
    finally:
        made.end()


def measured(one: Group, connectors: int) -> Found:
    """All of it, in one story."""
    feed(one)
    first = one.join()
    one.until(lambda: first.call("/health"), "healthy worker")
    ready, cpu = time.monotonic() - first.began, cpu_seconds(first.process.pid)
    name = one.create(0)
    one.until(lambda: one.lines(name), "first line")
    soon = time.monotonic() - first.began
    for number in range(1, 10):
        one.create(number)
    one.until(lambda: len(one.homes()) == 10, "ten tasks")
    time.sleep(5.0)
    memory = memory_mb(first.process.pid)
    one.join(), one.join()
    one.until(lambda: len(set(one.homes().values())) == 3, "three workers with tasks")
    began = time.monotonic()
    for number in range(10, connectors):
        one.create(number)
    one.until(lambda: len(one.homes()) == connectors, f"{connectors} tasks")
    many = time.monotonic() - began
    one.until(lambda: balanced(one, connectors, 3), "balance")
    elsewhere, everything, pause = lost(one, connectors)
    one.join()
    back = one.until(lambda: balanced(one, connectors, 3), "balance with another worker")
    load = float(report.machine()["load"])
    return Found(one.side, load, ready, cpu, soon, memory, many, elsewhere, everything, pause, back)


def feed(one: Group) -> None:
    """One more record."""
    producer = Producer({"bootstrap.servers": one.where.broker, "linger.ms": 0})
    producer.produce(one.topic, b"a line")
    producer.flush()


class Pauses(threading.Thread):
    """Feeds all the time, and looks when the files of some connectors grow."""

    def __init__(self, one: Group, names: Sequence[str]) -> None:
        super().__init__()
        self._producer = Producer({"bootstrap.servers": one.where.broker, "linger.ms": 0})
        self._topic, self._files = one.topic, [one.directory / f"{name}.txt" for name in names]
        self._over = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        grown, fed = [each.stat().st_mtime for each in self._files], 0.0
        while not self._over.wait(_LOOK):
            if time.monotonic() - fed >= FED_SECONDS:
                self._producer.produce(self._topic, b"a line")
                self._producer.poll(0)
                fed = time.monotonic()
            now = [each.stat().st_mtime for each in self._files]
            self.longest = max(self.longest, *(new - old for new, old in zip(now, grown, strict=True)))
            grown = now
        self._producer.flush()

    def end(self) -> float:
        """Seconds of the longest pause that is over."""
        self._over.set()
        self.join()
        return self.longest


def lost(one: Group, connectors: int) -> tuple[float, float, float]:
    """A worker is killed: the seconds until one of its tasks writes elsewhere, and until all of them run; and the
    longest pause of the others' tasks meanwhile."""
    gone = one.nodes.pop()
    homes = one.homes()
    mine = [name for name, home in homes.items() if home == gone.id]
    feed(one)
    pauses = Pauses(one, [name for name, home in homes.items() if home != gone.id and one.lines(name)][:_WATCHED])
    pauses.start()
    try:
        time.sleep(_STEADY)
        pauses.longest = 0.0
        gone.process.kill()
        gone.process.wait()
        began = time.monotonic()
        time.sleep(0.5)  # what its tasks had begun to write
        lines = {name: one.lines(name) for name in mine}
        one.until(lambda: any(one.lines(name) > before for name, before in lines.items()), "line elsewhere")
        first = time.monotonic() - began

        def elsewhere() -> bool:
            homes = one.homes()
            return len(homes) == connectors and gone.id not in homes.values()

        one.until(elsewhere, "tasks elsewhere")
        return first, time.monotonic() - began, pauses.end()
    finally:
        pauses.end()


def balanced(one: Group, connectors: int, workers: int) -> bool:
    """Whether all tasks run, and no worker has many more than another."""
    shares = Counter(one.homes().values())
    return len(shares) == workers and shares.total() == connectors and max(shares.values()) - min(shares.values()) <= 2


@click.command()
@click.option("--connectors", default=100, show_default=True)
@click.option("--side", "only", type=click.Choice(["peer", "ours"]), help="Only this side.")
@click.option("--repeat", default=1, show_default=True, help="Runs of each side; two show the noise.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(connectors: int, only: str | None, repeat: int, as_json: bool) -> None:
    """Run both sides one after the other, and print a table."""
    sides = [name for name, word in (("Kafka Connect", "peer"), ("Ferryman", "ours")) if only in (None, word)]
    found: list[Found] = []
    for _ in range(repeat):
        with world(["kafka"]) as where:
            for side in sides:
                with group(where, side) as one:
                    found.append(measured(one, connectors))
                    print(", ".join(map(": ".join, zip(_HEAD, found[-1].row(), strict=True))), file=sys.stderr)
    if as_json:
        print(report.dump("worker", [asdict(each) for each in found]))
    else:
        print(report.table(_HEAD, [each.row() for each in found]))


if __name__ == "__main__":
    main()
