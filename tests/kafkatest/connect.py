"""Kafka Connect from outside, ours or the original: REST, topics, and what its plugins of these tests have logged."""

import re
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from ferryman.stack.runtime.ports import free_port
from tests.kafkatest.whose import Whose
from tests.prefork import Process, start
from tests.running import WEB, settings, until

Config = dict[str, str]
Body = Any


@dataclass
class Node:
    """One worker's process. It keeps its port when it is started again."""

    whose: Whose
    directory: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=free_port)
    scheme: str = "http"
    """The scheme of the listener that is asked."""
    web: httpx.Client = WEB
    """Who asks."""
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / f"worker-{self.port}.log"

    def launch(self, *connectors: Path) -> None:
        """Starts it and waits for nothing."""
        home = self.directory / str(self.port)
        home.mkdir(exist_ok=True)
        file = home / "worker.properties"
        settings = {"listeners": self.url, **self.settings, **self.whose.settings(home)}
        file.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        command = [*self.whose.command(home), str(file), *map(str, connectors)]
        with self.log.open("ab") as log:
            self.process = start(command, log, self.whose.environment(home))

    def start(self) -> "Node":
        self.launch()
        until(self.healthy, what=f"the start of {self.whose}, see {self.log}")
        return self

    def healthy(self) -> bool:
        """Whether it says so itself."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            return self.web.get(self.url + "/health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not hear it."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(120)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Connect:
    """A cluster of workers, or a single one in standalone mode."""

    whose: Whose
    directory: Path
    settings: Mapping[str, str]
    nodes: list[Node] = field(default_factory=list)
    before: dict[int, int] = field(default_factory=dict)
    """By port, bytes of the logs that are of earlier tests."""

    def add(self) -> Node:
        """One worker more."""
        node = Node(self.whose, self.directory, self.settings)
        self.nodes.append(node)
        return node.start()

    def remove(self, node: Node) -> None:
        """One worker less."""
        self.nodes.remove(node)
        node.stop()

    # REST.

    def ask(self, method: str, path: str, body: Body = None, node: int = 0, text: str | None = None) -> httpx.Response:
        """An answer, whatever it is, but that a cluster is just rebalancing."""
        given: dict[str, Any] = {"json": body}
        if text is not None:
            given = {"content": text, "headers": {"content-type": "application/json"}}
        answers: list[httpx.Response] = []

        def asked() -> bool:
            answers.append(self.nodes[node].web.request(method, self.nodes[node].url + path, **given))
            return answers[-1].status_code != 409 or not re.search("rebalance|stale", answers[-1].text)

        until(asked, what=f"{method} {path}", pause=0.25)
        return answers[-1]

    def call(self, method: str, path: str, body: Body = None, expect: int = 200, node: int = 0) -> Any:
        """The body of an answer that has this status."""
        answer = self.ask(method, path, body, node)
        assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def refused(self, status: int, method: str, path: str, body: Body = None) -> str:
        """The message of an answer that says no."""
        answer = self.call(method, path, body, status)
        assert answer["error_code"] == status
        return str(answer["message"])

    def connectors(self) -> list[str]:
        return list(self.call("GET", "/connectors"))

    def configure(self, name: str, config: Config) -> None:
        """Creates a connector, or gives it another config."""
        answer = self.ask("PUT", f"/connectors/{name}/config", config)
        assert answer.status_code in {200, 201}, f"{answer.status_code} {answer.text}"

    def create(self, name: str, config: Config, state: str) -> None:
        """Creates a connector in a state."""
        self.call("POST", "/connectors", {"name": name, "config": config, "initial_state": state}, 201)

    def delete(self, name: str) -> None:
        self.call("DELETE", f"/connectors/{name}", expect=204)

    def pause(self, name: str) -> None:
        self.call("PUT", f"/connectors/{name}/pause", expect=202)

    def stop(self, name: str) -> None:
        self.call("PUT", f"/connectors/{name}/stop", expect=204)

    def resume(self, name: str) -> None:
        self.call("PUT", f"/connectors/{name}/resume", expect=202)

    def info(self, name: str) -> Any:
        return self.call("GET", f"/connectors/{name}")

    def tasks(self, name: str) -> Any:
        return self.call("GET", f"/connectors/{name}/tasks")

    def offsets(self, name: str) -> list[dict[str, Any]]:
        return list(self.call("GET", f"/connectors/{name}/offsets")["offsets"])

    def topics(self, name: str) -> list[str]:
        return sorted(self.call("GET", f"/connectors/{name}/topics")[name]["topics"])

    def validated(self, config: Config) -> dict[str, list[str]]:
        """The errors of a config by key; the number of them is what the answer says it is."""
        kind = config["connector.class"].rpartition(".")[2]
        answer = self.call("PUT", f"/connector-plugins/{kind}/config/validate", config)
        errors: dict[str, list[str]] = {}
        for each in answer["configs"]:  # a key without a definition may come a second time, without its errors
            errors.setdefault(each["value"]["name"], []).extend(each["value"]["errors"])
        assert answer["error_count"] == sum(bool(found) for found in errors.values()), answer
        return {name: found for name, found in errors.items() if found}

    # What becomes of a connector.

    def status(self, name: str) -> Any:
        """None while there is none."""
        answer = self.ask("GET", f"/connectors/{name}/status")
        return answer.json() if answer.status_code == 200 else None

    def becomes(self, name: str, state: str, tasks: Sequence[str]) -> None:
        """Waits until connector and tasks, in the order of their numbers, have these states."""

        def states() -> bool:
            status = self.status(name) or {"connector": {"state": None}, "tasks": []}
            shown = sorted(status["tasks"], key=lambda each: int(each["id"]))
            found[:] = [status["connector"]["state"], *(each["state"] for each in shown)]
            return found == [state, *tasks]

        found: list[str] = []
        try:
            until(states)
        except AssertionError:
            raise AssertionError(f"{name} is {found}, not {[state, *tasks]}, see {self.directory}") from None

    def runs(self, name: str, tasks: int) -> None:
        self.becomes(name, "RUNNING", ["RUNNING"] * tasks)

    def is_paused(self, name: str, tasks: int) -> None:
        self.becomes(name, "PAUSED", ["PAUSED"] * tasks)

    def is_stopped(self, name: str) -> None:
        """It is, and has neither tasks nor their configs."""
        self.becomes(name, "STOPPED", [])
        assert self.info(name)["tasks"] == self.tasks(name) == []

    def has_failed(self, name: str, tasks: int) -> None:
        self.becomes(name, "FAILED", ["FAILED"] * tasks)

    def is_gone(self, name: str) -> None:
        until(lambda: self.ask("GET", f"/connectors/{name}/status").status_code == 404, what=f"the end of {name}")

    # What its plugins say of themselves.

    @property
    def said(self) -> str:
        """What the workers have logged in this test."""
        return "".join(_tail(node.log, self.before.get(node.port, 0)) for node in self.nodes)

    @property
    def plugins_said(self) -> str:
        """What of it is the plugins' own: Kafka's workers use some of their words."""
        mark = self.whose.mark_of_plugins
        return "".join(line for line in self.said.splitlines(keepends=True) if mark in line)

    def starts(self, name: str) -> "Counter[str]":
        """How often a connector, by its name, and its tasks, by their ids, have started."""
        said = self.plugins_said
        itself = re.findall(rf"Start(?:ed \S+|ing) connector ({re.escape(name)})(?=\s)", said)
        tasks = re.findall(rf"Start(?:ed \S+|ing) task ({re.escape(name)}-\d+)(?=\s)", said)
        return Counter([*itself, *tasks])

    def stops(self, name: str) -> "Counter[str]":
        """How often its tasks have stopped."""
        return Counter(re.findall(rf"Stopped \S+ task ({re.escape(name)}-\d+)(?=\s)", self.said))

    def given(self, partition: str) -> tuple[int, int]:
        """How often a partition was given to a sink's task, and how often taken away."""
        lists = re.findall(r"(Opening|Closing) partitions \[(.*?)\]", self.plugins_said)
        found = [what for what, partitions in lists if partition in partitions.split(", ")]
        return found.count("Opening"), found.count("Closing")

    def obtained(self, name: str) -> list[str]:
        """The values that a sink's tasks were given, in the order of the log."""
        found = re.findall(rf"Task {re.escape(name)}-\d+ obtained record \(key='.*' value='(.*)'\)", self.said)
        return [str(value) for value in found]


def _tail(log: Path, start: int) -> str:
    with log.open("rb") as file:
        file.seek(start)
        return file.read().decode(errors="replace")


@contextmanager
def cluster(whose: Whose, directory: Path, settings: Mapping[str, str], workers: int = 1) -> Iterator[Connect]:
    """Workers that are gone at the end, with all their processes."""
    made = Connect(whose, directory, settings)
    try:
        for _ in range(workers):
            made.add()
        yield made
    finally:
        for node in made.nodes:
            node.stop()


@contextmanager
def borrowed(lasting: Connect, name: str) -> Iterator[Connect]:
    """A cluster that runs for many tests, as one of them sees it: its log begins now, and in the end the connectors
    whose names begin with the test's are gone."""
    one = replace(lasting, before={node.port: node.log.stat().st_size for node in lasting.nodes})
    yield one
    for connector in one.connectors():
        if connector.startswith(name):
            one.delete(connector)


def worker_settings(kafka: str, name: str, **more: str) -> dict[str, str]:
    """Settings for a worker of either kind and mode."""
    return {
        **settings(kafka, name),
        "config.providers": "file",
        "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        "config.storage.topic": f"{name}-configs",
        "status.storage.topic": f"{name}-status",
        "status.storage.partitions": "1",
        "config.storage.replication.factor": "1",
        "offset.storage.replication.factor": "1",
        "status.storage.replication.factor": "1",
        "scheduled.rebalance.max.delay.ms": "0",
        "task.shutdown.graceful.timeout.ms": "60000",
        **{key.replace("_", "."): value for key, value in more.items()},
    }
