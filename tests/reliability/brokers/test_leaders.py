"""Where partitions end while others begin to lead them: three brokers, of which some are killed and started again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from ferryman.errors import RetriableError
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.kafka_log import KafkaLog
from ferryman.kafka.admin import Admin
from ferryman.offset_reader.brokers import Brokers, Topic
from ferryman.stack import Stack
from tests.internal_topics.logs import SOON, Received, distributed
from tests.running import produce, until

COMMITTED = IsolationLevel.READ_COMMITTED


def replicated(stack: Stack, topic: str, on: int, *others: int) -> TopicPartition:
    """A topic of one partition that the broker of this number leads as long as it is there, and then one of others."""
    order = [on, *others]
    admin = AdminClient({"bootstrap.servers": stack.addresses["kafka"]})
    admin.create_topics([NewTopic(topic, 1, replica_assignment=[order])])[topic].result()
    until(lambda: led_by(stack, topic) == on, what="its leader")
    return TopicPartition(topic, 0)


def led_by(stack: Stack, topic: str) -> int:
    """Which broker leads it."""
    admin = AdminClient({"bootstrap.servers": stack.addresses["kafka"]})
    found = admin.list_topics(topic, timeout=60).topics[topic].partitions
    return found[0].leader if found else -1


def lost(stack: Stack, topic: str, broker: int) -> None:
    """The broker dies, and another one leads what it led."""
    stack[f"kafka-{broker}"].kill()
    until(lambda: led_by(stack, topic) not in (-1, broker), what="another leader")


@dataclass(frozen=True)
class Asking:
    """Those who live long and ask where a topic ends."""

    admin: Admin
    log: KafkaLog
    received: Received
    reader: Brokers

    def all_know(self, partition: TopicPartition, *values: bytes) -> None:
        """Each of them is told of all that was written."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        assert self.admin.offsets({partition: latest}, COMMITTED, SOON) == {partition: len(values)}
        self.log.read_to_end(SOON)
        assert self.received.values == [*values]
        assert until(self._look, what="the reader of offsets to be told").ends == {0: len(values)}

    def _look(self) -> Topic | None:
        """None while the cluster is away, as whoever asks is told, and asks again."""
        with suppress(RetriableError):
            return self.reader.look()
        return None


@contextmanager
def asking(stack: Stack, topic: str) -> Iterator[Asking]:
    kafka, received = stack.addresses["kafka"], Received()
    worker = distributed(kafka, topic, config_storage_topic=topic)
    log = of_worker.config_log(worker, received)
    log.start(SOON)
    try:
        yield Asking(Admin({"bootstrap.servers": kafka}), log, received, Brokers(topic, {"bootstrap.servers": kafka}))
    finally:
        log.close()


@pytest.mark.parametrize("meanwhile", [True, False], ids=["asked while it is away too", "asked before and after"])
def test_whoever_knew_a_former_leader_of_a_partition_is_told_its_end_by_the_next_one_and_by_the_first_when_it_is_back(
    brokers: Stack, unique: str, meanwhile: bool
) -> None:
    kafka, partition = brokers.addresses["kafka"], replicated(brokers, unique, 2, 1, 3)
    with asking(brokers, unique) as those:
        those.all_know(partition)
        lost(brokers, unique, 2)
        try:
            produce(kafka, unique, [b"1"], [b"key"])
            if meanwhile:
                those.all_know(partition, b"1")
        finally:
            brokers["kafka-2"].start()
        produce(kafka, unique, [b"2"], [b"key"])
        those.all_know(partition, b"1", b"2")


@pytest.mark.parametrize("asks", ["described", "settings", "create_topic", "offsets"])
def test_whoever_asks_the_broker_that_it_holds_for_the_controller_asks_another_when_that_one_is_gone(
    brokers: Stack, unique: str, asks: str
) -> None:
    partition, admin = replicated(brokers, unique, 1, 2, 3), Admin({"bootstrap.servers": brokers.addresses["kafka"]})
    # Any broker names any that lives, at random; the client believes the last one that it was told.
    until(lambda: admin.list_topics(SOON).controller_id == 2, what="a client that holds the second for the controller")
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    ask: dict[str, tuple[Callable[[], Any], Any]] = {
        "described": (lambda: set(admin.described([unique, f"{unique}-none"], SOON)), {unique}),
        "settings": (lambda: admin.settings(unique, SOON)["cleanup.policy"].value, "delete"),
        "create_topic": (lambda: admin.create_topic(NewTopic(f"{unique}-made", 1, 3), SOON), None),
        "offsets": (lambda: admin.offsets({partition: latest}, COMMITTED, SOON), {partition: 0}),
    }
    asked, answer = ask[asks]
    brokers["kafka-2"].kill()
    try:
        assert asked() == answer
    finally:
        brokers["kafka-2"].start()


def test_an_end_that_nobody_tells_is_an_error_and_never_a_number(brokers: Stack, unique: str) -> None:
    partition, admin = replicated(brokers, unique, 2), Admin({"bootstrap.servers": brokers.addresses["kafka"]})
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    assert admin.offsets({partition: latest}, COMMITTED, SOON) == {partition: 0}
    brokers["kafka-2"].pause()
    try:
        with pytest.raises(KafkaException):
            admin.offsets({partition: latest}, COMMITTED, 0.5)
    finally:
        brokers["kafka-2"].resume()
    assert admin.offsets({partition: latest}, COMMITTED, SOON) == {partition: 0}
