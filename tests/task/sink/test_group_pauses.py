"""A sink's membership in its group, on a real broker."""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from confluent_kafka import Consumer

from ferryman.api import Assigned
from ferryman.kafka.admin import Admin
from ferryman.record import TopicPartition
from ferryman.task.sink.group import Group
from tests.running import create_topic, produce, until


class Reader:
    """Starts where the group stands, and minds nothing."""

    def assigned(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        return {each.source: each.start or 0 for each in partitions}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        pass

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        pass


@pytest.fixture
def group(kafka: str, unique: str) -> Iterator[Group]:
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique, "enable.auto.commit": False})
    made = Group(consumer, Admin({"bootstrap.servers": kafka}), Reader(), "earliest")
    yield made
    made.close()


def test_a_partition_that_went_while_it_was_paused_is_read_when_it_comes_back(
    group: Group, kafka: str, unique: str
) -> None:
    """The client remembers the pause of a partition that it no longer has; to resume nothing changes nothing."""
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one"])
    group.subscribe([unique])
    until(lambda: group.poll(10, 0.1), what="the record")
    group.pause()
    group.leave()
    group.resume()
    group.subscribe([unique])
    until(lambda: group.poll(10, 0.1), what="the record again")
