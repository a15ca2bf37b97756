"""The workers of the demo as a group: any takes a request, and what one of them ran the others go on with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ferryman.demo.facts.errors import DemoError
from ferryman.demo.facts.flows import Flow
from ferryman.demo.worker import Connector, Worker

WORKERS = 3
LOST = "LOST"
"""The state of what its worker's end has left without a worker; REST shows what that worker said last."""
QUICK = {
    "session.timeout.ms": "6000",
    "heartbeat.interval.ms": "1500",
    "scheduled.rebalance.max.delay.ms": "2000",
}
"""So that a killed worker's work is elsewhere within ten seconds."""


class Group:
    """Distributed workers with one property file."""

    def __init__(self, directory: Path, properties: Path, variables: Mapping[str, str]) -> None:
        """Their logs are kept in ``directory``, which is deleted when they are discarded or this process dies."""
        self.directory = directory
        names = [f"worker-{number}" for number in range(1, WORKERS + 1)]
        self._workers = [
            Worker(directory, properties, variables, name=name, mode="distributed", overrides=QUICK) for name in names
        ]

    @property
    def died(self) -> str | None:
        """None, or how one ended without having been asked to."""
        return next((died for each in self._workers if (died := each.died)), None)

    def start(self, check: Callable[[], None]) -> None:
        """Starts those that do not run, and returns when they answer."""
        ended = [each for each in self._workers if each.pid is None]
        for each in ended:
            each.launch()
        for each in ended:
            each.await_start(check)

    def stop(self) -> None:
        """Lets them and their tasks finish in order."""
        for each in self._workers:
            each.stop()

    def discard(self) -> None:
        """Ends them at once and deletes their logs."""
        for each in self._workers:
            each.discard()

    def lose(self, task: str) -> str:
        """SIGKILL to the worker that runs a task; says which it was."""
        owner = self._owner(task)
        if owner is None:
            raise DemoError(f"no worker says that it runs {task}")
        said = f"{owner.name} with {task} on it"
        owner.kill()
        return said

    def post(self, flow: Flow) -> None:
        """Posts a connector's file to the first worker that lives."""
        next(self._living()).post(flow)

    def change(self, flow: Flow) -> None:
        """Gives a connector the config of this file, by way of the last worker that lives."""
        [*self._living()][-1].change(flow)

    def ask(self, method: str, path: str, body: str | None = None) -> Any:
        """The answer of the last worker that lives to a request."""
        return [*self._living()][-1].ask(method, path, body)

    def connectors(self) -> list[Connector]:
        """The state of all connectors, as far as a worker answers; what is still with a dead one is LOST."""
        living = {each.id for each in self._living()}
        return [_seen(found, living) for found in self._told()]

    def task_pid(self, task: str) -> int | None:
        """The process that ``<connector>-<number>`` runs as, by the log of its worker."""
        owner = self._owner(task)
        return None if owner is None else owner.task_pid(task)

    def _living(self) -> Iterator[Worker]:
        return (each for each in self._workers if each.pid is not None)

    def _told(self) -> Sequence[Connector]:
        return next((found for each in self._living() if (found := each.connectors())), [])

    def _owner(self, task: str) -> Worker | None:
        connector, _, number = task.rpartition("-")
        ids = {found.workers.get(int(number)) for found in self._told() if found.name == connector}
        return next((each for each in self._living() if each.id in ids), None)


def _seen(found: Connector, living: set[str]) -> Connector:
    tasks = {number: state if found.workers[number] in living else LOST for number, state in found.tasks.items()}
    return replace(found, state=found.state if found.worker in living else LOST, tasks=tasks)
