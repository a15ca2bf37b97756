"""The source offsets that are committed, for a connector that asks."""

from collections.abc import Callable, Sequence

from confluent_kafka import KafkaException

from ferryman.api import Offset, Partition
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.errors import RetriableError, TaskError
from ferryman.kafka.clients import Clients
from ferryman.offsets import offset_topic
from ferryman.offsets.source_offsets import SourceOffsets

Reader = Callable[[Sequence[Partition]], list[Offset | None]]


def reader(spec: ConnectorSpec, topic: str, ends: Callable[[], bool]) -> Reader:
    """Reads ``topic`` to its end each time, unless the connector ``ends`` meanwhile or it takes too long:
    RetriableError. The clients are those of the connector's tasks, as it may have a cluster of its own."""

    def read(partitions: Sequence[Partition]) -> list[Offset | None]:
        offsets = SourceOffsets(spec.connector)
        for key, value in spec.seeds.items():
            offsets.load(key.encode(), value.encode())
        clients = Clients(spec.connector, 0, spec.worker, spec.config, spec.identity)
        try:
            offset_topic.read(
                clients.offsets_consumer(), topic, offsets, lambda silence: ends() or offset_topic.impatient(silence)
            )
        except KafkaException as error:
            raise RetriableError(f"the offsets topic {topic} cannot be read: {error.args[0].str()}") from error
        return [offsets.get(partition) for partition in partitions]

    return read


def none(partitions: Sequence[Partition]) -> list[Offset | None]:
    """What a sink gets: the group has its offsets, and a connector of a sink does not ask for them."""
    raise TaskError("a sink has no source offsets")
