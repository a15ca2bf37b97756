"""How a sink gets at records that it does not consume."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ferryman.record import Batch, TopicPartition


class History(Protocol):
    """Records of the task's partitions, read again beside the group by the same converters and transforms. What these
    cannot take is left out."""

    def begin(self, source: TopicPartition, offset: int) -> None:
        """A partition is to be read from an offset on."""

    def end(self, source: TopicPartition) -> None:
        """And is no more."""

    def read(
        self, wanted: Mapping[TopicPartition, int], until: float
    ) -> Sequence[tuple[TopicPartition, Sequence[Batch], int]]:
        """What follows of these partitions, none of it at or behind the offset that is wanted, with the next offset to
        be read. Waits for it until a moment of ``time.monotonic``, and may return nothing."""
