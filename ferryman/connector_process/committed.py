"""The source offsets that are committed, for a connector that asks."""

from collections.abc import Callable, Sequence

from ferryman.api import Offset, Partition
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.errors import TaskError
from ferryman.kafka.clients import Clients
from ferryman.offsets.asking import Asking, impatient
from ferryman.offsets.source_offsets import SourceOffsets

Reader = Callable[[Sequence[Partition]], list[Offset | None]]


def reader(spec: ConnectorSpec, topic: str, asking: Asking, ends: Callable[[], bool]) -> Reader:
    """Asks for what ``topic`` has each time, until the connector ``ends`` or it takes too long: RetriableError. The
    clients are those of the connector's tasks, as it may have a cluster of its own."""

    def read(partitions: Sequence[Partition]) -> list[Offset | None]:
        offsets = SourceOffsets(spec.connector)
        for key, value in spec.seeds.items():
            offsets.load(key.encode(), value.encode())
        clients = Clients(spec.connector, 0, spec.worker, spec.config, spec.identity)
        asking.read(clients.offsets_consumer(), topic, offsets, lambda silence: ends() or impatient(silence))
        return [offsets.get(partition) for partition in partitions]

    return read


def none(partitions: Sequence[Partition]) -> list[Offset | None]:
    """What a sink gets: the group has its offsets, and a connector of a sink does not ask for them."""
    raise TaskError("a sink has no source offsets")
