"""The records of the status topic, their bytes as Kafka Connect has them, and what they add up to.

Keys are texts, values JSON without schemas (KafkaStatusBackingStore). A status of ours may have more fields,
``outage`` and ``restart``, which Kafka's reader passes over.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ferryman.errors import DataError
from ferryman.facts.config_records import task_id
from ferryman.facts.internal_json import encoded
from ferryman.facts.states import Outage, Restart, State
from ferryman.formats.json.text import loads
from ferryman.java.numbers import wrapped
from ferryman.record import Payload

_CONNECTOR, _TASK, _TOPIC = "status-connector-", "status-task-", "status-topic-"
_SEPARATOR = ":connector-"


@dataclass(frozen=True, slots=True)
class StoredStatus:
    """How a connector or a task is, and who says so."""

    state: State
    worker_id: str
    generation: int
    """The generation of the group in which the worker wrote it."""
    trace: str | None = None
    version: str | None = None
    """The plugin's; None of older workers."""
    outage: Outage | None = None
    restart: Restart | None = None


@dataclass(frozen=True, slots=True)
class ConnectorStatusRecord:
    """A connector's status; None where it is forgotten."""

    connector: str
    status: StoredStatus | None


@dataclass(frozen=True, slots=True)
class TaskStatusRecord:
    """A task's status; None where it is forgotten."""

    connector: str
    task: int
    status: StoredStatus | None


@dataclass(frozen=True, slots=True)
class TopicUse:
    """Which task was the first to use a topic, and when."""

    task: int
    discovered: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class TopicUseRecord:
    """A connector uses a topic; None where that is forgotten (KIP-558)."""

    connector: str
    topic: str
    use: TopicUse | None


StatusRecord = ConnectorStatusRecord | TaskStatusRecord | TopicUseRecord


def encode(record: StatusRecord) -> tuple[bytes, Payload]:
    """Key and value, byte for byte those of Kafka Connect's but for an outage and a restart to come."""
    key, value = _plain(record)
    return key.encode(), encoded(value)


def _plain(record: StatusRecord) -> tuple[str, Mapping[str, Any] | None]:
    match record:
        case ConnectorStatusRecord(connector, status):
            return f"{_CONNECTOR}{connector}", None if status is None else _status(status)
        case TaskStatusRecord(connector, task, status):
            return f"{_TASK}{connector}-{task}", None if status is None else _status(status)
        case TopicUseRecord(connector, topic, use):
            return f"{_TOPIC}{topic}{_SEPARATOR}{connector}", None if use is None else _use(record, use)


def _use(record: TopicUseRecord, use: TopicUse) -> Mapping[str, Any]:
    content = {"name": record.topic, "connector": record.connector}
    return {"topic": {**content, "task": use.task, "discoverTimestamp": use.discovered}}


def _status(status: StoredStatus) -> Mapping[str, Any]:
    return {
        "state": status.state.value,
        "trace": status.trace,
        "worker_id": status.worker_id,
        "generation": status.generation,
        "version": status.version,
        **({} if status.outage is None else {"outage": asdict(status.outage)}),
        **({} if status.restart is None else {"restart": asdict(status.restart)}),
    }


def decode(key: Payload, value: Payload) -> StatusRecord | None:
    """What a record says; None if it says nothing: Kafka's reader passes over it. Never raises. The state DESTROYED,
    which stands for a tombstone, is read as one."""
    if key is None:
        return None
    name = key.decode(errors="replace")
    try:
        content = None if value is None else loads(value)
    except DataError:
        return None
    if name.startswith(_CONNECTOR):
        return _connector(name.removeprefix(_CONNECTOR), value, content)
    if name.startswith(_TASK):
        return _task(name.removeprefix(_TASK), value, content)
    return _topic(name.removeprefix(_TOPIC), value, content) if name.startswith(_TOPIC) else None


def _connector(connector: str, value: Payload, content: Any) -> StatusRecord | None:
    if not connector:
        return None
    if value is None or _destroyed(content):
        return ConnectorStatusRecord(connector, None)
    status = _read_status(content)
    return None if status is None else ConnectorStatusRecord(connector, status)


def _task(name: str, value: Payload, content: Any) -> StatusRecord | None:
    identity = task_id(name)
    if identity is None:
        return None
    if value is None or _destroyed(content):
        return TaskStatusRecord(*identity, None)
    status = _read_status(content)
    return None if status is None else TaskStatusRecord(*identity, status)


def _topic(name: str, value: Payload, content: Any) -> StatusRecord | None:
    topic, colon, rest = name.partition(":")
    connector = rest.removeprefix("connector-")
    if not topic or not colon or not connector or connector == rest:
        return None
    if value is None:
        return TopicUseRecord(connector, topic, None)
    match content:
        case {"topic": {"name": str(topic), "connector": str(connector), "task": task, "discoverTimestamp": at}}:
            if _whole(task) and _whole(at):
                return TopicUseRecord(connector, topic, TopicUse(wrapped(task, 32), wrapped(at, 64)))
    return None


def _destroyed(content: Any) -> bool:
    return isinstance(content, dict) and content.get("state") == "DESTROYED"


def _read_status(content: Any) -> StoredStatus | None:
    match content:
        case {"state": str(state), "worker_id": str(worker_id), "generation": generation} if _whole(generation):
            trace, version = content.get("trace"), content.get("version")
            texts = all(isinstance(text, str | None) for text in (trace, version))
            if state not in State.__members__ or not texts:
                return None
            ours = _outage(content.get("outage")), _restart(content.get("restart"))
            return StoredStatus(State(state), worker_id, wrapped(generation, 32), trace, version, *ours)
        case _:
            return None


def _outage(content: Any) -> Outage | None:
    match content:
        case {"since": str(since), "reason": str(reason), "next_try": str(next_try)}:
            return Outage(since, reason, next_try)
        case _:
            return None


def _restart(content: Any) -> Restart | None:
    match content:
        case {"failures": failures, "next_try": str(next_try)} if _whole(failures):
            return Restart(wrapped(failures, 32), next_try)
        case _:
            return None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(slots=True)
class Statuses:
    """The fold, by key: the topic has several partitions, whose order says nothing."""

    _connectors: dict[str, StoredStatus] = field(default_factory=dict)
    _tasks: dict[str, dict[int, StoredStatus]] = field(default_factory=dict)
    _topics: dict[str, dict[str, TopicUse]] = field(default_factory=dict)

    def apply(self, record: StatusRecord) -> None:
        """Takes a record. What a task's former owner says late, that it has given the task up, is passed over while
        the task is known to run in that generation or a later one."""
        match record:
            case ConnectorStatusRecord(connector, status):
                _put(self._connectors, connector, status)
            case TaskStatusRecord(connector, task, status):
                known = self.task(connector, task)
                if status is None or not _late(status, known):
                    _put_within(self._tasks, connector, task, status)
            case TopicUseRecord(connector, topic, use):
                _put_within(self._topics, connector, topic, use)

    def may_put(self, record: ConnectorStatusRecord | TaskStatusRecord) -> bool:
        """Whether what is not written at any price (UNASSIGNED, FAILED) may be: nobody in a later generation has said
        something else (``putSafe`` of KafkaStatusBackingStore)."""
        known = self._known(record)
        if known is None or record.status is None:
            return True
        return known.worker_id == record.status.worker_id or known.generation <= record.status.generation

    def _known(self, record: ConnectorStatusRecord | TaskStatusRecord) -> StoredStatus | None:
        if isinstance(record, ConnectorStatusRecord):
            return self.connector(record.connector)
        return self.task(record.connector, record.task)

    def connectors(self) -> list[str]:
        """The connectors of which anything is known, sorted."""
        return sorted({*self._connectors, *self._tasks, *self._topics})

    def besides(self, connectors: Mapping[str, int]) -> list[tuple[str, list[int]]]:
        """The connectors of which something is known that there is not, with the numbers of such tasks, both sorted;
        ``connectors`` has the number of tasks of each that there is."""
        found = [
            (name, sorted(number for number in self._tasks.get(name, ()) if number >= connectors.get(name, 0)))
            for name in {*self._connectors, *self._tasks, *self._topics}
        ]
        return sorted((name, tasks) for name, tasks in found if tasks or name not in connectors)

    def connector(self, name: str) -> StoredStatus | None:
        """A connector's status."""
        return self._connectors.get(name)

    def tasks(self, connector: str) -> Mapping[int, StoredStatus]:
        """The statuses of a connector's tasks by number."""
        return dict(sorted(self._tasks.get(connector, {}).items()))

    def task(self, connector: str, task: int) -> StoredStatus | None:
        """The status of one task."""
        return self._tasks.get(connector, {}).get(task)

    def uses(self, connector: str, topic: str) -> bool:
        """Whether a connector is known to use a topic."""
        return topic in self._topics.get(connector, {})

    def topics(self, connector: str) -> Mapping[str, TopicUse]:
        """The topics that a connector uses."""
        return dict(sorted(self._topics.get(connector, {}).items()))


def _late(status: StoredStatus, known: StoredStatus | None) -> bool:
    return (
        status.state is State.UNASSIGNED
        and known is not None
        and known.state is State.RUNNING
        and known.generation >= status.generation
    )


def _put(known: dict[Any, Any], key: Any, value: Any) -> None:
    if value is None:
        known.pop(key, None)
    else:
        known[key] = value


def _put_within(known: dict[str, dict[Any, Any]], name: str, key: Any, value: Any) -> None:
    inner = known.setdefault(name, {})
    _put(inner, key, value)
    if not inner:
        del known[name]
