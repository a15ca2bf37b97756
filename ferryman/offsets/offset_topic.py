"""Reads and creates the topic that holds source offsets."""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from ferryman.errors import ConfigError, RetriableError, TaskError
from ferryman.offsets.source_offsets import SourceOffsets


def read(config: Mapping[str, Any], topic: str, offsets: SourceOffsets, patience: float = 60.0) -> SourceOffsets:
    """Loads every committed offset of the connector. ``config`` is a consumer's, for the cluster that has the topic.

    What was committed last may hide behind another connector's open transaction, because read_committed stops there.
    So the end is asked for without isolation, and reading goes on until it is reached; TaskError if that takes longer
    than ``patience`` seconds. It never returns older offsets than were committed when it was called.
    """
    ends = _ends(config, topic)
    consumer = Consumer({**config, "isolation.level": "read_committed", "enable.partition.eof": True})
    try:
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
        _load(consumer, {partition: end for partition, end in ends.items() if end > 0}, offsets, patience)
    finally:
        consumer.close()
    return offsets


def _ends(config: Mapping[str, Any], topic: str) -> dict[int, int]:
    consumer = Consumer({**config, "isolation.level": "read_uncommitted"})
    try:
        found = consumer.list_topics(topic, timeout=30).topics[topic]
        if found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return {}
        if found.error is not None:
            raise RetriableError(f"the offsets topic {topic} cannot be read: {found.error.str()}")
        return {
            partition: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=30)[1]
            for partition in found.partitions
        }
    finally:
        consumer.close()


def _load(consumer: Consumer, ends: dict[int, int], offsets: SourceOffsets, patience: float) -> None:
    deadline = time.monotonic() + patience
    while ends:
        if time.monotonic() > deadline:
            raise TaskError(
                f"the offsets topic could not be read to its end within {patience:.0f} s; another connector's open "
                "transaction may be in the way. Starting from older offsets would repeat records."
            )
        for message in consumer.consume(1000, 0.1):
            error = message.error()
            if error is None:
                offsets.load(_bytes(message.key()), _bytes(message.value()))
                reached = (message.offset() or 0) + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                reached = message.offset() or 0
            else:
                raise RetriableError(f"the offsets topic cannot be read: {error.str()}")
            partition = message.partition()
            if partition in ends and reached >= ends[partition]:
                del ends[partition]


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def create(admin: AdminClient, topic: str, partitions: int, replication_factor: int) -> None:
    """Creates the topic compacted if it is missing; ConfigError if one is there that forgets (cleanup.policy)."""
    if topic not in admin.list_topics(timeout=30).topics:
        wanted = NewTopic(topic, partitions, replication_factor, config={"cleanup.policy": "compact"})
        try:
            admin.create_topics([wanted])[topic].result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise RetriableError(f"the offsets topic {topic} cannot be created: {error.args[0].str()}") from error
    policy = _cleanup_policy(admin, topic)
    if policy not in ("compact", None):
        raise ConfigError.of(
            "offset.storage.topic",
            f"Topic '{topic}' supplied via the 'offset.storage.topic' property is required to have "
            f"'cleanup.policy=compact' to guarantee consistency and durability of source connector offsets, "
            f"but found the topic currently has 'cleanup.policy={policy}'.",
        )


def _cleanup_policy(admin: AdminClient, topic: str) -> str | None:
    resource = ConfigResource(ResourceType.TOPIC, topic)
    try:
        found = admin.describe_configs([resource])[resource].result()
    except KafkaException:
        return None
    entry = found.get("cleanup.policy")
    return None if entry is None else str(entry.value)
