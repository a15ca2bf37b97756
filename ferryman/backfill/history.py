"""What Kafka has of the topics of a connector: ids, bounds, and where times begin."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import QUIET, Clients
from ferryman.kafka.subscription import Subscription
from ferryman.record import TopicPartition
from ferryman.retry.leader import bounds
from ferryman.runs.ranges import Range, Ranges

ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class History:
    """The history that a connector reads. Methods block; they raise KafkaException if Kafka does not answer."""

    clients: Clients
    config: SinkConfig

    def cluster_id(self) -> str:
        """The cluster's id."""
        admin = Admin(self.clients.admin())
        return str(admin.describe_cluster(request_timeout=ANSWER_SECONDS).result().cluster_id)

    def ranges(self, begins: int | None, chosen: Mapping[TopicPartition, Range]) -> Ranges:
        """What to read: from the first record that is not before ``begins`` (milliseconds), or from the beginning, up
        to the present end; of the ``chosen`` partitions and offsets if there are any. ConfigError for what there is
        not."""
        admin = Admin(self.clients.admin())
        there = {TopicPartition(*each) for each in Subscription(admin, self.config, self.clients.worker).partitions()}
        for source in chosen:
            if source not in there:
                raise ConfigError.for_key("offsets", f"{source} is not a partition that the connector reads")
        wanted = sorted(chosen or there)
        if not wanted:
            raise ConfigError.for_key("topics", "none of the topics that the connector reads exists")
        ids = _ids(admin, sorted({source.topic for source in wanted}))
        consumer = Consumer(self.clients.group_reader() | QUIET)
        try:
            bounds = {source: _bounds(consumer, source) for source in wanted}
            found = firsts(consumer, wanted, begins)
        finally:
            consumer.close()
        return Ranges(ids, {source: _cut(bounds[source], found.get(source), chosen.get(source)) for source in wanted})


def _cut(there: Range, first: int | None, chosen: Range | None) -> Range:
    low = max(there.first, first or 0, 0 if chosen is None else chosen.first)
    high = there.behind if chosen is None else min(there.behind, chosen.behind)
    return Range(min(low, high), high)


def _ids(admin: Admin, topics: Sequence[str]) -> dict[str, str]:
    there = admin.described(topics)
    for gone in set(topics) - set(there):
        raise ConfigError.for_key("topics", f"{gone} has just been deleted")
    return {topic: str(there[topic].topic_id) for topic in topics}


def _bounds(consumer: Consumer, source: TopicPartition) -> Range:
    return Range(*bounds(consumer, ClientPartition(*source), ANSWER_SECONDS))


def firsts(consumer: Consumer, wanted: list[TopicPartition], begins: int | None) -> dict[TopicPartition, int]:
    """The first offset of each partition whose timestamp is not before an instant; its end if there is no such
    record."""
    if begins is None:
        return {}
    found = {}
    for each in consumer.offsets_for_times(
        [ClientPartition(*source, begins) for source in wanted], timeout=ANSWER_SECONDS
    ):
        if each.error:
            raise KafkaException(each.error)
        found[TopicPartition(each.topic, each.partition)] = each.offset if each.offset >= 0 else 1 << 62
    return found
