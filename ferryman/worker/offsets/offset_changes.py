"""Reads, moves and forgets a connector's offsets (KIP-875): a sink's in its group, a source's in their topic."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientPartition
from confluent_kafka.admin import AdminClient

from ferryman.errors import RequestError, RetriableError
from ferryman.internal_topics import creation, of_worker
from ferryman.java.numbers import parsed_integer
from ferryman.kafka.admin import Admin
from ferryman.kafka.callbacks import Producer
from ferryman.kafka.clients import Clients
from ferryman.offsets.stores import Stores, Written
from ferryman.record import TopicPartition
from ferryman.retry import coordinator
from ferryman.worker.herder import PartitionOffset

_IN_USE = frozenset(
    {
        KafkaError.NON_EMPTY_GROUP,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.GROUP_SUBSCRIBED_TO_TOPIC,
    }
)
"""What a group says that still has members."""
END_SECONDS, POLL_SECONDS = 20.0, 0.2
"""Seconds that tasks of other workers have to end, and between two looks."""
ANSWER_SECONDS = 60.0
"""Seconds that the broker has to take a source's offsets."""
Positions = Mapping[TopicPartition, int | None]


def sink_offsets(clients: Clients) -> list[PartitionOffset]:
    """The offsets that the group has committed, whether the sink still reads these topics or not."""
    return [
        PartitionOffset({"kafka_topic": topic, "kafka_partition": number}, {"kafka_offset": offset})
        for (topic, number), offset in sorted(_committed(clients).items())
    ]


def _committed(clients: Clients) -> dict[TopicPartition, int]:
    """Asked by a consumer that joins nothing, for every partition of the cluster: the admin client's own call for it
    crashes while the group's coordinator is loading (librdkafka 2.16)."""
    topics = Admin(clients.admin()).list_topics(timeout=30).topics
    wanted = [ClientPartition(name, number) for name, topic in topics.items() for number in topic.partitions]
    consumer = Consumer(clients.group_reader())
    try:
        found = coordinator.ask(lambda: consumer.committed(wanted, timeout=30)) if wanted else []
    finally:
        consumer.close()
    return {
        TopicPartition(each.topic, each.partition): each.offset for each in found if not each.error and each.offset >= 0
    }


def wait_until_unused(clients: Clients, connector: str, verb: str) -> None:
    """Returns when the group has no members: tasks that end on other workers take their time, and what they still
    commit or write must not come between. RequestError 500, in Kafka Connect's words, when some stay."""
    admin, deadline = AdminClient(clients.admin()), time.monotonic() + END_SECONDS
    try:
        while _members(admin, clients.group):
            if time.monotonic() >= deadline:
                raise _in_use(connector, verb, "the group has members")
            time.sleep(POLL_SECONDS)
    except KafkaException as error:
        raise _refused(error, connector, verb) from error


def _members(admin: AdminClient, group: str) -> int:
    try:
        found = coordinator.ask(lambda: admin.describe_consumer_groups([group])[group].result())
    except KafkaException as error:
        if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
            return 0
        raise
    return len(found.members)


def move_sink(clients: Clients, connector: str, positions: Positions) -> None:
    """Moves the group to these offsets; None forgets a partition's. RequestError while members are left."""
    check(connector, positions)
    admin = AdminClient(clients.admin())
    kept = [ClientPartition(*source, offset) for source, offset in positions.items() if offset is not None]
    try:
        if forgotten := [source for source, offset in positions.items() if offset is None]:
            _forget(clients, forgotten)
        if kept:
            request = ConsumerGroupTopicPartitions(clients.group, kept)
            answer = coordinator.ask(lambda: admin.alter_consumer_group_offsets([request])[clients.group].result())
            for each in answer.topic_partitions:
                if each.error:
                    raise KafkaException(each.error)
    except KafkaException as error:
        raise _refused(error, connector, "alter") from error


def _forget(clients: Clients, partitions: Sequence[TopicPartition]) -> None:
    from ferryman.membership import client_settings, group_offsets  # kafka-python, which is seldom needed

    client = client_settings.of_client(clients.connection, f"{clients.connector}-offsets")
    group_offsets.delete(client, clients.group, partitions)


def reset_sink(clients: Clients, connector: str) -> None:
    """Forgets all of the group's offsets."""
    try:
        _delete_group(AdminClient(clients.admin()), clients.group)
    except KafkaException as error:
        raise _refused(error, connector, "reset") from error


def _delete_group(admin: AdminClient, group: str) -> None:
    try:
        coordinator.ask(lambda: admin.delete_consumer_groups([group])[group].result())
    except KafkaException as error:
        if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
            raise


def _refused(error: KafkaException, connector: str, verb: str) -> RequestError:
    reason: KafkaError = error.args[0]
    if reason.code() in _IN_USE:
        return _in_use(connector, verb, reason.str())
    return RequestError(500, f"Failed to {verb} consumer group offsets for connector {connector} ({reason.str()})")


def _in_use(connector: str, verb: str, reason: str) -> RequestError:
    return RequestError(
        500,
        f"Failed to {verb} consumer group offsets for connector {connector} either because its tasks haven't stopped "
        f"completely yet or the connector was resumed before the request to {verb} its offsets could be successfully "
        f"completed. If the connector is in a stopped state, this operation can be safely retried. ({reason})",
    )


def check(connector: str, positions: Positions) -> None:
    """Refuses what no topic has. RequestError 500, as in Kafka Connect, where the client finds it."""
    for (topic, number), offset in positions.items():
        what = (
            "a topic has a name"
            if not topic
            else f"partition {number} of {topic} is negative"
            if number < 0
            else f"offset {offset} of partition {number} of {topic} is negative"
        )
        if not topic or number < 0 or (offset or 0) < 0:
            raise RequestError(500, f"Failed to alter consumer group offsets for connector {connector} ({what})")


def positions(offsets: Sequence[PartitionOffset]) -> dict[TopicPartition, int | None]:
    """A sink's offsets from a PATCH request, checked in Kafka Connect's words (400)."""
    return {_sink_partition(each.partition): _sink_offset(each.offset) for each in offsets}


def _sink_partition(partition: Mapping[str, Any] | None) -> TopicPartition:
    if partition is None:
        raise RequestError(400, "The partition for a sink connector offset cannot be null or missing")
    if "kafka_topic" not in partition or "kafka_partition" not in partition:
        raise RequestError(
            400, "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'"
        )
    if partition["kafka_topic"] is None:
        raise RequestError(400, "Kafka topic names must be valid strings and may not be null")
    if partition["kafka_partition"] is None:
        raise RequestError(400, "Kafka partitions must be valid numbers and may not be null")
    number = _number(partition["kafka_partition"], 32)
    if number is None:
        raise RequestError(
            400,
            f"Failed to parse the following Kafka partition value in the provided offsets: "
            f"'{_text(partition['kafka_partition'])}'. Partition values for sink connectors need to be integers.",
        )
    return TopicPartition(_text(partition["kafka_topic"]), number)


def _sink_offset(offset: Mapping[str, Any] | None) -> int | None:
    if offset is None:
        return None
    if "kafka_offset" not in offset:
        raise RequestError(
            400, "The offset for a sink connector should either be null or contain the key 'kafka_offset'"
        )
    number = _number(offset["kafka_offset"], 64)
    if number is None:
        raise RequestError(
            400,
            "Failed to parse the following Kafka offset value in the provided offsets: "
            f"'{_text(offset['kafka_offset'])}'. Offset values for sink connectors need to be integers.",
        )
    return number


def _number(value: Any, bits: int) -> int | None:
    try:
        return parsed_integer(_text(value), bits)
    except ValueError:
        return None


def _text(value: Any) -> str:
    """A value of a body as Java prints it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class SourceOffsetTopic:
    """A source connector's offsets in their topic."""

    stores: Stores
    transactional: bool
    """Whether sources deliver by transactions."""

    def partition_offsets(self) -> list[PartitionOffset]:
        """What is committed now, in the shape that REST shows."""
        return [PartitionOffset(dict(partition), dict(offset)) for partition, offset in self.stores.read().items()]

    def write(self, changes: Sequence[PartitionOffset]) -> None:
        """Moves offsets in one transaction of task 0's producer, which fences any task that still runs; without
        transactions one after the other, and RetriableError says that some may not have been moved."""
        clients = self.stores.clients
        own = "" if self.stores.topic == self.stores.workers else self.stores.topic
        creation.create(Admin(clients.admin()), of_worker.source_offsets(clients.worker, own))
        producer = Producer(clients.source_producer() if self.transactional else clients.plain_producer())
        if self.transactional:
            producer.init_transactions(ANSWER_SECONDS)
        offsets, copy = self.stores.read(), self.stores.copy()
        written = [offsets.encode(change.partition, change.offset) for change in changes]
        if copy is not None:
            copy.forget(written)
        if self.transactional:
            producer.begin_transaction()
        failed = self._produce(producer, written)
        if self.transactional:
            producer.commit_transaction(ANSWER_SECONDS)
        elif producer.flush(ANSWER_SECONDS) or failed:
            reason = failed[0].str() if failed else "the broker does not answer"
            raise RetriableError(f"offsets were not written to {self.stores.topic}: {reason}")
        if copy is not None:
            copy.follow(written)
            copy.close()

    def _produce(self, producer: Producer, written: Written) -> list[KafkaError]:
        """Hands the records over; what the broker refuses of them shows up in the list later."""
        failed: list[KafkaError] = []

        def answered(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)

        for key, value in written:
            producer.produce(self.stores.topic, key=key, value=value, on_delivery=answered)
        return failed
