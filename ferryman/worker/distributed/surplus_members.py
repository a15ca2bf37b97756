"""The places in consumer groups of tasks whose worker is gone: the leader of the workers takes them away.

A worker that is killed or frozen leaves static members behind, who keep their partitions until their session ends. Of
tasks that are wanted, their successors take the places over. Where a connector has fewer tasks by then, is stopped or
deleted, nobody would: so every worker notes that it has, and the one that leads the group looks once, when no worker
has these tasks any more. By then the leases of those who had them are over. The order of events::

    fewer tasks → the group shares out its work anew, without those → the processes end, or their leases
        → a moment later the leader looks: members of numbers that are not wanted are removed → and again, until there
          are none: a process that slept joins once more before it learns that its lease is over

A member is removed by its own id, so that one which has taken over its place meanwhile stays.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from ferryman.errors import FerrymanError, RefusedError, RequestError, RetriableError
from ferryman.facts.config_records import Properties
from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import TargetState
from ferryman.kafka.clients import Clients, task_of
from ferryman.membership import client_settings, static_members
from ferryman.membership.static_members import StaticMembers
from ferryman.plugins import catalog
from ferryman.retry import backoff
from ferryman.telemetry.owners import Owner
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.wanted import Task
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.distributed.journal import Journal
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Seconds between two checks whether a connector's tasks are gone."""
SETTLING_SECONDS = 2.0
"""Seconds from then on until its group is looked at: processes whose lease is over leave by themselves."""
AGAIN_SECONDS = 5.0
"""Seconds after a removal until the group is looked at again."""
LONGEST_WAIT = 30.0
MOST_LOOKS = 12
"""Looks at the same group; after them it is left to the members' sessions."""
KEPT_SECONDS = 1800.0
"""Seconds after which a note of a worker that does not lead is worth nothing: no member outlives the broker's
group.max.session.timeout.ms without a heartbeat."""


@dataclass(slots=True)
class _Note:
    """A connector has fewer tasks than it had."""

    config: Properties
    """With which it had more."""
    since: float
    due: float | None = None
    """When its group is looked at next; None while some worker has tasks of it that are not wanted."""
    looks: int = 0


class SurplusMembers:
    """The notes of one worker, which it obeys where it leads. Belongs to the event loop."""

    def __init__(
        self,
        resources: WorkerResources,
        journal: Journal,
        tasks: Callable[[], Collection[Task] | None],
        pool: Pool | None = None,
    ) -> None:
        self._resources, self._journal = resources, journal
        self._tasks = tasks
        """All that the group's workers have (Member.tasks); None where this worker does not know, or does not lead."""
        self._pool = pool or Pool("surplus members", 1, 8)
        self._known: dict[str, tuple[int, Properties]] = {}
        """The connectors with their numbers of tasks and configs, as they were when they were last looked at."""
        self._notes: dict[str, _Note] = {}
        self._refused: set[str] = set()
        """Connectors of which the cluster lets nobody remove members."""
        self._under_way: asyncio.Task[None] | None = None

    def note(self, connectors: Collection[str]) -> None:
        """The facts of these may be others than before."""
        now = asyncio.get_running_loop().time()
        for name in connectors:
            facts, before = self._journal.facts.of(name), self._known.get(name)
            count = wanted_tasks(facts)
            if before is not None and count < before[0] and _has_static_members(before[1]):
                self._notes[name] = _Note(before[1], now)
            if facts.properties is None:
                self._known.pop(name, None)
            else:
                self._known[name] = count, facts.applied or facts.properties
        for name in [name for name, note in self._notes.items() if now > note.since + KEPT_SECONDS]:
            del self._notes[name]

    def look(self) -> None:
        """Begins what is to be done, in the background; for the leader."""
        if self._notes and (self._under_way is None or self._under_way.done()):
            self._under_way = asyncio.create_task(self._go_on(), name="surplus members")

    async def _go_on(self) -> None:
        while self._notes:
            await asyncio.sleep(LOOK_SECONDS)
            if (running := self._tasks()) is None:
                if not self._journal.leads():
                    return  # the next leader has notes of its own
                continue
            if not (due := self._due(running)):
                continue
            groups = _Groups(self._resources)
            try:
                for name in due:
                    await self._see_to(name, groups)
            finally:
                await self._pool.run("closing clients", groups.close)

    def _due(self, running: Collection[Task]) -> list[str]:
        """The connectors whose groups are to be looked at now."""
        now, highest = asyncio.get_running_loop().time(), dict[str, int]()
        for name, number in running:
            highest[name] = max(number, highest.get(name, -1))
        for name, note in self._notes.items():
            if highest.get(name, -1) >= wanted_tasks(self._journal.facts.of(name)):
                note.due = None
            elif note.due is None:
                note.due = now + SETTLING_SECONDS
        return [name for name, note in self._notes.items() if note.due is not None and now >= note.due]

    async def _see_to(self, name: str, groups: "_Groups") -> None:
        if (note := self._notes.get(name)) is None:
            return
        note.looks += 1
        try:
            wait = AGAIN_SECONDS if await self._removed(name, note, groups) else None
        except FerrymanError as error:
            wait = self._failed(name, note, error)
        if self._notes.get(name) is not note:
            return
        if wait is None or note.looks >= MOST_LOOKS:
            del self._notes[name]
        else:
            note.due = asyncio.get_running_loop().time() + wait

    async def _removed(self, name: str, note: _Note, groups: "_Groups") -> bool:
        """Removes who is not wanted; whether there was anybody."""
        stage = f"looking at the group of connector {name}"
        found = await self._pool.run(stage, lambda: groups.members(name, note.config))
        # Asked anew, since the group's answer took its time: who has come since has another id, or is wanted.
        running = self._tasks()
        if running is None:
            raise RetriableError("the workers share out their work anew")
        kept = {number for connector, number in running if connector == name}
        kept.update(range(wanted_tasks(self._journal.facts.of(name))))
        gone = surplus(found, self._resources.identity, name, kept)
        if gone:
            stage = f"removing members from the group of connector {name}"
            await self._pool.run(stage, lambda: groups.remove(name, note.config, gone))
            log.info("connector %s: its group has lost %s, whose tasks are gone for good", name, ", ".join(gone))
        return bool(gone)

    def _failed(self, name: str, note: _Note, error: FerrymanError) -> float | None:
        """How long to wait before the next look; None for ever."""
        again = isinstance(error, RetriableError | RequestError) and not isinstance(error, RefusedError)
        if note.looks == 1 and name not in self._refused:
            log.warning(
                "connector %s: partitions of tasks that are gone may stand still until their sessions end: %s",
                *(name, redact(str(error))),
            )
        if isinstance(error, RefusedError):
            self._refused.add(name)
        return backoff.delay(note.looks + 2, LONGEST_WAIT) if again else None


class _Groups:
    """Asks the groups of connectors, over one connection for all that get to their cluster alike. Blocks."""

    def __init__(self, resources: WorkerResources) -> None:
        self._resources, self._open = resources, ExitStack()
        self._connections: dict[frozenset[tuple[str, str]], StaticMembers] = {}

    def members(self, connector: str, config: Properties) -> Mapping[str, str]:
        """The id of each static member of a connector's group, by its group.instance.id. Raises as StaticMembers does,
        and ConfigError where kafka-python cannot use the client settings."""
        clients = self._clients(connector, config)
        return {} if clients.group_protocol != "classic" else self._at(clients).of(clients.group)

    def remove(self, connector: str, config: Properties, members: Mapping[str, str]) -> None:
        """Takes these out of a connector's group. Raises the same."""
        clients = self._clients(connector, config)
        self._at(clients).remove(clients.group, members)

    def _clients(self, connector: str, config: Properties) -> Clients:
        owner = Owner(connector)
        try:
            raw = self._resources.resolved(owner, config).values
            return Clients(connector, 0, self._resources.settings.values, raw, self._resources.identity)
        finally:
            owner.release()

    def _at(self, clients: Clients) -> StaticMembers:
        which = {key: str(value) for key, value in clients.connection.items() if key not in ("group.id", "client.id")}
        key = frozenset(which.items())
        if key not in self._connections:
            settings = client_settings.of_client(clients.connection, f"{self._resources.identity}-surplus-members")
            self._connections[key] = self._open.enter_context(static_members.at(settings))
        return self._connections[key]

    def close(self) -> None:
        """Ends the connections."""
        self._open.close()


def surplus(members: Mapping[str, str], whose: str, connector: str, kept: Collection[int]) -> Mapping[str, str]:
    """The static members of a group who are tasks of this connector with other numbers than those kept; as ``members``,
    the id of each by its group.instance.id. Others may share the group."""
    numbers = {instance: task_of(instance, whose, connector) for instance in members}
    return {
        instance: members[instance]
        for instance, number in sorted(numbers.items())
        if number is not None and number not in kept
    }


def wanted_tasks(facts: ConnectorFacts) -> int:
    """How many tasks a connector is to have."""
    return 0 if facts.properties is None or facts.target is TargetState.STOPPED else len(facts.tasks)


def _has_static_members(config: Properties) -> bool:
    entry = catalog.connector_entry(config.get("connector.class", ""))
    return entry is not None and entry.kind == "sink"
