"""What Kafka knows about a live connector: its group's offsets, and where the partitions end."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, KafkaError
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ferryman.errors import RetriableError
from ferryman.kafka.admin import Admin
from ferryman.record import TopicPartition

ANSWER_SECONDS = 5.0
"""Seconds that an answer may take."""


@dataclass
class LiveTopics:
    """See ``live.Topics``. Methods raise KafkaException and RetriableError; clients are made when first needed."""

    reader: Mapping[str, Any]
    """The config of a consumer with the live connector's group, which never joins it."""
    admin: Admin
    _consumer: Consumer | None = None
    _groups: Admin = field(init=False)
    """The same user as the consumer, who is the one with rights to the group."""

    def __post_init__(self) -> None:
        self._groups = Admin(self.reader)

    def committed(self, sources: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offsets that the group of the live connector has committed of these partitions."""
        wanted = [ClientPartition(*source) for source in sorted(sources)]
        return _told(self._asks.committed(wanted, timeout=ANSWER_SECONDS))

    def all_committed(self) -> dict[TopicPartition, int]:
        """The same of all partitions."""
        return _told(self._groups.committed(self.reader["group.id"], ANSWER_SECONDS))

    def ends(self, sources: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Where these end now, for those who read only what was committed."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        wanted = {ClientPartition(*source): latest for source in sources}
        if not wanted:
            return {}
        found = self.admin.some_offsets(wanted, IsolationLevel.READ_COMMITTED, ANSWER_SECONDS)
        if not found:
            raise RetriableError(f"Kafka does not say in time where {len(wanted)} partitions end")
        return {TopicPartition(each.topic, each.partition): end for each, end in found.items()}

    def is_read(self) -> bool:
        """See ``live.Topics``."""
        return self._groups.members(self.reader["group.id"], ANSWER_SECONDS) > 0

    def behind(self, source: TopicPartition, offset: int) -> int | None:
        """See ``live.Topics``."""
        self._asks.assign([ClientPartition(*source, offset)])
        try:
            until = time.monotonic() + ANSWER_SECONDS
            while (left := until - time.monotonic()) > 0:
                for message in self._asks.consume(1, left):
                    error = message.error()
                    if error is None:
                        return None
                    if error.code() == KafkaError._PARTITION_EOF:
                        return message.offset()
            raise RetriableError(f"Kafka does not say in time what {source} holds from offset {offset} on")
        finally:
            self._asks.unassign()

    @property
    def _asks(self) -> Consumer:
        self._consumer = self._consumer or Consumer({**self.reader, "enable.partition.eof": True})
        return self._consumer

    def close(self) -> None:
        """See ``live.Topics``."""
        if self._consumer is not None:
            self._consumer.close()
        self._consumer = None
        self.admin.close()
        self._groups.close()


def _told(found: Iterable[ClientPartition]) -> dict[TopicPartition, int]:
    there = (each for each in found if not each.error and each.offset >= 0)
    return {TopicPartition(each.topic, each.partition): each.offset for each in there}
