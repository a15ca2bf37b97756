"""Single offsets of a group are forgotten, and the others stay as they were committed."""

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from ferryman.membership.group_offsets import delete
from ferryman.record import TopicPartition as Place
from tests.membership.workers import client
from tests.running import create_topic, until

Offsets = list[tuple[int, int, str | None]]


def test_what_is_forgotten_is_gone_and_nothing_else_is_touched(kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 3)
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique, "enable.auto.commit": False})
    everything = [TopicPartition(unique, number, number + 5, f"truth {number}") for number in range(3)]

    def known() -> Offsets:
        found = consumer.committed([TopicPartition(unique, number) for number in range(3)], timeout=30)
        return [(each.partition, each.offset, each.metadata) for each in found if each.offset >= 0]

    consumer.commit(offsets=everything, asynchronous=False)
    delete(client(kafka, "w"), unique, [Place(unique, 1), Place(unique, 7), Place(f"{unique}-none", 0)])
    assert known() == [(0, 5, "truth 0"), (2, 7, "truth 2")]
    delete(client(kafka, "w"), f"{unique}-none", [Place(unique, 1)])  # a group that nobody knows has nothing to forget
    consumer.close()


def test_a_group_that_reads_the_topic_is_not_to_forget_it(kafka: str, unique: str) -> None:
    create_topic(kafka, unique)
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": unique, "enable.auto.commit": False})
    consumer.subscribe([unique])
    until(lambda: consumer.poll(0.05) or consumer.assignment())
    consumer.commit(offsets=[TopicPartition(unique, 0, 5)], asynchronous=False)
    with pytest.raises(KafkaException) as refused:
        delete(client(kafka, "w"), unique, [Place(unique, 0)])
    assert refused.value.args[0].code() == KafkaError.GROUP_SUBSCRIBED_TO_TOPIC
    consumer.close()
