"""One connector's offsets as REST reads and moves them: in Kafka, and in the system where a sink keeps them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ferryman.errors import ConfigError, FerrymanError, RequestError, RetriableError, TaskError
from ferryman.kafka.clients import Clients
from ferryman.offsets.stores import Stores
from ferryman.plugin_process import alter_offsets
from ferryman.record import TopicPartition
from ferryman.runs import tallies
from ferryman.worker.herder import PartitionOffset
from ferryman.worker.offsets import offset_changes

Asks = Callable[[Mapping[str, Any]], bool]
"""Asks the connector's own code a question of ``plugin_process.alter_offsets`` or ``ends``, and waits for yes or no."""


@dataclass(frozen=True, slots=True)
class ConnectorOffsets:
    """The offsets of one connector. Methods block. They raise RequestError for what cannot be done."""

    is_sink: bool
    clients: Clients
    """With the connector's config, references resolved."""
    stores: Stores
    """Where source offsets are kept."""
    transactional: bool
    """Whether sources deliver by transactions."""
    asks: Asks
    """What the connector's own code says."""

    def read(self) -> list[PartitionOffset]:
        """What is committed: a sink's offsets of its consumer group, a source's of the offsets topic."""
        try:
            return offset_changes.sink_offsets(self.clients) if self.is_sink else self._source_offsets()
        except (KafkaException, FerrymanError) as error:
            kind = "consumer group" if self.is_sink else "source"
            reason = error.args[0].str() if isinstance(error, KafkaException) else error
            text = f"Failed to retrieve {kind} offsets for connector {self.clients.connector}: {reason}"
            raise RequestError(500, text) from error

    def alter(self, offsets: Sequence[PartitionOffset]) -> str:
        """Moves these offsets; returns Kafka Connect's message."""
        if not offsets:
            raise RequestError(400, "Partitions / offsets need to be provided for an alter offsets request")
        return _message("altered", self._checked(offsets, reset=False))

    def reset(self) -> str:
        """Forgets all offsets; returns Kafka Connect's message."""
        return _message("reset", self._checked([PartitionOffset(each.partition, None) for each in self.read()], True))

    def _checked(self, offsets: Sequence[PartitionOffset], reset: bool) -> bool:
        try:
            if self.is_sink:
                return self._move_sink(offset_changes.positions(offsets), reset)
            return self._move_source(offsets)
        except (ConfigError, TaskError, RetriableError) as error:
            raise RequestError(500, str(error)) from error
        except KafkaException as error:
            text = f"Failed to modify offsets for connector {self.clients.connector}: {error.args[0].str()}"
            raise RequestError(500, text) from error

    def _source_offsets(self, of_tallies: bool = False) -> list[PartitionOffset]:
        """The offsets of the source itself, or the tallies among them, which are not to be shown or altered."""
        return [each for each in self._source.partition_offsets() if tallies.is_tally(each.partition) is of_tallies]

    def _move_source(self, offsets: Sequence[PartitionOffset]) -> bool:
        found = [(each.partition, each.offset) for each in offsets]
        complete = self.asks(alter_offsets.of_source(self.clients.raw, found))
        # From elsewhere on the source may have more to hand over, and what it has counted is another part.
        forgotten = [PartitionOffset(each.partition, None) for each in self._source_offsets(of_tallies=True)]
        if offsets or forgotten:
            self._source.write([*offsets, *forgotten])
        return complete

    def _move_sink(self, positions: Mapping[TopicPartition, int | None], reset: bool) -> bool:
        # The sink first: if the group is refused after that, the sink's word still wins over the group's at the start.
        offset_changes.check(self.clients.connector, positions)
        offset_changes.wait_until_unused(self.clients, self.clients.connector, "reset" if reset else "alter")
        question = alter_offsets.of_sink(self.clients.raw, self.clients.connector, self._cluster(), positions)
        complete = self.asks(question)
        if reset:
            offset_changes.reset_sink(self.clients, self.clients.connector)
        else:
            offset_changes.move_sink(self.clients, self.clients.connector, positions)
        return complete

    def _cluster(self) -> str:
        admin = AdminClient(self.clients.admin())
        return str(admin.describe_cluster(request_timeout=30).result().cluster_id)

    @property
    def _source(self) -> offset_changes.SourceOffsetTopic:
        return offset_changes.SourceOffsetTopic(self.stores, self.transactional)


def _message(verb: str, complete: bool) -> str:
    if complete:
        return f"The offsets for this connector have been {verb} successfully"
    return (
        f"The Connect framework-managed offsets for this connector have been {verb} successfully. However, if this "
        f"connector manages offsets externally, they will need to be manually {verb} in the system that the connector "
        "uses."
    )
