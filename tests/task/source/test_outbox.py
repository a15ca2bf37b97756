"""The way into a producer: in order and complete, however full the producer is, and never what it refuses."""

import re
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from ferryman.chain.encoded import Encoded
from ferryman.errors import RetriableError, TaskError, TooLarge
from ferryman.kafka.refusals import behind
from ferryman.task.setup.control import Control
from ferryman.task.source.outbox import Outbox
from tests.kafka.cluster_in_memory import Cluster, failed
from tests.kafka.fake_producer import FakeProducer
from tests.running import consume, create_topic


class Way:
    """An outbox with its producer, in an open transaction."""

    def __init__(self, room: int = 1000) -> None:
        self.producer = FakeProducer(Cluster(), room)
        self.control = Control(lambda event, facts: None)
        producer: Any = self.producer
        self.outbox = Outbox(producer, self.control, grace=3.0, patience=60.0)
        self.producer.begin_transaction()

    def values(self) -> list[bytes | None]:
        return [each.value for each in (*self.producer.taken, *self.producer.queue)]


class Real:
    """An outbox with a producer for a broker."""

    def __init__(self, kafka: str, **settings: Any) -> None:
        self.answers = list[Any]()
        self.producer = Producer({"bootstrap.servers": kafka, "log_level": 0} | settings)
        self.outbox = Outbox(self.producer, Control(lambda event, facts: None), grace=3.0, patience=60.0)
        self.outbox.answered = lambda error, message: self.answers.append(error)

    def send(self, topic: str) -> None:
        self.outbox.produce(Encoded(topic, None, range(1), [None], [b"k"], [b"v"], None))


def encoded(*values: bytes | None, partition: int | None = None, timestamp: int | None = None, **more: Any) -> Encoded:
    keys = [b"k%d" % index for index in range(len(values))]
    count = len(values)
    return Encoded("t", partition, range(count), [timestamp] * count, keys, list(values), more.get("headers"))


@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}, {"headers": [[("h", b"1")]] * 5}])
def test_records_go_in_order_with_their_keys_to_the_partition_they_are_for(kind: dict[str, Any]) -> None:
    way = Way()
    way.outbox.produce(encoded(b"0", b"1", None, b"3", b"4", partition=2, **kind))
    assert way.values() == [b"0", b"1", None, b"3", b"4"]
    assert [each.key for each in way.producer.queue] == [b"k0", b"k1", b"k2", b"k3", b"k4"]
    assert {each.partition for each in way.producer.queue} == {2}
    assert {each.timestamp for each in way.producer.queue} == {kind.get("timestamp", 0)}
    assert [list(each.headers) for each in way.producer.queue] == kind.get("headers", [[]] * 5)


@pytest.mark.parametrize(("timestamp", "written"), [(None, 0), (-1, 0), (0, 1), (5, 5)])
def test_a_record_of_1970_is_written_as_that_and_only_one_without_a_time_gets_the_present(
    timestamp: int | None, written: int
) -> None:
    way = Way(room=1)
    assert way.outbox.produce(encoded(b"0", b"1", timestamp=timestamp)) == []
    sent = [*way.producer.taken, *way.producer.queue]
    assert [each.timestamp for each in sent] == [written] * 2  # librdkafka reads 0 as the present


def test_a_time_before_1970_is_its_records_fault() -> None:
    way = Way()
    given = encoded(b"0", b"1", b"2", timestamp=7)
    refused = way.outbox.produce(replace(given, timestamps=[7, -5, 7]))
    assert [(at, str(error)) for at, error in refused] == [(1, "Invalid record timestamp -5")]
    assert way.values() == [b"0", b"2"]


def test_without_a_partition_the_producer_chooses() -> None:
    way = Way()
    way.outbox.produce(encoded(b"0"))
    way.outbox.produce(encoded(b"1", timestamp=3))
    assert [each.partition for each in way.producer.queue] == [-1, -1]


@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}])
def test_a_full_producer_is_waited_for_and_nothing_is_lost_doubled_or_out_of_order(kind: dict[str, Any]) -> None:
    way = Way(room=3)
    way.outbox.produce(encoded(*[b"%d" % number for number in range(20)], **kind))
    assert way.values() == [b"%d" % number for number in range(20)]


@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}])
def test_a_stop_ends_the_wait(kind: dict[str, Any]) -> None:
    way = Way(room=3)
    way.producer.when_polled = lambda: way.control.wish("stop")
    with pytest.raises(RetriableError, match="to stop"):
        way.outbox.produce(encoded(*[b"v"] * 20, **kind))


@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}])
def test_a_record_that_finds_no_room_in_an_empty_producer_will_never_find_any(kind: dict[str, Any]) -> None:
    with pytest.raises(
        TaskError, match=r"record of 3 bytes for t does not fit into producer\.override\.buffer\.memory"
    ):
        Way(room=0).outbox.produce(encoded(b"123", **kind))


@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}, {"headers": [[("h", b"1")]] * 4}])
@pytest.mark.parametrize("room", [2, 1000])
def test_a_record_that_is_too_large_is_told_with_the_key_of_the_limit_and_the_others_go(
    kind: dict[str, Any], room: int
) -> None:
    way = Way(room)
    way.producer.largest = 5
    ((index, error),) = way.outbox.produce(encoded(b"1", b"123456", b"3", b"4", **kind))
    assert index == 1
    assert re.search(r"to t: .* 6 bytes, and producer\.override\.max\.request\.size", str(error))
    assert way.values() == [b"1", b"3", b"4"]


def test_a_single_record_that_is_too_large_is_raised() -> None:
    way = Way()
    way.producer.largest = 5
    with pytest.raises(TooLarge, match="6 bytes"):
        way.outbox.write("t", b"123456", None)


@pytest.mark.parametrize("code", [KafkaError._FATAL, KafkaError._STATE])
@pytest.mark.parametrize("kind", [{}, {"timestamp": 5}])
def test_a_producer_that_has_failed_before_is_not_the_records_fault(code: int, kind: dict[str, Any]) -> None:
    way = Way()
    way.producer.fails["produce"] = failed(code)
    with pytest.raises(KafkaException) as raised:
        way.outbox.produce(encoded(b"1", **kind))
    assert raised.value.args[0].code() == code


def test_any_other_refusal_fails_the_task() -> None:
    way = Way()
    way.producer.fails["produce"] = failed(KafkaError._INVALID_ARG, "no such thing")
    with pytest.raises(TaskError, match=r"could not be produced to t: .*no such thing"):
        way.outbox.write("t", b"v", None)


def test_a_commit_is_asked_for_until_the_broker_answers() -> None:
    way = Way()
    way.outbox.write("t", b"v", None)
    way.producer.broker_answers = False
    asked = iter(range(3))

    def answers_at_last() -> None:
        way.producer.broker_answers = next(asked) == 2

    way.producer.when_polled = answers_at_last
    way.outbox.commit()
    assert [each.value for each in way.producer.sent] == [b"v"]
    assert way.producer.calls == ["begin", "commit", "commit", "commit"]


def test_a_commit_that_the_broker_refuses_is_asked_for_once() -> None:
    way = Way()
    way.producer.fails["commit"] = failed(KafkaError.INVALID_PRODUCER_EPOCH)
    with pytest.raises(KafkaException):
        way.outbox.commit()
    assert way.producer.calls == ["begin", "commit"]


def test_a_commit_without_an_answer_ends_with_the_transactions_own_time() -> None:
    way = Way()
    way.outbox.patience = 0.0
    way.producer.broker_answers = False
    with pytest.raises(KafkaException) as raised:
        way.outbox.commit()
    assert not raised.value.args[0].txn_requires_abort()


@pytest.mark.parametrize("untaken", [True, False])
def test_a_task_that_is_to_stop_gives_up_what_the_broker_does_not_take(untaken: bool) -> None:
    """If the broker has it all the commit may be made, and nobody may abort."""
    way = Way()
    way.outbox.write("t", b"v", None)
    way.producer.poll(0) if not untaken else None
    way.producer.broker_answers = False
    way.outbox.grace = 0.0
    way.control.wish("stop")
    with pytest.raises(KafkaException) as raised:
        way.outbox.commit()
    assert raised.value.args[0].txn_requires_abort() is untaken
    assert way.producer.sent == []


def test_within_its_grace_a_task_that_is_to_stop_still_commits() -> None:
    way = Way()
    way.outbox.write("t", b"v", None)
    way.producer.broker_answers = False
    way.control.wish("stop")
    asked = iter(range(3))

    def answers_at_last() -> None:
        way.producer.broker_answers = next(asked) == 2

    way.producer.when_polled = answers_at_last
    way.outbox.commit()
    assert [each.value for each in way.producer.sent] == [b"v"]


def test_a_broker_has_each_part_of_a_record_where_it_belongs(kafka: str, unique: str) -> None:
    create_topic(kafka, unique, partitions=2)
    way = Real(kafka)
    headers = [[("h", b"1"), ("n", None)], []]
    way.outbox.produce(Encoded(unique, 1, range(2), [5, None], [b"k", None], [b"v", b"w"], headers))
    way.outbox.produce(Encoded(unique, 1, range(1), [7], [None], [None], None))
    way.producer.flush()
    found = sorted(consume(kafka, unique), key=lambda each: each.offset() or 0)
    assert [(each.key(), each.value(), each.partition(), each.headers()) for each in found] == [
        (b"k", b"v", 1, headers[0]),
        (None, b"w", 1, None),
        (None, None, 1, None),
    ]
    assert [each.timestamp()[1] for each in (found[0], found[2])] == [5, 7]
    assert found[1].timestamp()[1] > 1_700_000_000_000
    assert way.answers == [None] * 3


@pytest.mark.parametrize("moment", ["before the client asks", "after it has"])
def test_a_topic_that_no_broker_accepts_is_told_with_the_brokers_reason(kafka: str, unique: str, moment: str) -> None:
    """The client answers a produce call otherwise when it knows the topic already."""
    way, topic = Real(kafka), f"{unique} of orders"
    if moment == "after it has":
        way.producer.produce(topic, b"earlier")
        way.producer.flush()
        with pytest.raises(TaskError, match=r"does not accept a topic of that name.* of orders is not accepted"):
            way.send(topic)
    else:
        way.send(topic)
        way.producer.flush()
        (error,) = way.answers
        assert behind(error, topic, way.producer).code() == KafkaError.TOPIC_EXCEPTION


def test_a_topic_that_may_still_come_does_not_fail_the_task(kafka: str, unique: str) -> None:
    way = Real(kafka, **{"allow.auto.create.topics": False, "topic.metadata.propagation.max.ms": 10})
    way.send(unique)
    way.producer.flush()
    assert [error.code() for error in way.answers] == [KafkaError.UNKNOWN_TOPIC_OR_PART]
    with pytest.raises(KafkaException) as raised:
        way.send(unique)
    assert raised.value.args[0].code() == KafkaError._UNKNOWN_TOPIC
    create_topic(kafka, unique)
    way.producer.list_topics(unique, 10)
    way.send(unique)
    way.producer.flush()
    assert way.answers[1:] == [None]


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        ({"timestamps": [7, 1.5, 7]}, "'float' object cannot be interpreted as an integer"),
        ({"timestamps": [7, 1 << 70, 7]}, "int too big to convert"),
        ({"timestamps": [7, "noon", 7]}, "'<=' not supported"),
        ({"values": [b"0", {"a": 1}, b"2"]}, "a bytes-like object is required, not 'dict'"),
    ],
)
def test_what_the_client_cannot_write_is_its_records_fault_and_the_others_go(odd: dict[str, Any], why: str) -> None:
    way = Way()
    real = Producer({"bootstrap.servers": "127.0.0.1:1", "log_level": 0})

    def produce(topic: str, value: bytes, key: bytes, *more: Any) -> None:
        real.produce(topic, value, key, *more)
        FakeProducer.produce(way.producer, topic, value, key, *more)

    producer: Any = way.producer
    producer.produce = produce
    ((index, error),) = way.outbox.produce(replace(encoded(b"0", b"1", b"2", timestamp=7), **odd))
    assert index == 1
    assert f"Kafka's client cannot write the record: {why}" in str(error)
    assert way.values() == [b"0", b"2"]
    real.purge()
