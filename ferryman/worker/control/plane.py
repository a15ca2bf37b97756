"""The control plane of one worker: facts and events in, wishes to the reconciler out.

It decides nothing about processes itself: whatever happens, ``reconcile`` works out anew what should run here. Commands
that are meant once (a restart) raise a counter, and so become part of what is wanted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from ferryman.facts.config_records import LoggerLevel, Properties, RestartRequest, TaskConfig, TasksCommit
from ferryman.facts.fold import Changed, Event
from ferryman.facts.states import State, TargetState
from ferryman.telemetry.owners import Owner
from ferryman.worker.control.launch import Launch
from ferryman.worker.control.mode import Board, Journal, Members
from ferryman.worker.control.owners import Owners
from ferryman.worker.control.reconciler import Reconciler
from ferryman.worker.control.wanted import Instance, Task, Wanted, WantedConnector, wanted
from ferryman.worker.herder import Status

log = logging.getLogger(__name__)

CLOSING = "Cannot complete request: the worker is shutting down"
"""With status 503."""
LAST_WORDS = 1.2
"""Seconds after the tasks' grace that the end of all waits for processes which were killed."""


class Plane:
    """What a worker knows and wants."""

    def __init__(self, launch: Launch, journal: Journal, members: Members, board: Board) -> None:
        self.launch, self.journal, self.members, self.board = launch, journal, members, board
        self.reconciler = Reconciler(launch, self, self._made)
        self.closing = False
        """Whether the worker ends; nothing is started any more."""
        self._restarts: Counter[Instance] = Counter()
        self.owners = Owners(self.reconciler.settle)
        journal.listen(self._heard)

    def reconcile(self) -> None:
        """Brings what runs here to what should."""
        if not self.closing:
            facts = self.journal.facts.connectors
            self.reconciler.want(wanted(facts, self.members.assigned, self._restarts))

    def _heard(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case Changed(connector, "config"):
                    self.owners.replace(connector)
                case Changed(connector, "removed"):
                    self._forget(connector)
                case Changed(connector, "tasks"):
                    self._clear(connector)
                case RestartRequest(connector):
                    self._restart(connector, *self.restarted(event))
                case LoggerLevel(namespace, level):
                    self.set_level(namespace, level)
        self.reconcile()

    # Restarts.

    def restarted(self, request: RestartRequest) -> tuple[bool, list[int]]:
        """Whether a request restarts the connector itself, and which of its tasks, as they are now (KIP-745)."""
        own, tasks = self.board.status(request.connector), self.board.tasks(request.connector)
        connector = not request.only_failed or (own is not None and own.state is State.FAILED)
        chosen = [
            number
            for number, status in tasks.items()
            if request.include_tasks and (not request.only_failed or status.state is State.FAILED)
        ]
        return connector, chosen

    def restart(self, connector: str, task: int | None = None) -> None:
        """Starts one instance anew, if it is here."""
        self._restart(connector, task is None, [] if task is None else [task])
        self.reconcile()

    def _restart(self, connector: str, itself: bool, tasks: Sequence[int]) -> None:
        instances: list[Instance] = [(connector, None)] if itself else []
        for instance in instances + [(connector, number) for number in tasks]:
            if self.members.assigned.has(*instance):
                self._restarts[instance] += 1
                self._show(instance, State.RESTARTING)

    # What instances tell; the reconciler's listener.

    def owner(self, connector: str) -> Owner:
        """Whose the secrets of a connector are."""
        return self.owners.of(connector, self.journal.facts.of(connector).properties or {})

    def topic_used(self, task: Task, topic: str) -> None:
        """A task has used a topic. Its name is public, unless it came out of a config provider."""
        connector, _ = task
        self.board.use(task, topic)
        raw = self.journal.facts.of(connector).properties or {}
        if not any("${" in value for key, value in raw.items() if "topic" in key or key.startswith("transforms.")):
            self.owner(connector).is_called(topic)

    def changed(self, instance: Instance) -> None:
        """The state of something that is or was here is another."""
        status = self.reconciler.status(instance)
        if status is None:
            self._left(instance)
        else:
            self.board.show(instance, status)

    def _left(self, instance: Instance) -> None:
        connector, task = instance
        facts = self.journal.facts.of(connector)
        if facts.properties is None or (task is not None and task >= len(facts.tasks)):
            self.board.show(instance, None)
        elif not self.members.assigned.has(*instance) or self.closing:
            self._show(instance, State.UNASSIGNED)

    def _show(self, instance: Instance, state: State) -> None:
        self.board.show(instance, Status(state, self.launch.worker_id))

    def _clear(self, connector: str) -> None:
        """Tasks that there are no more leave no status behind, wherever they ran."""
        for number in list(self.board.tasks(connector)):
            if (
                number >= len(self.journal.facts.of(connector).tasks)
                and (connector, number) not in self.reconciler.tasks
            ):
                self.board.show((connector, number), None)

    def _forget(self, connector: str) -> None:
        for instance in [each for each in self._restarts if each[0] == connector]:
            del self._restarts[instance]
        self.board.forget_topics(connector)
        if connector not in self.reconciler.connectors:
            self.board.show((connector, None), None)
        self.owners.replace(connector)

    # Tasks' configs.

    async def _made(self, made: WantedConnector, configs: Sequence[Properties]) -> None:
        if self.members.leads:
            await self.write_tasks(made.name, configs)
        else:
            await self.members.hand_over(made.name, configs)

    async def write_tasks(self, connector: str, configs: Sequence[Properties]) -> None:
        """Makes these the configs of a connector's tasks, unless they are or the connector is to have none."""
        facts = self.journal.facts.of(connector)
        if facts.properties is None or facts.target is TargetState.STOPPED:
            return
        same = [dict(each) for each in facts.tasks] == [dict(each) for each in configs]
        if not same or facts.inconsistent or facts.applied != facts.properties:
            records = [TaskConfig(connector, number, config) for number, config in enumerate(configs)]
            await self.journal.write(*records, TasksCommit(connector, len(configs)))

    # The worker as a whole.

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in all task processes, and in those to come."""
        self.launch.levels[logger] = level
        for place in self.reconciler.tasks.values():
            if place.process is not None:
                place.process.set_level(logger, level)

    def forget_topics(self, connector: str) -> None:
        """The record of a connector's topics begins anew."""
        self.board.forget_topics(connector)
        for (name, _), place in self.reconciler.tasks.items():
            if name == connector and place.process is not None:
                place.process.forget_topics()

    async def close(self) -> None:
        """Ends all tasks within the graceful timeout and starts no more."""
        self.closing = True
        names = {name for name, _ in self.reconciler.tasks} | set(self.reconciler.connectors)
        self.reconciler.want(Wanted())
        ending = [asyncio.ensure_future(self.reconciler.settle(name)) for name in names]
        if ending:
            await asyncio.wait(ending, timeout=self.launch.grace + LAST_WORDS)
