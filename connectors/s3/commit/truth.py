"""What commits a partition's files, and what a new owner of it finds: one interface, two ways to keep the truth.

``by_head`` keeps it in the bucket; ``by_group`` in the metadata of the group's offsets, where no server compares.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from ferryman.api import Assigned, Committed
from ferryman.connectors.s3.commit.manifest import Missing
from ferryman.connectors.s3.commit.partition_files import PartitionFiles, Redo, lost
from ferryman.errors import TaskError
from ferryman.record import TopicPartition

Offsets = Mapping[TopicPartition, int]


class Opened(NamedTuple):
    """How a partition is found."""

    start: int | None
    """Where to go on; None: where the group says."""
    redo: Redo | None = None
    """What must be made again before that."""


class Truth(Protocol):
    """Where it stands how far the archive of each partition has got, and what of it has still to be completed."""

    def open(self, assigned: Assigned) -> Opened:
        """Finishes what was committed. Raises TaskError if that cannot be, if the topic is another one of that name, or
        if it no longer holds the next record."""

    def close(self, source: TopicPartition) -> None:
        """Forgets a partition that has gone."""

    def offer(self, partitions: Sequence[PartitionFiles], delivered: Offsets) -> Mapping[TopicPartition, Committed]:
        """Commits what the partitions offer, or prepares it; what the group is to be told. May be called again after an
        error."""

    def on_group_committed(self, partition: PartitionFiles, commit: Committed) -> None:
        """The group has taken a commit."""

    def on_completed(self, partition: PartitionFiles) -> None:
        """All objects of the partition's offer are there."""

    def give_up(self, source: TopicPartition) -> None:
        """Notes that what is committed cannot be finished: who decides to do without may alter the offsets then."""

    def alter(self, connector: str, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Moves (None: forgets) what is kept here. Raises TaskError for a partition with objects still to be
        completed."""


def in_range(assigned: Assigned, offset: int) -> bool:
    """Whether the topic still holds, or is about to get, the record of that offset."""
    return assigned.beginning <= offset <= assigned.end


def check_range(assigned: Assigned, offset: int) -> None:
    """Raises TaskError if it does not, as the SQL sink does."""
    if not in_range(assigned, offset):
        raise TaskError(
            f"The next offset of {assigned.source} is {offset}, but the topic holds {assigned.beginning} up to "
            f"{assigned.end}: records are lost that are in no object, or it is another topic. To go on elsewhere, stop "
            "the connector and alter or reset its offsets; to always go on, with a warning, set "
            "consumer.override.auto.offset.reset to earliest or latest"
        )


def created_anew(assigned: Assigned, topic_id: str) -> TaskError:
    """The error for a topic that has another id than the one that was archived."""
    return TaskError(
        f"Topic {assigned.source.topic} was created anew (its id was {topic_id} and is {assigned.topic_id}), so the "
        f"committed offset of {assigned.source} says nothing about it. To read the new topic from its beginning, "
        "stop the connector and reset its offsets"
    )


def killed_between(connector: str, key: str) -> TaskError:
    """The error for offsets that are to be altered while objects have still to be completed."""
    return TaskError(
        f"{connector} was killed while it wrote objects; {key} names them. Start it, so that it finishes them, stop "
        "it, and alter the offsets then"
    )


def beyond_kafka(assigned: Assigned, missing: Sequence[Missing]) -> TaskError | None:
    """The error if records are needed again that Kafka no longer has."""
    first = min(missing, key=lambda each: each.offsets.first)
    if first.offsets.first >= assigned.beginning:
        return None
    return lost(first, f"Kafka holds {assigned.source} only from offset {assigned.beginning} on")
