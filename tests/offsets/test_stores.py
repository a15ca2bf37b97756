"""A connector's own offsets topic beside the worker's: what is read, copied and forgotten where, and in which order."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.errors import RetriableError
from ferryman.kafka.clients import Clients
from ferryman.offsets.stores import Stores, WorkersCopy


class Producer:
    """Notes what is produced; the broker's answer to all of it is given."""

    def __init__(self, code: int | None = None, silent: bool = False) -> None:
        self.error = None if code is None else KafkaError(code)
        self.silent = silent
        self.produced: list[tuple[bytes, bytes | None]] = []
        self.waiting: list[Any] = []

    def produce(self, topic: str, value: bytes | None, key: bytes, on_delivery: Any) -> None:
        self.produced.append((key, value))
        self.waiting.append(on_delivery)

    def poll(self, seconds: float) -> None:
        if not self.silent:
            for answered in self.waiting:
                answered(self.error, SimpleNamespace())
            self.waiting.clear()

    def flush(self, seconds: float) -> int:
        self.poll(seconds)
        return len(self.waiting)


def copy(producer: Producer) -> WorkersCopy:
    made: Any = producer
    return WorkersCopy(made, "workers")


WRITTEN = [(b"a", b"1"), (b"b", None), (b"c", b"3")]


def test_only_what_is_forgotten_goes_first_and_only_the_rest_follows() -> None:
    producer = Producer()
    copy(producer).forget(WRITTEN)
    assert producer.produced == [(b"b", None)]
    copy(producer).follow(WRITTEN)
    assert producer.produced[1:] == [(b"a", b"1"), (b"c", b"3")]


@pytest.mark.parametrize(
    ("producer", "words"),
    [(Producer(KafkaError.TOPIC_AUTHORIZATION_FAILED), "authorization"), (Producer(silent=True), "does not answer")],
)
def test_what_cannot_be_forgotten_there_may_not_be_forgotten_at_all(producer: Producer, words: str) -> None:
    with pytest.raises(RetriableError, match=f"(?i)offsets were not forgotten in workers: .*{words}"):
        copy(producer).forget(WRITTEN)


def test_copies_that_fail_are_said_once_until_one_arrives(caplog: pytest.LogCaptureFixture) -> None:
    producer = Producer(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    made = copy(producer)
    made.follow(WRITTEN)
    made.follow(WRITTEN)
    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith("offsets are committed, but not copied to workers: ")
    producer.error = None
    made.follow(WRITTEN)
    producer.error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    made.follow(WRITTEN)
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("topic", "raw", "apart"),
    [
        ("offsets", {}, False),
        ("own", {}, True),
        ("offsets", {"producer.override.bootstrap.servers": "other:1"}, True),
        ("offsets", {"producer.override.bootstrap.servers": "one:1"}, False),
    ],
)
def test_a_topic_of_another_name_or_cluster_is_the_connectors_own(topic: str, raw: dict[str, str], apart: bool) -> None:
    clients = Clients("c", 0, {"bootstrap.servers": "one:1"}, raw, "w")
    assert Stores(clients, topic, "offsets", {}, reads=lambda client, topic, offsets: None).apart is apart
