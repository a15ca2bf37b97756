"""What Kafka tells a run of its live connector: real offsets of a group, real ends, real marks of transactions."""

import contextlib
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.errors import RetriableError
from ferryman.kafka.admin import Admin
from ferryman.record import TopicPartition
from ferryman.task.sink.runs.live_topics import LiveTopics
from tests.running import create_topic, produce, until


@pytest.fixture
def topics(kafka: str, unique: str) -> Iterator[LiveTopics]:
    create_topic(kafka, unique, partitions=2)
    reader = {"bootstrap.servers": kafka, "group.id": unique}
    made = LiveTopics(reader, Admin({"bootstrap.servers": kafka}))
    yield made
    made.close()


def test_it_knows_what_the_group_has_committed_and_where_partitions_end(
    topics: LiveTopics, kafka: str, unique: str
) -> None:
    one, other = TopicPartition(unique, 0), TopicPartition(unique, 1)
    produce(kafka, unique, [b"a", b"b", b"c"], partition=0)
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique, "enable.auto.commit": False})
    consumer.commit(offsets=[ClientPartition(unique, 0, 2)], asynchronous=False)
    found = topics.committed([one, other])
    assert found == topics.all_committed() == {one: 2}
    assert topics.ends(found) == {one: 3}
    assert topics.ends({}) == {}
    assert not topics.is_read()
    consumer.subscribe([unique])
    until(lambda: consumer.poll(0.1) is not None, what="a record for its member")
    assert topics.is_read()
    consumer.close()
    until(lambda: not topics.is_read())


def test_marks_of_transactions_are_told_from_records(topics: LiveTopics, kafka: str, unique: str) -> None:
    source = TopicPartition(unique, 0)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": unique})
    producer.init_transactions()
    for commits in (True, False):
        producer.begin_transaction()
        producer.produce(unique, b"x", partition=0)
        producer.flush()
        producer.commit_transaction() if commits else producer.abort_transaction()
    assert told(topics, source, 0) is None
    assert told(topics, source, 1) == topics.ends({source: 1})[source] == 4


def told(topics: LiveTopics, source: TopicPartition, offset: int) -> int | None:
    """What is behind an offset, however slow the broker is."""
    found: list[int | None] = []

    def probe() -> bool:
        with contextlib.suppress(RetriableError):
            found.append(topics.behind(source, offset))
        return bool(found)

    until(probe)
    return found[0]
