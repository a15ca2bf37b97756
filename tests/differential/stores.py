"""Kafka Connect's own readers of the config and the status topic in this process, without a broker.

A record is given to the method that their logs call for each; what they then know is brought back.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import jpype

from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    LoggerLevel,
    RestartRequest,
    SessionKey,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
    TasksFencing,
)
from ferryman.facts.fold import ConnectorFacts, Facts
from ferryman.facts.states import TargetState
from ferryman.facts.statuses import (
    ConnectorStatusRecord,
    StatusRecord,
    StoredStatus,
    TaskStatusRecord,
    TopicUse,
    TopicUseRecord,
)
from ferryman.record import Payload
from tests.differential.jvm import connect, java

Known = dict[str, Any]
_REFUSALS = ("ConnectException", "IllegalArgumentException")


def _method(owner: Any, name: str) -> Any:
    (found,) = (each for each in owner.class_.getDeclaredMethods() if str(each.getName()) == name)
    found.setAccessible(True)
    return found


def _record(key: Payload, value: Payload, offset: int) -> Any:
    text = None if key is None else java("java.lang.String")(jpype.JArray(jpype.JByte)(key), "UTF-8")
    content = None if value is None else jpype.JArray(jpype.JByte)(value)
    return java("org.apache.kafka.clients.consumer.ConsumerRecord")("t", 0, offset, text, content)


def converter() -> Any:
    """The one that internal data goes through."""
    made = connect("json.JsonConverter")()
    made.configure(java("java.util.Map").of("schemas.enable", "false"), False)
    return made


def _worker() -> Any:
    settings = java("java.util.HashMap")()
    for name, value in {
        "bootstrap.servers": "127.0.0.1:1",
        "group.id": "g",
        "config.storage.topic": "configs",
        "offset.storage.topic": "offsets",
        "status.storage.topic": "statuses",
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    }.items():
        settings.put(name, value)
    made = connect("runtime.distributed.DistributedConfig")(settings)
    cluster = connect("runtime.WorkerConfig").class_.getDeclaredField("kafkaClusterId")
    cluster.setAccessible(True)
    cluster.set(made, "a-cluster")  # or it would ask the broker
    return made


def _nobody() -> Any:
    """A supplier of an admin client, which is never asked."""
    return jpype.JProxy("java.util.function.Supplier", dict={"get": lambda: None})


def _map(texts: Mapping[str, str]) -> Any:
    made = java("java.util.LinkedHashMap")()
    for name, text in texts.items():
        made.put(java("java.lang.String")(name), java("java.lang.String")(text))
    return made


class ConfigTopic:
    """KafkaConfigBackingStore as far as it reads."""

    def __init__(self) -> None:
        store = connect("storage.KafkaConfigBackingStore")
        self._converter = converter()
        self._store = store(self._converter, _worker(), None, _nobody(), "connect-")
        callback = java("java.lang.Class").forName(
            f"{store.class_.getName()}$ConsumeCallback", True, store.class_.getClassLoader()
        )
        (constructor,) = callback.getDeclaredConstructors()
        constructor.setAccessible(True)
        self._callback = constructor.newInstance(self._store)
        self._take = callback.getMethod("onCompletion", java("java.lang.Throwable"), java("java.lang.Object"))
        self._take.setAccessible(True)

    def take(self, key: Payload, value: Payload, offset: int) -> None:
        """Reads a record. Some that no worker writes would end the JVM's reader; they change nothing."""
        try:
            self._take.invoke(self._callback, None, _record(key, value, offset))
        except jpype.JException as error:
            if str(error.getCause().getClass().getSimpleName()) not in _REFUSALS:
                raise

    def written(self, record: ConfigRecord) -> bytes:
        """The value of a record that Kafka Connect writes, by the schemas that it has for each."""
        match record:
            case TargetStateRecord(_, TargetState() as target):
                name = connect("runtime.TargetState").valueOf(target.stored)
                store = connect("storage.KafkaConfigBackingStore")
                return bytes(_method(store, "serializeTargetState").invoke(self._store, name))
            case ConnectorConfig(_, dict() as properties):
                return self._by("CONNECTOR_CONFIGURATION_V0", properties=_map(properties))
            case TaskConfig(_, _, properties):
                return self._by("TASK_CONFIGURATION_V0", properties=_map(properties))
            case TasksCommit(_, tasks):
                return self._by("CONNECTOR_TASKS_COMMIT_V0", tasks=java("java.lang.Integer")(tasks))
            case TasksFencing(_, tasks):
                return self._by("TASK_COUNT_RECORD_V0", **{"task-count": java("java.lang.Integer")(tasks)})
            case RestartRequest(_, include_tasks, only_failed):
                flags = {"include-tasks": include_tasks, "only-failed": only_failed}
                boxed = {name: java("java.lang.Boolean")(flag) for name, flag in flags.items()}
                return self._by("RESTART_REQUEST_V0", **boxed)
            case SessionKey(key, algorithm, created):
                text, at = b64encode(key).decode(), java("java.lang.Long")(created)
                return self._by("SESSION_KEY_V0", **{"key": text, "algorithm": algorithm, "creation-timestamp": at})
            case LoggerLevel(_, level):
                return self._by("LOGGER_LEVEL_V0", level=level)
        raise AssertionError(record)

    def _by(self, schema: str, **fields: Any) -> bytes:
        declared = connect("storage.KafkaConfigBackingStore").class_.getDeclaredField(schema)
        declared.setAccessible(True)
        struct = connect("data.Struct")(declared.get(None))
        for name, value in fields.items():
            struct.put(name, java("java.lang.String")(value) if isinstance(value, str) else value)
        return bytes(self._converter.fromConnectData("t", declared.get(None), struct))

    def known(self) -> Known:
        """What was read, in the form of ``ours``."""
        found = self._store.snapshot()
        session = found.sessionKey()
        return {
            "offset": int(found.offset()),
            "session": None
            if session is None
            else (
                bytes(session.key().getEncoded()),
                str(session.key().getAlgorithm()),
                int(session.creationTimestamp()),
            ),
            "connectors": {str(name): self._connector(found, name) for name in found.connectors()},
        }

    def _connector(self, found: Any, name: Any) -> Known:
        applied = found.appliedConnectorConfig(name)
        fenced, generation = found.taskCountRecord(name), found.taskConfigGeneration(name)
        return {
            "properties": _texts(found.rawConnectorConfig(name)),
            "target": str(found.targetState(name)),
            "tasks": [_texts(found.rawTaskConfig(task)) for task in found.tasks(name)],
            "inconsistent": name in {str(each) for each in found.inconsistentConnectors()},
            "applied": None if applied is None else _texts(applied),
            "generation": None if generation is None else int(generation),
            "pending": bool(found.pendingFencing(name)),
            "fenced": None if fenced is None else int(fenced),
        }


def ours(facts: Facts) -> Known:
    """What our fold knows, as far as Kafka's reader knows it."""
    key = facts.session_key
    return {
        "offset": facts.offset,
        "session": None if key is None else (key.key, key.algorithm, key.created),
        "connectors": {name: _ours(facts.of(name)) for name in facts.names()},
    }


def _ours(facts: ConnectorFacts) -> Known:
    return {
        "properties": facts.properties,
        "target": facts.target.stored,
        "tasks": list(facts.tasks),
        "inconsistent": facts.inconsistent,
        "applied": facts.applied,
        "generation": facts.generation,
        "pending": facts.pending_fencing,
        "fenced": facts.fenced,
    }


def _texts(found: Any) -> dict[str, str]:
    return {str(each.getKey()): str(each.getValue()) for each in found.entrySet()}


class StatusTopic:
    """KafkaStatusBackingStore as far as it reads."""

    def __init__(self) -> None:
        store = connect("storage.KafkaStatusBackingStore")
        (constructor,) = (each for each in store.class_.getDeclaredConstructors() if each.getParameterCount() == 5)
        constructor.setAccessible(True)
        time = java("org.apache.kafka.common.utils.Time").SYSTEM
        self._store = constructor.newInstance(time, converter(), "t", _nobody(), None)
        self._read = _method(store, "read")
        self._topic = _method(store, "serializeTopicStatus")
        self._status = _method(store, "serialize")

    def take(self, key: Payload, value: Payload) -> None:
        """Reads a record."""
        self._read.invoke(self._store, _record(key, value, 0))

    def connector(self, name: str) -> Known | None:
        """The status of a connector."""
        return _status(self._store.get(java("java.lang.String")(name)))

    def task(self, connector: str, number: int) -> Known | None:
        """The status of a task."""
        return _status(self._store.get(connect("util.ConnectorTaskId")(connector, number)))

    def topics(self, connector: str) -> dict[str, tuple[int, int]]:
        """The topics that a connector uses, the task that told, and when."""
        return {
            str(each.topic()): (int(each.task()), int(each.discoverTimestamp()))
            for each in self._store.getAllTopics(java("java.lang.String")(connector))
        }

    def written(self, record: StatusRecord) -> bytes:
        """The value of a record that Kafka Connect writes."""
        match record:
            case TopicUseRecord(connector, topic, TopicUse(task, discovered)):
                use = connect("runtime.TopicStatus")(topic, java("java.lang.String")(connector), task, discovered)
                return bytes(self._topic.invoke(self._store, use))
            case ConnectorStatusRecord(connector, StoredStatus() as status) | TaskStatusRecord(
                connector, _, StoredStatus() as status
            ):
                state = java("org.apache.kafka.connect.runtime.AbstractStatus$State").valueOf(status.state.value)
                made = connect("runtime.ConnectorStatus")(
                    connector, state, status.trace, status.worker_id, status.generation, status.version
                )
                return bytes(self._status.invoke(self._store, made))
        raise AssertionError(record)


def _status(found: Any) -> Known | None:
    if found is None:
        return None
    texts = {"trace": found.trace(), "worker": found.workerId(), "version": found.version()}
    known = {name: None if text is None else str(text) for name, text in texts.items()}
    return {"state": str(found.state()), "generation": int(found.generation()), **known}


def our_status(status: StoredStatus | None) -> Known | None:
    """A status of ours in the same form."""
    if status is None:
        return None
    texts = {"trace": status.trace, "worker": status.worker_id, "version": status.version}
    return {"state": status.state.value, "generation": status.generation, **texts}
