"""What a side of the comparison is: a program that takes a worker file and a connector file of Kafka Connect."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

CONFIGS = Path(__file__).with_name("configs")
WORKER = CONFIGS / "worker.properties"


@dataclass(frozen=True)
class Files:
    """The two files of one run, and the directory that both lie in."""

    worker: Path
    connector: Path

    @property
    def directory(self) -> Path:
        """Where the run may leave things."""
        return self.worker.parent


@dataclass(frozen=True)
class Side:
    """`command` says how to start it; `variables` are the ones of the config files that differ between the sides."""

    name: str
    command: Callable[[Files], tuple[str, ...]]
    variables: Mapping[str, str]
    worker_lines: Callable[[Path], str] = field(default=lambda _directory: "")
    """Lines that only its copy of the worker file has; may prepare things in the run's directory."""


def write_text(side: Side, text: str, name: str, directory: Path) -> Files:
    """A copy of the worker file, and a connector file with this text, whose connector is called `name`.

    A new name is a new consumer group, so that every run reads its topic from the beginning.
    """
    worker, connector = directory / "worker.properties", directory / "connector.properties"
    worker.write_text(WORKER.read_text() + side.worker_lines(directory))
    connector.write_text(re.sub(r"(?m)^name=.*$", f"name={name}", text))
    return Files(worker, connector)
