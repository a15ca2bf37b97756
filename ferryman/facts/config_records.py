"""The records of the config topic: what each says, and its bytes as Kafka Connect writes and reads them.

Keys are texts, values JSON without schemas, fields in the order of Kafka's schemas (KafkaConfigBackingStore).
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ferryman.errors import DataError
from ferryman.facts.internal_json import encoded
from ferryman.facts.states import TargetState
from ferryman.formats.json.text import dumps, loads
from ferryman.java.numbers import parsed_integer, wrapped
from ferryman.record import Payload

Properties = Mapping[str, str]
_SESSION_KEY = "session-key"


@dataclass(frozen=True, slots=True)
class ConnectorConfig:
    """A connector's config as it was posted; None where it is deleted."""

    connector: str
    properties: Properties | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TaskConfig:
    """The config of one task, which counts from the next TasksCommit on."""

    connector: str
    task: int
    properties: Properties = field(repr=False)


@dataclass(frozen=True, slots=True)
class TasksCommit:
    """The task configs before it are whole: there are ``tasks`` of them."""

    connector: str
    tasks: int


@dataclass(frozen=True, slots=True)
class TargetStateRecord:
    """What a connector is wanted to be; None where that is forgotten with the connector."""

    connector: str
    target: TargetState | None


@dataclass(frozen=True, slots=True)
class TasksFencing:
    """Former producers were fenced, and up to ``tasks`` new ones may have transactions from here on."""

    connector: str
    tasks: int


@dataclass(frozen=True, slots=True)
class RestartRequest:
    """Somebody asks for a restart, once."""

    connector: str
    include_tasks: bool
    only_failed: bool


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The key that workers sign their requests to each other with."""

    key: bytes = field(repr=False)
    algorithm: str
    created: int
    """Milliseconds since the epoch."""


@dataclass(frozen=True, slots=True)
class LoggerLevel:
    """Somebody sets the level of a logger on all workers, once."""

    namespace: str
    """As log4j names it."""
    level: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A record that says nothing: of an unknown key, or with a value that its key cannot have."""

    key: str
    reason: str
    """For the log; nothing of the value is in it."""


ConfigRecord = (
    ConnectorConfig
    | TaskConfig
    | TasksCommit
    | TargetStateRecord
    | TasksFencing
    | RestartRequest
    | SessionKey
    | LoggerLevel
)


def encode(record: ConfigRecord) -> tuple[bytes, Payload]:
    """Key and value, byte for byte those of Kafka Connect's; the value is None for what is forgotten."""
    key, value = _plain(record)
    return key.encode(), encoded(value)


def _plain(record: ConfigRecord) -> tuple[str, Mapping[str, Any] | None]:
    match record:
        case ConnectorConfig(connector, properties):
            return f"connector-{connector}", None if properties is None else {"properties": dict(properties)}
        case TaskConfig(connector, task, properties):
            return f"task-{connector}-{task}", {"properties": dict(properties)}
        case TasksCommit(connector, tasks):
            return f"commit-{connector}", {"tasks": tasks}
        case TargetStateRecord(connector, target):
            return f"target-state-{connector}", None if target is None else _states(target)
        case TasksFencing(connector, tasks):
            return f"tasks-fencing-{connector}", {"task-count": tasks}
        case RestartRequest(connector, include_tasks, only_failed):
            flags = {"include-tasks": include_tasks, "only-failed": only_failed}
            return f"restart-connector-{connector}", flags
        case LoggerLevel(namespace, level):
            return f"logger-cluster-{namespace}", {"level": level}
        case SessionKey(secret, algorithm, created):
            text = b64encode(secret).decode()
            return _SESSION_KEY, {"key": text, "algorithm": algorithm, "creation-timestamp": created}


def _states(target: TargetState) -> Mapping[str, str]:
    older = TargetState.PAUSED if target is TargetState.STOPPED else target
    return {"state": older.stored, "state.v2": target.stored}


def decode(key: Payload, value: Payload) -> ConfigRecord | Ignored | None:
    """What a record says. None if it has no key or its value is not JSON: Kafka's reader passes over such a record as
    if it were not there, whereas one that is Ignored counts for the offset that the worker has read to.

    Never raises. Properties that are null are left out, numbers and booleans among them become texts.
    """
    if key is None:
        return None
    name = key.decode(errors="replace")
    try:
        content = None if value is None else loads(value)
    except DataError:
        return None
    prefix = next((each for each in _READERS if name.startswith(each)), None)
    if prefix is None or (prefix == _SESSION_KEY and name != prefix):
        return Ignored(name, "its key is not one of the config topic's")
    found = _READERS[prefix](name.removeprefix(prefix), content)
    return Ignored(name, "its value does not have the form that its key asks for") if found is None else found


def task_id(key: str) -> tuple[str, int] | None:
    """Connector and task in ``<connector>-<task>``, taken apart as Java's ``split`` does: dashes at the end are not
    there. None if it is not of that form."""
    connector, dash, number = key.rstrip("-").rpartition("-")
    try:
        return (connector, parsed_integer(number, 32)) if dash else None
    except ValueError:
        return None


def _target_state(connector: str, content: Any) -> ConfigRecord | None:
    if content is None:
        return TargetStateRecord(connector, None)
    if not isinstance(content, dict):
        return None
    newer, older = content.get("state.v2"), content.get("state")
    target = TargetState.from_stored(newer if isinstance(newer, str) else older)
    return None if target is None else TargetStateRecord(connector, target)


def _connector(connector: str, content: Any) -> ConfigRecord | None:
    if content is None:
        return ConnectorConfig(connector, None)
    properties = _properties(content)
    return None if properties is None else ConnectorConfig(connector, properties)


def _task(name: str, content: Any) -> ConfigRecord | None:
    identity, properties = task_id(name), _properties(content)
    return None if identity is None or properties is None else TaskConfig(*identity, properties)


def _commit(connector: str, content: Any) -> ConfigRecord | None:
    count = _count(content, "tasks")
    return None if count is None else TasksCommit(connector, count)


def _fencing(connector: str, content: Any) -> ConfigRecord | None:
    count = _count(content, "task-count")
    return None if count is None else TasksFencing(connector, count)


def _restart(connector: str, content: Any) -> ConfigRecord | None:
    if not isinstance(content, dict):
        return None
    return RestartRequest(connector, content.get("include-tasks") is True, content.get("only-failed") is True)


def _session_key(_: str, content: Any) -> ConfigRecord | None:
    match content:
        case {"key": str(text), "algorithm": str(algorithm), "creation-timestamp": int(created)} if created is not True:
            try:
                key = b64decode(text + "=" * (-len(text) % 4), validate=True)
            except ValueError:
                return None
            return SessionKey(key, algorithm, wrapped(created, 64)) if key else None
        case _:
            return None


def _logger(namespace: str, content: Any) -> ConfigRecord | None:
    match content:
        case {"level": str(level)}:
            return LoggerLevel(namespace, level)
        case _:
            return None


_READERS: Mapping[str, Callable[[str, Any], ConfigRecord | None]] = {
    "target-state-": _target_state,
    "connector-": _connector,
    "task-": _task,
    "commit-": _commit,
    "restart-connector-": _restart,
    "tasks-fencing-": _fencing,
    _SESSION_KEY: _session_key,
    "logger-cluster-": _logger,
}
"""By the beginning of the key, in the order in which Kafka's reader looks for them."""


def _properties(content: Any) -> Properties | None:
    match content:
        case {"properties": dict(found)}:
            texts = {name: _text(value) for name, value in found.items() if value is not None}
            return None if None in texts.values() else {name: text for name, text in texts.items() if text is not None}
        case _:
            return None


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return None if isinstance(value, dict | list) else dumps(value).decode()


def _count(content: Any, name: str) -> int | None:
    count = content.get(name) if isinstance(content, dict) else None
    return wrapped(count, 32) if isinstance(count, int) and not isinstance(count, bool) else None
