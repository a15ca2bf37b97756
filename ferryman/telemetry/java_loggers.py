"""The loggers of Kafka Connect and its connectors by which people know them, and ours that say what those say."""

from collections.abc import Mapping

_CONNECT = "org.apache.kafka.connect"
_RUNTIME = f"{_CONNECT}.runtime"
OURS: Mapping[str, tuple[str, ...]] = {
    "org.apache.kafka": ("ferryman", "librdkafka"),
    "org.apache.kafka.clients": ("ferryman.kafka", "librdkafka"),
    "org.apache.kafka.clients.admin": ("ferryman.kafka",),
    "org.apache.kafka.clients.consumer": ("librdkafka",),
    "org.apache.kafka.clients.producer": ("librdkafka",),
    _CONNECT: ("ferryman",),
    f"{_CONNECT}.cli": ("ferryman.commands", "ferryman.worker"),
    f"{_CONNECT}.converters": ("ferryman.converters",),
    f"{_CONNECT}.file": ("ferryman.connectors.file",),
    f"{_CONNECT}.json": ("ferryman.converters", "ferryman.formats.json"),
    f"{_CONNECT}.storage": ("ferryman.offsets",),
    f"{_CONNECT}.transforms": ("ferryman.transforms",),
    f"{_CONNECT}.util": ("ferryman.kafka",),
    _RUNTIME: ("ferryman.rest", "ferryman.task", "ferryman.worker"),
    f"{_RUNTIME}.AbstractHerder": ("ferryman.validation", "ferryman.worker"),
    f"{_RUNTIME}.AbstractWorkerSourceTask": ("ferryman.task.source",),
    f"{_RUNTIME}.Connect": ("ferryman.worker",),
    f"{_RUNTIME}.ExactlyOnceWorkerSourceTask": ("ferryman.task.source",),
    f"{_RUNTIME}.SourceTaskOffsetCommitter": ("ferryman.task.source",),
    f"{_RUNTIME}.TransformationChain": ("ferryman.chain",),
    f"{_RUNTIME}.Worker": ("ferryman.worker",),
    f"{_RUNTIME}.WorkerConfig": ("ferryman.settings",),
    f"{_RUNTIME}.WorkerConnector": ("ferryman.worker",),
    f"{_RUNTIME}.WorkerSinkTask": ("ferryman.task.sink",),
    f"{_RUNTIME}.WorkerSourceTask": ("ferryman.task.source",),
    f"{_RUNTIME}.WorkerTask": ("ferryman.task",),
    f"{_RUNTIME}.distributed": ("ferryman.worker",),
    f"{_RUNTIME}.errors": ("ferryman.task.errors",),
    f"{_RUNTIME}.isolation": ("ferryman.plugins",),
    f"{_RUNTIME}.rest": ("ferryman.rest",),
    f"{_RUNTIME}.standalone": ("ferryman.worker",),
    "io.aiven.connect.jdbc": ("ferryman.connectors.sql",),
    "io.aiven.kafka.connect.s3": ("ferryman.connectors.s3",),
    "io.confluent.connect.avro": ("ferryman.converters.avro", "ferryman.formats.avro"),
    "io.confluent.connect.jdbc": ("ferryman.connectors.sql",),
    "io.confluent.connect.s3": ("ferryman.connectors.s3",),
    "io.confluent.kafka.connect.datagen": ("ferryman.connectors.datagen",),
    "io.confluent.kafka.schemaregistry": ("ferryman.schema_registry",),
    "io.debezium.connector.jdbc": ("ferryman.connectors.sql",),
    "io.debezium.transforms": ("ferryman.transforms.debezium",),
}
"""Ours by theirs. A name below one of these that is not here itself means one class of theirs, which has no like."""


def meant(name: str) -> tuple[str, ...]:
    """The names of our loggers that a name means: its like, and itself."""
    return (name, *OURS.get(name, ()))
