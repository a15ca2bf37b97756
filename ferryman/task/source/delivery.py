"""How records and offsets get to Kafka: the seam between the source loop and its two ways of delivering.

``transactions`` delivers exactly once, ``acknowledgements`` at least once.
"""

from collections.abc import Mapping
from typing import Protocol

from confluent_kafka import KafkaException

from ferryman.record import Offset, Partition
from ferryman.task.source.outbox import Outbox

Progress = Mapping[str, tuple[Partition, Offset | None]]
"""How far a source has got: its partitions and offsets, by canonical partition."""


class Delivery(Protocol):
    """One producer, and how the offsets of its records are committed."""

    @property
    def outbox(self) -> Outbox:
        """The way for records, between ``begin`` and ``note``."""

    @property
    def attempted(self) -> Mapping[str, Offset | None]:
        """The offsets of the last commit that would move them all at once, made or not; by canonical partition."""

    @property
    def worn(self) -> bool:
        """Whether this producer may not begin another transaction."""

    def begin(self) -> None:
        """Records of a poll follow. Raises KafkaException or TaskError if those before have failed."""

    def note(self, progress: Progress) -> None:
        """All records of the poll are handed over; behind them the source stands there."""

    def after_round(self) -> bool:
        """Commits if it is time to. True if all that was handed over is in Kafka now, with its offsets."""

    def due(self) -> float | None:
        """Seconds until ``after_round`` commits, if it is asked then; None if there is nothing to commit."""

    def commit(self) -> bool:
        """Commits what there is, for a pause or a stop. True as ``after_round``."""

    def abandon(self) -> None:
        """The session ends, by itself or by an error: what is open is settled as far as can be. Raises nothing."""

    def cause(self, error: KafkaException) -> KafkaException:
        """The error behind one that says only that the producer has failed before."""
