"""A worker as the demo runs it: a process of its own, spoken to over REST, killed and started again."""

import contextlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import httpx

from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.flows import Flow
from ferryman.stack.runtime.errors import StackError
from ferryman.stack.runtime.ports import HOST, free_port
from ferryman.stack.runtime.process import Launch, Process

_START_SECONDS = 120.0
_STOP_SECONDS = 20.0
_POST_SECONDS = 100.0
"""A worker gives itself 90, and says then what it has waited for."""
_LOOK_SECONDS = 3.0
Mode = Literal["standalone", "distributed"]
_RUNS = re.compile(r"task (?P<task>\S+) runs as process (?P<pid>\d+)")


@dataclass(frozen=True, slots=True)
class Connector:
    """What REST says of a connector."""

    name: str
    state: str
    tasks: Mapping[int, str]
    """Their states, by number."""
    trace: str | None = None
    """The trace of the connector, or of the first task that failed."""
    worker: str = ""
    """Who runs the connector, by its id."""
    workers: Mapping[int, str] = field(default_factory=dict)
    """Who runs each task."""

    @property
    def running(self) -> bool:
        """Whether it and all its tasks run."""
        return self.state == "RUNNING" and bool(self.tasks) and set(self.tasks.values()) == {"RUNNING"}


class Worker:
    """One worker on a port that stays the same. It dies with this process, however this process dies."""

    def __init__(
        self,
        directory: Path,
        properties: Path,
        variables: Mapping[str, str],
        *,
        name: str = "worker",
        mode: Mode = "standalone",
        overrides: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Its log is kept in ``directory``, which is deleted when it is discarded or this process dies."""
        self.name = name
        self.directory = directory
        self.log = directory / f"{name}.log"
        self.port = free_port()
        self.id = f"{HOST}:{self.port}"
        """What statuses call it."""
        self.url = f"http://{self.id}"
        self._command = command(properties, self.port, mode=mode, overrides=overrides)
        self._variables = variables
        self._process: Process | None = None
        self._client = httpx.Client(base_url=self.url, timeout=_LOOK_SECONDS, trust_env=False)

    @property
    def pid(self) -> int | None:
        """The id of the worker's process while it runs."""
        return self._process.pid if self._process and self._process.exit_code is None else None

    @property
    def died(self) -> str | None:
        """None, or how it ended without having been asked to, with the end of its log."""
        if self._process is None or self._process.exit_code is None:
            return None
        return f"the {self.name} {self._process.describe_end()}. The end of its log:\n{self._process.tail()}"

    def start(self, check: Callable[[], None]) -> None:
        """Returns when REST answers. Raises DemoError if it does not; ``check`` may raise while waiting."""
        self.launch()
        self.await_start(check)

    def launch(self) -> None:
        """Begins to start."""
        self.directory.mkdir(parents=True, exist_ok=True)
        with environment(self._variables):
            self._process = Process(Launch(self._command), self.log, remove=[self.directory])

    def await_start(self, check: Callable[[], None]) -> None:
        """Returns when it is well. Raises DemoError if it is not; ``check`` may raise while waiting."""
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            check()
            if died := self.died:
                raise DemoError(died)
            if time.monotonic() > deadline:
                tail = self._process.tail()
                raise DemoError(f"the {self.name} did not answer within {_START_SECONDS:.0f} s. Its log:\n{tail}")
            time.sleep(0.05)

    def lose(self, task: str) -> str:
        """SIGKILL to the worker that runs a task, which is this one; says which it was."""
        self.kill()
        return f"the {self.name}"

    def kill(self) -> None:
        """SIGKILL; returns when it is gone."""
        if self._process:
            process, self._process = self._process, None
            process.kill()

    def stop(self) -> None:
        """Lets it and its tasks finish in order."""
        if self._process:
            process, self._process = self._process, None
            process.stop(_STOP_SECONDS)

    def discard(self) -> None:
        """Ends it at once and deletes its log."""
        if self._process:
            process, self._process = self._process, None
            process.abandon()
        shutil.rmtree(self.directory, ignore_errors=True)

    def post(self, flow: Flow) -> None:
        """Posts a connector's file as it is. Raises DemoError with the worker's answer if it is not taken."""
        self.ask("POST", "/connectors", flow.text)

    def change(self, flow: Flow) -> None:
        """Gives a connector the config of this file. Raises DemoError if the worker does not take it."""
        self.ask("PUT", f"/connectors/{flow.name}/config", json.dumps(flow.config))

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """The answer to a request; None where it has no content. Raises DemoError if it is not what was hoped for."""
        try:
            headers = {"Content-Type": "application/json"}
            answer = self._client.request(method, path, content=body, headers=headers, timeout=_POST_SECONDS)
        except httpx.HTTPError as error:
            raise DemoError(f"the worker did not answer {method} {path}: {type(error).__name__}: {error}") from None
        if not answer.is_success:
            raise DemoError(f"the worker refused {method} {path}: {answer.status_code} {_message(answer)}")
        return answer.json() if answer.content else None

    def connectors(self) -> list[Connector]:
        """The state of all connectors, as far as REST answers."""
        try:
            answer = self._client.get("/connectors", params={"expand": "status"}).raise_for_status().json()
            return [_connector(name, about["status"]) for name, about in sorted(answer.items())]
        except (httpx.HTTPError, ValueError):
            return []

    def task_pid(self, task: str) -> int | None:
        """The process that ``<connector>-<number>`` runs as, by the worker's log."""
        found = None
        with self.log.open(errors="replace") as lines:
            for line in lines:
                said = _RUNS.search(line)
                if said and said["task"] == task:
                    found = int(said["pid"])
        return found

    def _answers(self) -> bool:
        try:
            return self._client.get("/health").status_code == 200
        except httpx.HTTPError:
            return False


def command(
    properties: Path,
    port: int,
    connectors: Sequence[Path] = (),
    mode: Mode = "standalone",
    overrides: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """The command line of a worker."""
    settings = {"listeners": f"http://{HOST}:{port}", **overrides}
    files = [str(each.absolute()) for each in (properties, *connectors)]
    given = [word for key, value in settings.items() for word in ("--override", f"{key}={value}")]
    return (sys.executable, "-P", "-m", "ferryman", mode, *files, *given)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets what the config files refer to. CONNECT_* would change the worker's settings, so they are left out."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("CONNECT_")]:
        del os.environ[name]
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def kill_process(pid: int) -> None:
    """Kills it at once (SIGKILL); nothing happens if it is gone already."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 9)


def _connector(name: str, status: Mapping[str, object]) -> Connector:
    match status:
        case {"connector": {"state": str(state), **own}, "tasks": list(tasks)}:
            traces = [own.get("trace"), *(task.get("trace") for task in tasks)]
            trace = next((str(each) for each in traces if each), None)
            states = {task["id"]: task["state"] for task in tasks}
            workers = {task["id"]: str(task["worker_id"]) for task in tasks}
            return Connector(name, state, states, trace, str(own.get("worker_id", "")), workers)
    raise StackError(f"the worker's status of {name} is malformed")


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text
