"""What the commands read of Kafka, and write there: records of a topic, offsets of a group."""

import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions as GroupOffsets
from confluent_kafka.admin import AdminClient

from ferryman.archives.comparison import Partition
from ferryman.errors import ConfigError, TaskError
from ferryman.kafka import client_config
from ferryman.kafka.clients import QUIET
from ferryman.retry.leader import bounds
from ferryman.settings import settings
from ferryman.settings.settings import Settings

ANSWER_SECONDS = 30.0
"""How long an answer is waited for."""
SILENCE = 60.0
"""Seconds without a record, before the end, after which no more is waited for."""
_AT_ONCE = 10_000
_AT_REST = (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD)
_VAGUE = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT})
"""What a client says of brokers that are not reached, whatever keeps it from them."""


class Unreadable(TaskError):
    """Kafka does not answer, or not as it should."""


class _Heard:
    """Why a client cannot log in. Its calls do not say why: they only time out."""

    def __init__(self) -> None:
        self._reason = ""
        self.settings: dict[str, Any] = {**QUIET, "error_cb": self._hear}

    def _hear(self, error: KafkaError) -> None:
        if error.code() not in _VAGUE or not self._reason:
            self._reason = error.str()

    def unreadable(self, what: str, error: KafkaException, client: Consumer | AdminClient) -> Unreadable:
        """The error of a call, with what was heard."""
        client.poll(0)  # only this call makes it report errors
        found: KafkaError = error.args[0]
        reason = self._reason if found.code() in _VAGUE and self._reason else ""
        return Unreadable(f"{what}: {found.str()}{f' ({reason})' if reason else ''}")


def settings_of(worker: Path | None, bootstrap: str | None) -> Settings:
    """A worker's settings, for its way to Kafka and its config providers; or brokers alone. Raises ConfigError."""
    converter = "org.apache.kafka.connect.json.JsonConverter"
    if worker is not None:
        from_file = settings.source_values(worker)
        return settings.parse({"key.converter": converter, "value.converter": converter, **from_file})
    if not bootstrap:
        raise ConfigError.for_key("", "name the brokers by --bootstrap, or a worker's property file by --worker")
    return settings.parse({"bootstrap.servers": bootstrap, "key.converter": converter, "value.converter": converter})


def records(given: Settings, topic: str, told: Callable[[int], None]) -> Iterator[tuple[int, int, Message | None]]:
    """Every committed record of a topic up to the end that each partition has when it is begun, partition by partition:
    partition, offset, message.

    Each partition begins with its oldest offset and None, and ends with the offset of its end and None. ``told`` is
    called now and then with the number so far. Raises Unreadable; also when nothing comes for ``SILENCE`` seconds.
    """
    config, heard = client_config.internal_consumer(given.values, "archive", committed=True).values, _Heard()
    consumer = Consumer({**config, **heard.settings, "enable.partition.eof": True, "enable.auto.commit": False})
    try:
        for number in _partitions(consumer, topic):
            low, high = bounds(consumer, TopicPartition(topic, number), ANSWER_SECONDS)
            yield number, low, None
            if low < high:
                yield from _up_to(high, consumer, TopicPartition(topic, number, low), told)
            yield number, high, None
    except KafkaException as error:
        raise heard.unreadable(topic, error, consumer) from None
    finally:
        consumer.close()


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    found = consumer.list_topics(topic, timeout=ANSWER_SECONDS).topics[topic]
    if found.error is not None:
        raise Unreadable(f"{topic}: {found.error.str()}")
    return sorted(found.partitions)


def held(given: Settings, topic: str, told: Callable[[int], None]) -> dict[int, Partition]:
    """The offsets that a topic has, by partition. Raises Unreadable."""
    bounds: dict[int, list[int]] = {}
    offsets: dict[int, array[int]] = {}
    for number, offset, message in records(given, topic, told):
        if message is None:
            bounds.setdefault(number, []).append(offset)
        else:
            offsets.setdefault(number, array("q")).append(offset)
    return {number: Partition(low, offsets.get(number, ()), high) for number, (low, high) in bounds.items()}


def _up_to(
    end: int, consumer: Consumer, start: TopicPartition, told: Callable[[int], None]
) -> Iterator[tuple[int, int, Message]]:
    consumer.assign([start])
    count, heard = 0, time.monotonic()
    while True:
        messages = consumer.consume(_AT_ONCE, 0.2)
        for message in messages:
            error, offset = message.error(), message.offset() or 0
            if error is None and offset < end:
                count += 1
                yield start.partition, offset, message
            elif error is not None and error.code() != error._PARTITION_EOF and not error.retriable():
                raise KafkaException(error)
            # The last offsets may be of no record, and the partition may grow for ever.
            if (error is None and offset >= end - 1) or (error is not None and error.code() == error._PARTITION_EOF):
                told(count)
                return
        told(count)
        if any(message.error() is None for message in messages):
            heard = time.monotonic()
        elif time.monotonic() - heard > SILENCE:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def group_offsets(given: Settings, group: str, topic: str) -> dict[int, int]:
    """What a group has committed of a topic, by partition. Raises Unreadable."""
    heard = _Heard()
    admin = _admin(given, heard)
    try:
        answer = admin.list_consumer_group_offsets([GroupOffsets(group)], request_timeout=ANSWER_SECONDS)[
            group
        ].result()
    except KafkaException as error:
        raise heard.unreadable(f"the offsets of {group}", error, admin) from None
    found = answer.topic_partitions or []
    return {each.partition: each.offset for each in found if each.topic == topic and each.offset >= 0}


def write_offsets(given: Settings, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Commits offsets for a group without members. Raises Unreadable; also while the group has members."""
    heard = _Heard()
    admin = _admin(given, heard)
    try:
        state = admin.describe_consumer_groups([group], request_timeout=ANSWER_SECONDS)[group].result().state
        if state not in _AT_REST:
            raise Unreadable(f"the group {group} is {state.name.lower()}: stop its consumers first")
        wanted = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]
        done: Any = admin.alter_consumer_group_offsets([GroupOffsets(group, wanted)], request_timeout=ANSWER_SECONDS)
        failed = [each for each in done[group].result().topic_partitions if each.error is not None]
    except KafkaException as error:
        raise heard.unreadable(f"the group {group}", error, admin) from None
    if failed:
        raise Unreadable(f"the offset of {topic}-{failed[0].partition}: {failed[0].error.str()}")


def _admin(given: Settings, heard: _Heard) -> AdminClient:
    return AdminClient({**client_config.worker_admin(given.values).values, **heard.settings})
