"""Where the partitions of a sink task end, as far as is known: the consumer says when it has read to the end of one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Consumer, IsolationLevel, KafkaError, Message
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ferryman.kafka.admin import Admin
from ferryman.record import TopicPartition

ANSWER_SECONDS = 5.0
"""Seconds for the broker's word where partitions end; without it, what was known stays."""


@dataclass
class Ends:
    """The ends of the partitions that one consumer is assigned."""

    consumer: Consumer
    admin: Admin
    met: dict[TopicPartition, int] = field(default_factory=dict)
    """Offsets at which a partition ended when all of it had been read."""
    news: dict[TopicPartition, int] = field(default_factory=dict)
    """The ends among them that were not checked yet."""
    _asked: dict[TopicPartition, int] = field(default_factory=dict)
    """Ends that the broker was asked for while nothing was fetched, which otherwise would tell us."""

    def take(self, message: Message) -> None:
        """What the consumer has handed out, which may say where a partition ends."""
        error = message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            source = TopicPartition(str(message.topic()), int(message.partition() or 0))
            self.met[source] = self.news[source] = int(message.offset() or 0)

    def now(self) -> Mapping[TopicPartition, int]:
        """Where the partitions end, as far as the client knows; it makes no request."""
        found = dict(self._asked)
        for each in self.consumer.assignment():
            _, end = self.consumer.get_watermark_offsets(each, cached=True) or (0, 0)
            source = TopicPartition(each.topic, each.partition)
            found[source] = max(found.get(source, 0), end)
        return found

    def ask(self) -> None:
        """Asks the broker. What is not answered soon stays as it was."""
        partitions = self.consumer.assignment()
        wanted = {ClientPartition(each.topic, each.partition): _latest() for each in partitions}
        if not wanted:
            return
        found = self.admin.some_offsets(wanted, IsolationLevel.READ_COMMITTED, ANSWER_SECONDS)
        self._asked |= {TopicPartition(each.topic, each.partition): end for each, end in found.items()}

    def gone(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are assigned no more."""
        for source in partitions:
            self.met.pop(source, None)
            self.news.pop(source, None)
            self._asked.pop(source, None)


def _latest() -> OffsetSpec:
    return OffsetSpec.latest()  # type: ignore[no-untyped-call, no-any-return]
