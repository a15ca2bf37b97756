"""Asks a partition's leader again while it changes: a consumer gives such answers back as errors."""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

LEADER_MOVING = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)
RETRY_SECONDS = 0.2
"""Seconds before brokers are asked again that do not agree yet who leads."""


def bounds(consumer: Consumer, partition: TopicPartition, within: float) -> tuple[int, int]:
    """The first offset of a partition and the one after its last. Raises KafkaException where the leader says no, or
    where there is none after so many seconds."""
    until = time.monotonic() + within
    while True:
        try:
            low, high = consumer.get_watermark_offsets(partition, timeout=max(until - time.monotonic(), RETRY_SECONDS))
            return int(low), int(high)
        except KafkaException as error:
            if error.args[0].code() not in LEADER_MOVING or time.monotonic() + RETRY_SECONDS > until:
                raise
            time.sleep(RETRY_SECONDS)
