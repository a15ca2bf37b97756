"""RecordIsTombstone: holds for records whose value is null."""

from collections.abc import Sequence

from ferryman.api import Predicate
from ferryman.config import Config
from ferryman.record import Batch, Record, Rows


class RecordIsTombstoneConfig(Config):
    """RecordIsTombstone has no keys."""


class RecordIsTombstone(Predicate[RecordIsTombstoneConfig]):
    """Holds for a null value, whatever its schema."""

    config_class = RecordIsTombstoneConfig
    classes = ("org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",)

    def test(self, record: Record) -> bool:
        """Whether the value is null."""
        return record.value is None

    def test_batch(self, batch: Batch) -> Sequence[bool]:
        """The same for each record; columns hold no null."""
        if isinstance(batch.value, Rows):
            return [value is None for value in batch.value.values]
        return [False] * len(batch)
