"""What the embedded world must know of a kind of server in order to run it: each component's file declares one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ferryman.stack.runtime.artifacts import Artifact
from ferryman.stack.runtime.process import Launch

Run = Callable[[Launch], None]
"""Runs a program to its end inside the component's directory; raises StackError with its log if it fails."""
Answers = Callable[[Path, Mapping[str, int]], bool]
"""Whether what has this directory and these ports answers."""


@dataclass(frozen=True)
class Place:
    """What one component has of its own."""

    directory: Path
    """Where its data and logs lie."""
    ports: Mapping[str, int]
    """As its service names them."""
    world: Mapping[str, Mapping[str, int]]
    """The ports of all components of the stack, by their names; its own are among them."""
    artifacts: Sequence[Artifact]
    """What its bundle names, in the cache."""
    run: Run
    """Runs a program to its end inside the directory, before the server starts."""


@dataclass(frozen=True)
class Service:
    """What the stack must know of a kind of server in order to run it."""

    name: str
    ports: Mapping[str, int]
    """The steady ones by name, the first being the one it serves."""
    address: Callable[[int], str]
    """Where clients find it, by the port it serves."""
    launch: Callable[[Place], Launch]
    """Prepares the directory, also when it holds data of an earlier run, and says how to start."""
    answers: Answers
    """Makes a real request; may raise anything but is never True before the server works."""
    bundle: str | None = None
    """Names its artifacts in the lock file; None for a server that comes otherwise."""
    by_default: bool = True
    """Whether it belongs to a stack for which nobody has named components."""
    stop_seconds: float = 10.0
    """How long it may take to end before it is killed."""
    start_seconds: float = 90.0
    """How long it may take until it answers."""
