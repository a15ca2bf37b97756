"""What the config topic's records add up to: each connector's config, tasks and target, as Kafka's reader has them.

Standalone mode keeps the same facts, of records at offsets of its own.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    Ignored,
    LoggerLevel,
    Properties,
    RestartRequest,
    SessionKey,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
    TasksFencing,
)
from ferryman.facts.states import TargetState

What = Literal["config", "removed", "target", "tasks", "fencing"]


@dataclass(frozen=True, slots=True)
class Changed:
    """Something about a connector is another than before, or was written again."""

    connector: str
    what: What


Event = Changed | SessionKey | RestartRequest | LoggerLevel
"""What a record brings about. The last two are wishes for once: obey only those that came after the reader had read
all that there was when it started."""


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """What is known of one connector."""

    properties: Properties | None = field(default=None, repr=False)
    """None if there is no such connector: it was deleted, or only its target is known yet."""
    target: TargetState = TargetState.RUNNING
    tasks: tuple[Properties, ...] = field(default=(), repr=False)
    """The tasks' configs by number; none while inconsistent."""
    inconsistent: bool = False
    """Whether task configs of the last commit are missing, as compaction may leave it: they must be written anew."""
    applied: Properties | None = field(default=None, repr=False)
    """The connector's config that the task configs were made from."""
    generation: int | None = None
    """How often task configs were committed, from 0."""
    pending_fencing: bool = False
    """Whether task configs are newer than the last fencing."""
    fenced: int | None = None
    """How many transactional ids may be in use since the last fencing; None before the first."""
    version: int | None = None
    """The offset of the connector's config."""
    tasks_version: int | None = None
    """The offset of the commit that the task configs are of."""
    target_version: int | None = None
    """The offset of the target; None if there is no record of one."""


UNKNOWN = ConnectorFacts()


@dataclass(slots=True)
class Facts:
    """The fold. One thread applies records; others get a ``snapshot``."""

    offset: int = -1
    """The offset after the last record, -1 before the first: what members of a group tell each other."""
    connectors: dict[str, ConnectorFacts] = field(default_factory=dict)
    """Some may be no connectors, or none any more: see ``names``."""
    session_key: SessionKey | None = None
    _deferred: dict[str, dict[int, Properties]] = field(default_factory=dict, repr=False)
    """Task configs that wait for their commit, by connector and number."""

    def names(self) -> list[str]:
        """The existing connectors, sorted."""
        return sorted(name for name, facts in self.connectors.items() if facts.properties is not None)

    def of(self, connector: str) -> ConnectorFacts:
        """What is known of a connector, which may be nothing."""
        return self.connectors.get(connector, UNKNOWN)

    def snapshot(self) -> "Facts":
        """The facts as they are now, untouched by what is applied later."""
        deferred = {connector: dict(tasks) for connector, tasks in self._deferred.items()}
        return Facts(self.offset, dict(self.connectors), self.session_key, deferred)

    def apply(self, record: ConfigRecord | Ignored, offset: int) -> tuple[Event, ...]:
        """Takes the next record, which has that offset, and returns what it brought about."""
        self.offset = offset + 1
        match record:
            case ConnectorConfig(connector, None):
                return self._removed(connector)
            case ConnectorConfig(connector, properties):
                return self._set(connector, "config", properties=properties, version=offset)
            case TaskConfig(connector, task, properties):
                self._deferred.setdefault(connector, {})[task] = properties
                return ()
            case TasksCommit(connector, tasks):
                return self._committed(connector, tasks, offset)
            case TargetStateRecord(connector, target):
                return self._wanted(connector, target, offset)
            case TasksFencing(connector, tasks):
                return self._set(connector, "fencing", fenced=tasks, pending_fencing=False)
            case SessionKey():
                self.session_key = record
                return (record,)
            case RestartRequest() | LoggerLevel():
                return (record,)
            case Ignored():
                return ()

    def _set(self, connector: str, what: What, **changes: object) -> tuple[Event, ...]:
        found = replace(self.of(connector), **changes)  # type: ignore[arg-type]
        if found == UNKNOWN:
            self.connectors.pop(connector, None)
        else:
            self.connectors[connector] = found
        return (Changed(connector, what),)

    def _removed(self, connector: str) -> tuple[Event, ...]:
        """The target stays until its own record; what tells of former producers stays, to fence them."""
        self._deferred.pop(connector, None)
        return self._set(
            connector, "removed", properties=None, tasks=(), applied=None, version=None, tasks_version=None
        )

    def _wanted(self, connector: str, target: TargetState | None, offset: int) -> tuple[Event, ...]:
        """A target without a connector is kept for when there is one, and says nothing yet."""
        before = self.of(connector)
        version = None if target is None else offset
        changed = self._set(connector, "target", target=target or TargetState.RUNNING, target_version=version)
        return changed if before.properties is not None and self.of(connector).target != before.target else ()

    def _committed(self, connector: str, tasks: int, offset: int) -> tuple[Event, ...]:
        """Compaction may have taken some of the configs, or the connector's deletion. What was deferred is used up
        either way: what comes next is written whole."""
        before = self.of(connector)
        if before.properties is None:
            self._deferred.pop(connector, None)
            return ()
        given = self._deferred.get(connector)
        found = dict(given or {})
        if given is not None:
            given.clear()
        if tasks > len(found) or not all(number in found for number in range(tasks)):
            return self._set(connector, "tasks", tasks=(), inconsistent=True, pending_fencing=True)
        return self._set(
            connector,
            "tasks",
            tasks=tuple(found[number] for number in range(tasks)),
            inconsistent=False,
            pending_fencing=True,
            applied=before.properties,
            generation=before.generation if given is None else _next(before.generation),
            tasks_version=offset,
        )


def _next(generation: int | None) -> int:
    return 0 if generation is None else generation + 1
