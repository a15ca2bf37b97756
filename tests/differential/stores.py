"""Kafka Connect's own readers of the config and the status topic in this process, without a broker.

A record is given to the method that their logs call for each; what they then know is brought back.
"""

from typing import Any

import jpype

from ferryman.facts.fold import ConnectorFacts, Facts
from ferryman.facts.states import TargetState
from ferryman.record import Payload
from tests.differential.jvm import connect, java

Known = dict[str, Any]


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
    return connect("runtime.distributed.DistributedConfig")(settings)


class ConfigTopic:
    """KafkaConfigBackingStore as far as it reads."""

    def __init__(self) -> None:
        store = connect("storage.KafkaConfigBackingStore")
        self._store = store(converter(), _worker(), None, None, "connect-")
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
            assert "ConnectException" in str(error.getCause()) or "Illegal" in str(error.getCause()), error.getCause()

    def targets(self, target: TargetState) -> bytes:
        """The value of a target state's record."""
        name = connect("runtime.TargetState").valueOf(target.stored)
        return bytes(_method(type(self._store), "serializeTargetState").invoke(self._store, name))

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
