"""What the embedded world must know of a kind of server in order to run it: each component's file declares one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.runtime.artifacts import Artifact
from ferryman.stack.runtime.process import Launch

Run = Callable[[Launch], None]
"""Runs a program to its end inside the component's directory; raises StackError with its log if it fails."""


@dataclass(frozen=True)
class Place:
    """Where one component lives: its directory, its ports as its service names them, its artifacts in the cache."""

    directory: Path
    ports: Mapping[str, int]
    artifacts: Sequence[Artifact]
    run: Run


@dataclass(frozen=True)
class Service:
    """A kind of server.

    `ports` are the steady ones, the first being the one it serves. `launch` prepares the directory, also when it holds
    data of an earlier run, and says how to start. `answers` makes a real request and may raise anything but is never
    True before the server works. `bundle` names its artifacts in the lock file. `by_default` is whether it belongs to a
    stack for which nobody has named components.
    """

    name: str
    ports: Mapping[str, int]
    address: Callable[[int], str]
    launch: Callable[[Place], Launch]
    answers: Callable[[int], bool]
    bundle: str | None = None
    by_default: bool = True
    stop_seconds: float = 10.0
    start_seconds: float = 90.0
