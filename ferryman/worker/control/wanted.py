"""What should run on a worker: a pure function of the facts, of what is assigned to it, and of the restarts asked for.

Nothing else starts or ends anything. A restart is a number that counts up: what runs under another number, or with
another config, is not what is wanted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ferryman.facts.config_records import Properties
from ferryman.facts.fold import ConnectorFacts
from ferryman.facts.states import TargetState

Task = tuple[str, int]
"""A connector's name and the number of one of its tasks."""
Instance = tuple[str, int | None]
"""A task, or with None the connector itself."""
Restarts = Mapping[Instance, int]
"""How often a restart of each was requested."""


class Assigned(Protocol):
    """What of the cluster's work is this worker's."""

    def has(self, connector: str, task: int | None = None) -> bool:
        """Whether a task, or without a number the connector itself, is to run here."""


class Everything:
    """All of it: there is no other worker."""

    def has(self, connector: str, task: int | None = None) -> bool:
        """Always."""
        return True


@dataclass(frozen=True, slots=True)
class WantedConnector:
    """A connector that is to be here: it decides which tasks there are."""

    name: str
    properties: Properties = field(repr=False)
    target: TargetState
    version: int
    """The version of its config: another number, and it is to start anew."""
    restarts: int = 0
    lacking: bool = False
    """Whether its tasks' configs are lost and must be made again."""


@dataclass(frozen=True, slots=True)
class WantedTask:
    """A task that is to run here."""

    connector: str
    number: int
    properties: Properties = field(repr=False)
    """Its config over the connector's, references unresolved."""
    paused: bool
    version: int
    """The version of what it was made from: with another number its references are looked up again."""
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """All that should run here, and nothing else should."""

    connectors: Mapping[str, WantedConnector] = field(default_factory=dict)
    tasks: Mapping[Task, WantedTask] = field(default_factory=dict)


def wanted(
    facts: Mapping[str, ConnectorFacts],
    assigned: Assigned,
    restarts: Restarts,
    may_start: Callable[[ConnectorFacts], bool] = lambda facts: True,
) -> Wanted:
    """What should run here now; ``may_start`` says of a connector that nothing is in the way of its tasks."""
    known = {name: each for name, each in facts.items() if each.properties is not None}
    connectors = {name: _connector(name, each, restarts) for name, each in known.items() if assigned.has(name)}
    tasks = {
        (name, number): _task(name, number, each, restarts)
        for name, each in known.items()
        if each.target is not TargetState.STOPPED and may_start(each)
        for number in range(len(each.tasks))
        if assigned.has(name, number)
    }
    return Wanted(connectors, tasks)


def _connector(name: str, facts: ConnectorFacts, restarts: Restarts) -> WantedConnector:
    return WantedConnector(
        name=name,
        properties=facts.properties or {},
        target=facts.target,
        version=facts.version or 0,
        restarts=restarts.get((name, None), 0),
        lacking=facts.inconsistent,
    )


def _task(name: str, number: int, facts: ConnectorFacts, restarts: Restarts) -> WantedTask:
    # The connector's config is the one that the tasks' were made from: of a newer one the tasks' own are still to come.
    return WantedTask(
        connector=name,
        number=number,
        properties={**(facts.applied or {}), **facts.tasks[number]},
        paused=facts.target is TargetState.PAUSED,
        version=max(facts.version or 0, facts.tasks_version or 0),
        restarts=restarts.get((name, number), 0),
    )
