"""The control plane of one worker: facts and events in, wishes to the reconciler out.

It decides nothing about processes itself: whatever happens, ``reconcile`` works out anew what should run here. Commands
that are meant once (a restart) raise a counter, and so become part of what is wanted.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Collection, Sequence

from ferryman.errors import RequestError
from ferryman.facts.config_records import LoggerLevel, Properties, RestartRequest, TaskConfig, TasksCommit
from ferryman.facts.fold import Changed, ConnectorFacts, Event
from ferryman.facts.states import State, TargetState
from ferryman.metrics.windows import Sampling
from ferryman.telemetry.loggers import Loggers, named
from ferryman.telemetry.owners import Owner
from ferryman.worker.control.mode_interfaces import Board, Journal, Members
from ferryman.worker.control.owners import Owners
from ferryman.worker.control.reconciler import Reconciler
from ferryman.worker.control.wanted import Instance, Task, Wanted, WantedConnector, wanted
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.herder import Status
from ferryman.worker.startups import Startups

log = logging.getLogger(__name__)

CLOSING = "Cannot complete request: the worker is shutting down"
"""With status 503."""
LAST_WORDS = 1.2
"""Seconds after the tasks' grace that the end of all waits for processes which were killed."""


class Plane:
    """What a worker knows and wants."""

    def __init__(self, resources: WorkerResources, journal: Journal, members: Members, board: Board) -> None:
        self.resources, self.journal, self.members, self.board = resources, journal, members, board
        self.reconciler = Reconciler(resources, self, self._made)
        self.loggers = Loggers()
        config = resources.settings.config
        sampling = Sampling(config.metrics_sample_window_ms / 1000, config.metrics_num_samples)
        self.connector_startups, self.task_startups = Startups(sampling), Startups(sampling)
        self.closing = False
        """Whether the worker ends; nothing is started any more."""
        self._restarts: Counter[Instance] = Counter()
        self.owners = Owners(self.reconciler.settle)
        journal.listen(self._heard)
        board.when_forgotten(self._topics_forgotten)

    def reconcile(self, of: Collection[str] | None = None) -> None:
        """Brings what runs here to what should; with ``of`` only what belongs to these connectors, since what should
        run of one follows from nothing that is another's."""
        if not self.closing:
            facts, members = self.journal.facts.connectors, self.members
            known = facts if of is None else {name: facts[name] for name in of if name in facts}
            self.reconciler.want(wanted(known, members.assigned, self._restarts, members.may_start), of)

    def _heard(self, events: Sequence[Event]) -> None:
        touched = {event.connector: None for event in events if isinstance(event, Changed | RestartRequest)}
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
                    self._level_heard(namespace, level)
        self.reconcile(touched)
        self.members.facts_changed(touched)

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
        self.reconcile([connector])

    def _restart(self, connector: str, itself: bool, tasks: Sequence[int]) -> None:
        if self.journal.facts.of(connector).properties is None:
            return
        instances: list[Instance] = [(connector, None)] if itself else []
        for instance in instances + [(connector, number) for number in tasks]:
            if self.members.assigned.has(*instance):
                self._restarts[instance] += 1
                self._show(instance, State.RESTARTING)

    def owner(self, connector: str) -> Owner:
        """Whose the secrets of a connector are."""
        return self.owners.of(connector, self.journal.facts.of(connector).properties or {})

    def gone_for_good(self, task: Task) -> bool:
        """Whether there is to be no such task any more, wherever."""
        connector, number = task
        facts = self.journal.facts.of(connector)
        return facts.properties is None or not _has(facts, number)

    def topic_used(self, task: Task, topic: str) -> None:
        """A task has used a topic, which is noted where topics are tracked. Its name is public, unless it came out of a
        config provider."""
        connector, _ = task
        raw = self.journal.facts.of(connector).properties
        if raw is None:
            return  # the last words of a task whose connector is deleted
        if self.resources.settings.config.topic_tracking_enable:
            self.board.use(task, topic)
        if not any("${" in value for key, value in raw.items() if "topic" in key or key.startswith("transforms.")):
            self.owner(connector).is_called(topic)

    def changed(self, instance: Instance) -> None:
        """The state of something that is or was here is another."""
        status = self.reconciler.status(instance)
        startups = self.connector_startups if instance[1] is None else self.task_startups
        if status is None:
            startups.gone(instance)
            self._left(instance)
        else:
            startups.shows(instance, status.state)
            self.board.show(instance, status)

    def said(self, instance: Instance, whose: str | None, late: bool) -> None:
        """Somebody has said something of an instance (``Board.when_said``): if that is not how it is, it is put right,
        by its owner, or by the leader where there is no such instance.

        ``whose`` word it was. Another worker's is the last that is kept of the topic, whether those who run now have
        passed it over or not; whoever starts later reads only that. This worker's own may lie there again, behind what
        it has said since: a request whose answer is lost is sent twice, and the first may come last.
        """
        connector, task = instance
        facts = self.journal.facts.of(connector)
        status, own = self.reconciler.status(instance), whose == self.resources.worker_id
        if facts.properties is None or (task is not None and not _has(facts, task)):
            if whose is not None and status is None and self.members.leads:
                self.board.show(instance, None)
            return
        if not (late or own) or not self.members.assigned.has(*instance) or status is None:
            return
        told = self.board.status(connector) if task is None else self.board.task(connector, task)
        put_right = not (own or whose is None) or told is None or not _same(told, status)
        if status.state is not State.UNASSIGNED and put_right:
            self.board.show(instance, status)

    def _left(self, instance: Instance) -> None:
        connector, task = instance
        facts = self.journal.facts.of(connector)
        if facts.properties is None:
            self._restarts.pop(instance, None)
        if facts.properties is None or (task is not None and self.gone_for_good((connector, task))):
            self.board.show(instance, None)
        elif not self.members.assigned.has(*instance) or self.closing:
            self._show(instance, State.UNASSIGNED)

    def _show(self, instance: Instance, state: State) -> None:
        self.board.show(instance, Status(state, self.resources.worker_id))

    def _clear(self, connector: str) -> None:
        """Tasks that no longer exist leave no status behind, wherever they ran."""
        if not self.members.leads:
            return
        facts = self.journal.facts.of(connector)
        for number in list(self.board.tasks(connector)):
            if not _has(facts, number) and (connector, number) not in self.reconciler.tasks:
                self.board.show((connector, number), None)

    def _forget(self, connector: str) -> None:
        # What takes the name before all is gone is another connector all the same, even with the same config.
        here = self.reconciler.instances(connector)
        for instance in [each for each in self._restarts if each[0] == connector and each not in here]:
            del self._restarts[instance]
        self._restarts.update(here)
        self.board.forget_topics(connector)
        if connector not in self.reconciler.connectors:
            self.board.show((connector, None), None)
        self.owners.replace(connector)

    async def _made(self, made: WantedConnector, configs: Sequence[Properties]) -> None:
        if made.version != (self.journal.facts.of(made.name).version or 0):
            return  # its config is another by now, and so are its tasks
        if self.members.leads:
            await self.write_tasks(made.name, configs)
        else:
            await self.members.hand_over(made.name, configs, made.version)

    async def write_tasks(self, connector: str, configs: Sequence[Properties]) -> None:
        """Makes these the configs of a connector's tasks, unless they are or the connector is to have none."""
        facts = self.journal.facts.of(connector)
        if facts.properties is None or facts.target is TargetState.STOPPED:
            return
        same = [dict(each) for each in facts.tasks] == [dict(each) for each in configs]
        if not same or facts.inconsistent or facts.applied != facts.properties:
            records = [TaskConfig(connector, number, config) for number, config in enumerate(configs)]
            await self.journal.write(*records, TasksCommit(connector, len(configs)))
        if configs and self.journal.facts.of(connector).target is TargetState.STOPPED:
            await self.journal.write(TasksCommit(connector, 0))  # it was stopped while these were on their way

    def _level_heard(self, logger: str, level: str) -> None:
        try:
            self.set_level(named(logger), level)  # as another worker was asked for it
        except RequestError as error:
            log.warning("ignored the level of logger %.80s in the config topic: %s", logger, error)

    def set_level(self, logger: str, level: str) -> Sequence[str]:
        """Changes a logger's level here, in all task processes, and in those to come; or all of one connector's.

        Returns the names of the loggers here that had another one. Raises RequestError for what is none
        (Loggers.checked).
        """
        level = self.loggers.checked(logger, level)
        touched = self.loggers.set(logger, level)
        levels = self.resources.levels
        levels.pop(logger, None)  # one that is set again counts after all that were set before
        levels[logger] = level
        self.reconciler.set_level(logger, levels)
        return touched

    def _topics_forgotten(self, connector: str) -> None:
        """Resets the record of a connector's topics."""
        for place in self.reconciler.places(connector):
            if place.process is not None:
                place.process.forget_topics()

    async def close(self) -> None:
        """Ends all tasks and connectors within the graceful timeout and starts no more."""
        self.closing = True
        names = {name for name, _ in self.reconciler.tasks} | set(self.reconciler.connectors)
        self.reconciler.want(Wanted())
        ending = [asyncio.ensure_future(self.reconciler.settle(name)) for name in names]
        if ending:
            await asyncio.wait(ending, timeout=self.resources.grace + LAST_WORDS)


def _same(told: Status, status: Status) -> bool:
    """Whether a status of an instance is this worker's own."""
    return (told.worker_id, told.state) == (status.worker_id, status.state)


def _has(facts: ConnectorFacts, task: int) -> bool:
    """Whether there is to be such a task."""
    return task < len(facts.tasks) and facts.target is not TargetState.STOPPED
