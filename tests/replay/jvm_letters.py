"""Dead letters written by Kafka Connect's own class, with its own producer, into the tests' Kafka."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jpype
from confluent_kafka.admin import AdminClient

from tests.differential.jvm import connect, java
from tests.running import create_topic


@dataclass(frozen=True)
class Refused:
    """A record that a connector of a JVM worker refused."""

    connector: str
    value: bytes | None
    key: bytes | None = None
    topic: str = ""
    """The record's topic; if it is empty, one that is called like the connector."""
    partition: int = 0
    offset: int = 0
    headers: Sequence[tuple[str, bytes | None]] = ()
    stage: str = "VALUE_CONVERTER"
    plugin: str = "org.apache.kafka.connect.json.JsonConverter"
    message: str = "it does not like this"
    timestamp: int = 1_700_000_000_000


def write(kafka: str, letters: str, refused: Iterable[Refused], says_why: bool = True) -> None:
    """Has DeadLetterQueueReporter write letters, each connector's by one of its own. The topic is made for it, where it
    is missing: from one with its broker's retention such old letters are deleted while a test runs."""
    if letters not in AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=60).topics:
        create_topic(kafka, letters)
    reporters = dict[str, Any]()
    try:
        for each in refused:
            if each.connector not in reporters:
                reporters[each.connector] = _reporter(kafka, letters, each.connector, says_why)
            reporters[each.connector].report(_context(each)).get()
    finally:
        for reporter in reporters.values():
            reporter.close()


def _reporter(kafka: str, letters: str, connector: str, says_why: bool) -> Any:
    task = java("org.apache.kafka.connect.util.ConnectorTaskId")(connector, 0)
    config = {
        "name": connector,
        "connector.class": "org.apache.kafka.connect.tools.MockSinkConnector",
        "topics": connector,
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": letters,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": str(says_why).lower(),
    }
    byte_array = "org.apache.kafka.common.serialization.ByteArraySerializer"
    producer = {"bootstrap.servers": kafka, "key.serializer": byte_array, "value.serializer": byte_array}
    # It asks its plugins about transforms only, and would look through all of the class path for them.
    sink = java("org.apache.kafka.connect.runtime.SinkConnectorConfig")(None, _map(config))
    create = java("org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter").createAndSetup
    return create(_map({"bootstrap.servers": kafka}), task, sink, _map(producer), _metrics(kafka, task))


def _metrics(kafka: str, task: Any) -> Any:
    json = "org.apache.kafka.connect.json.JsonConverter"
    worker = {"bootstrap.servers": kafka, "key.converter": json, "value.converter": json}
    worker |= {"offset.storage.file.filename": "/dev/null"}
    config = java("org.apache.kafka.connect.runtime.standalone.StandaloneConfig")(_map(worker))
    clock = java("org.apache.kafka.common.utils.Time").SYSTEM
    metrics = java("org.apache.kafka.connect.runtime.ConnectMetrics")("worker", config, clock, "cluster")
    return java("org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics")(task, metrics)


def _context(refused: Refused) -> Any:
    headers = java("org.apache.kafka.common.header.internals.RecordHeaders")()
    for name, content in refused.headers:
        headers.add(java("java.lang.String")(name), _bytes(content))
    record = java("org.apache.kafka.clients.consumer.ConsumerRecord")(
        refused.topic or refused.connector,
        refused.partition,
        refused.offset,
        refused.timestamp,
        java("org.apache.kafka.common.record.TimestampType").CREATE_TIME,
        -1,
        -1,
        _bytes(refused.key),
        _bytes(refused.value),
        headers,
        java("java.util.Optional").empty(),
    )
    context = java("org.apache.kafka.connect.runtime.errors.ProcessingContext")(record)
    stage = java("org.apache.kafka.connect.runtime.errors.Stage").valueOf(refused.stage)
    context.currentContext(stage, java(refused.plugin).class_)
    context.error(connect("errors.DataException")(refused.message))
    return context


def _map(given: Mapping[str, str]) -> Any:
    made = java("java.util.HashMap")()
    for name, value in given.items():
        made.put(java("java.lang.String")(name), java("java.lang.String")(value))
    return made


def _bytes(content: bytes | None) -> Any:
    return None if content is None else jpype.JArray(jpype.JByte)(content)
