"""One run of one side: started, watched until every record has arrived, measured, ended."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.side import CONFIGS, Files, Side, write_text
from bench.targets import Target
from bench.usage import cpu_seconds, memory_mb
from ferryman.stack.runtime.ports import HOST, free_port
from ferryman.stack.runtime.process import Launch, Process

_LOOK_SECONDS = 0.02
_SAMPLE_SECONDS = 0.5
_QUESTION_SECONDS = 5.0
_TIMEOUT_SECONDS = 900.0
_FIRST_SECONDS = 180.0
_STOP_SECONDS = 20.0


class Stuck(Exception):
    """A side did not do its work."""


@dataclass(frozen=True)
class Result:
    """What one run gave. Seconds count from the start of the process."""

    side: str
    config: str
    records: int
    first_seconds: float
    """Until the first record could be read."""
    seconds: float
    """Until the last one could."""
    rate: float
    """Records a second from the first to the last."""
    cpu_seconds: float
    memory_mb: float
    """The highest sum of the processes' proportional set sizes seen."""
    digest: str
    loss: str | None

    def dump(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass
class Running:
    """A side that runs a connector."""

    process: Process
    connector: str
    rest: str
    began: float
    memory: float = 0.0
    _next_sample: float = 0.0
    _next_question: float = 0.0

    @property
    def seconds(self) -> float:
        """Since its process was started."""
        return time.monotonic() - self.began

    def look(self) -> None:
        """Take a sample of its memory when one is due. Raises Stuck if it has ended, failed or takes too long."""
        now = time.monotonic()
        if now < self._next_sample:
            return
        self._next_sample = now + _SAMPLE_SECONDS
        self.memory = max(self.memory, memory_mb(self.process.pid))
        if self.process.exit_code is not None:
            raise Stuck(f"it {self.process.describe_end()}:\n{self.process.tail(60)}")
        self._ask(now)
        if self.seconds > _TIMEOUT_SECONDS:
            raise Stuck(f"not everything has arrived after {_TIMEOUT_SECONDS:.0f} s:\n{self.process.tail(60)}")

    def _ask(self, now: float) -> None:
        if now >= self._next_question:
            self._next_question = now + _QUESTION_SECONDS
            if failure := self._failure():
                raise Stuck(f"the task has failed:\n{failure}")

    def _failure(self) -> str | None:
        try:
            with urlopen(f"{self.rest}/connectors/{self.connector}/status", timeout=2) as answer:
                status = json.load(answer)
        except (OSError, ValueError):
            return None
        parts = [status.get("connector", {}), *status.get("tasks", [])]
        return next((part.get("trace", "") for part in parts if part.get("state") == "FAILED"), None)


@contextmanager
def started(side: Side, config: str, directory: Path, variables: Mapping[str, str]) -> Iterator[Running]:
    """Start a side with a file of configs/ in an empty directory and end it afterwards.

    The directory's name becomes the connector's.
    """
    with started_with(side, (CONFIGS / f"{config}.properties").read_text(), directory, variables) as running:
        yield running


@contextmanager
def started_with(side: Side, text: str, directory: Path, variables: Mapping[str, str]) -> Iterator[Running]:
    """The same with a connector file of this text."""
    directory.mkdir(parents=True)
    rest = f"http://{HOST}:{free_port()}"
    files = write_text(side, text, directory.name, directory)
    settings = {**variables, **side.variables, "BENCH_LISTENER": rest, "BENCH_OFFSETS": str(directory / "offsets")}
    command = _with(settings, side, files)
    began = time.monotonic()
    process = Process(Launch(command, directory=directory), directory / "log")
    try:
        yield Running(process, directory.name, rest, began)
    finally:
        process.stop(_STOP_SECONDS)


def _with(settings: Mapping[str, str], side: Side, files: Files) -> tuple[str, ...]:
    return ("/usr/bin/env", *(f"{name}={value}" for name, value in settings.items()), *side.command(files))


def measure(running: Running, side: Side, config: str, records: int, target: Target) -> Result:
    """Watch a run to its end."""
    while not (early := target.arrived()):
        running.look()
        if running.seconds > _FIRST_SECONDS:
            raise Stuck(f"nothing has arrived after {_FIRST_SECONDS:.0f} s:\n{running.process.tail(60)}")
        time.sleep(_LOOK_SECONDS)
    first = running.seconds
    while not target.complete():
        running.look()
        time.sleep(_LOOK_SECONDS)
    seconds = running.seconds
    cpu = cpu_seconds(running.process.pid)
    running.memory = max(running.memory, memory_mb(running.process.pid))
    rate = (records - early) / (seconds - first) if seconds > first and records > early else float("nan")
    return Result(
        side=side.name,
        config=config,
        records=records,
        first_seconds=first,
        seconds=seconds,
        rate=rate,
        cpu_seconds=cpu,
        memory_mb=running.memory,
        digest=target.digest(),
        loss=target.loss(),
    )
