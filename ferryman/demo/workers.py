"""The workers of the demo as its scenario sees them: one by itself, or a group."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from ferryman.demo.facts.flows import Flow
from ferryman.demo.worker import Connector


class Workers(Protocol):
    """What runs the connectors."""

    @property
    def directory(self) -> Path:
        """Where their logs are."""

    @property
    def died(self) -> str | None:
        """None, or which one ended without having been asked to, with the end of its log."""

    def start(self, check: Callable[[], None]) -> None:
        """Starts those that do not run, and returns when they answer. Raises DemoError if one does not; ``check`` may
        raise meanwhile."""

    def stop(self) -> None:
        """Lets them and their tasks finish in order."""

    def discard(self) -> None:
        """Ends them at once and deletes their logs."""

    def lose(self, task: str) -> str:
        """SIGKILL to the worker that runs a task; says which it was."""

    def post(self, flow: Flow) -> None:
        """Posts a connector's file as it is. Raises DemoError with the answer if it is not taken."""

    def change(self, flow: Flow) -> None:
        """Gives a connector the config of this file. Raises DemoError if it is not taken."""

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """The answer to a request, None where it has no content. Raises DemoError if it is refused."""

    def connectors(self) -> list[Connector]:
        """The state of all connectors, as far as a worker answers."""

    def task_pid(self, task: str) -> int | None:
        """The process that ``<connector>-<number>`` runs as."""
