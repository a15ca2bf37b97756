"""The one loop that brings this worker's instances to where they are wanted; nothing else starts or ends any.

Each instance has a place, and goes its way without waiting for the others: a task that does not end holds up nothing
but its own successor.
"""

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ferryman.leases.lease import Lease
from ferryman.telemetry import logs
from ferryman.worker.control.connector_place import ConnectorPlace, Made
from ferryman.worker.control.follower import Follower
from ferryman.worker.control.listener import Listener
from ferryman.worker.control.task_place import TaskPlace
from ferryman.worker.control.wanted import Instance, Task, Wanted
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.herder import Status


class Reconciler:
    """The places of one worker."""

    def __init__(self, resources: WorkerResources, listener: Listener, made: Made) -> None:
        self.resources = resources
        self.connectors: dict[str, ConnectorPlace] = {}
        self.tasks: dict[Task, TaskPlace] = {}
        self._numbers: dict[str, dict[int, None]] = {}
        """The numbers of the tasks that are here, by connector: so that a question about one connector need not go
        through all."""
        self._listener, self._made = listener, made

    def want(self, wanted: Wanted, of: Collection[str] | None = None) -> None:
        """From now on this should run here; returns at once. With ``of`` it says so of these connectors, and nothing of
        the others."""
        for name in wanted.connectors:
            if name not in self.connectors:
                self.connectors[name] = self._connector_place(name)
        for task in wanted.tasks:
            if task not in self.tasks:
                self.tasks[task] = self._task_place(task)
                self._numbers.setdefault(task[0], {})[task[1]] = None
        for name in self.connectors if of is None else [name for name in of if name in self.connectors]:
            self.connectors[name].follower.want(wanted.connectors.get(name))
        for task in self.tasks if of is None else [task for name in of for task in self._tasks(name)]:
            self.tasks[task].follower.want(wanted.tasks.get(task))

    def _connector_place(self, name: str) -> ConnectorPlace:
        def ended() -> None:
            if place.follower.wanted is None:
                del self.connectors[name]
                self._listener.changed((name, None))

        place = ConnectorPlace(
            name,
            self.resources,
            owner=lambda: self._listener.owner(name),
            made=self._made,
            changed=lambda: self._listener.changed((name, None)),
            ended=ended,
        )
        return place

    def _task_place(self, task: Task) -> TaskPlace:
        def ended() -> None:
            if place.follower.wanted is None:
                self._forget(task)
                self._listener.changed(task)

        place = TaskPlace(task, self.resources, self._listener, ended)
        return place

    def _forget(self, task: Task) -> None:
        del self.tasks[task]
        name, number = task
        del self._numbers[name][number]
        if not self._numbers[name]:
            del self._numbers[name]

    def _tasks(self, connector: str) -> list[Task]:
        return [(connector, number) for number in self._numbers.get(connector, ())]

    def instances(self, connector: str) -> list[Instance]:
        """What is here of a connector."""
        own: list[Instance] = [(connector, None)] if connector in self.connectors else []
        return [*own, *self._tasks(connector)]

    def places(self, connector: str) -> list[TaskPlace]:
        """The places of a connector's tasks that are here."""
        return [self.tasks[task] for task in self._tasks(connector)]

    def renew(self, lease: Lease) -> None:
        """All that is here may be until then."""
        for _, place in self._places():
            place.renew(lease)

    def set_level(self, logger: str, levels: Mapping[str, str]) -> None:
        """A logger's level, or one connector's (``logs.ONE_CONNECTOR``), is another: tells the processes that there
        are. ``levels`` are all that were set."""
        for name, place in self._places():
            of_it = logs.levels_for(name, levels)
            changed = of_it if logger == f"{logs.ONE_CONNECTOR}{name}" else {logger: of_it.get(logger)}
            for each, level in changed.items():
                if level is not None:
                    place.set_level(each, level)

    def _places(self) -> Iterator[tuple[str, ConnectorPlace | TaskPlace]]:
        """Each with the name of its connector."""
        yield from self.connectors.items()
        for (name, _), place in self.tasks.items():
            yield name, place

    def status(self, instance: Instance) -> Status | None:
        """What an instance shows of itself; None if it is not here."""
        name, number = instance
        if number is None:
            connector = self.connectors.get(name)
            return None if connector is None else connector.status(self.resources.worker_id)
        task = self.tasks.get((name, number))
        return None if task is None else task.status(self.resources.worker_id)

    async def settle(self, connector: str) -> None:
        """Waits until a connector and its tasks here are where they are wanted."""
        while busy := [each for each in self._followers(connector) if not each.settled]:
            await asyncio.gather(*(each.settle() for each in busy))

    async def gone(self, instances: Iterable[Instance]) -> None:
        """Waits until none of these is here, or is wanted here again."""
        for name, number in instances:
            place = self.connectors.get(name) if number is None else self.tasks.get((name, number))
            if place is not None:
                await place.follower.settle()

    def _followers(self, connector: str) -> Iterator[Follower[Any]]:
        if connector in self.connectors:
            yield self.connectors[connector].follower
        for place in self.places(connector):
            yield place.follower
