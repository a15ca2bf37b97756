"""Letters of a source on their way to the producer: as much of each record as its limits let through."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.chain.narrowing import Failure, Stage
from ferryman.config import Config
from ferryman.errors import DataError, TaskError
from ferryman.record import Record
from ferryman.task.errors.source_letter_writer import SourceLetterWriter
from ferryman.task.setup.control import Control
from ferryman.task.source.outbox import Outbox
from ferryman.task.source.source_dead_letter_queue import SourceDeadLetterQueue
from tests.chain.parts import TextConverter
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_producer import FakeProducer, Sent


def sent(*values: str, largest: int = 1000) -> list[Sent]:
    """What becomes of failures of records with these values, at a producer that takes no more bytes a value."""
    producer: Any = FakeProducer(Cluster(), largest=largest)
    send(producer, *values)
    return list(producer.queue)


def send(producer: Any, *values: str) -> SourceDeadLetterQueue:
    producer.begin_transaction()
    records = [Record(topic="t", key="k", value=value, source_offset={"at": 1}) for value in values]
    failures = [Failure(records, at, Stage.TRANSFORMATION, "T", DataError("no")) for at in range(len(values))]
    letters = SourceDeadLetterQueue("dead", SourceLetterWriter(TextConverter(Config(), "header"), False, "c", 0))
    letters.send(failures, Outbox(producer, Control(lambda event, facts: None), 3.0, 60.0))
    return letters


def test_each_failure_is_a_letter_in_its_order() -> None:
    found = sent("1", "2")
    assert [each.topic for each in found] == ["dead", "dead"]
    assert [each.value for each in found] == [b'{"schema":null,"payload":"1"}', b'{"schema":null,"payload":"2"}']
    assert {each.key for each in found} == {b'{"schema":null,"payload":"k"}'}


def test_one_that_is_too_large_goes_without_its_value() -> None:
    small, large = sent("1", "x" * 100, largest=50)
    assert small.value is not None
    assert (large.value, large.key) == (None, b'{"schema":null,"payload":"k"}')
    assert dict(large.headers)["__ferryman.errors.left.out.because.of"] == b"producer.override.max.request.size"


def test_one_that_is_too_large_with_nothing_in_it_fails_the_task_and_names_the_limit() -> None:
    with pytest.raises(TaskError, match=r"source offset \{'at': 1\}, was not written: .*max\.request\.size"):
        sent("1", largest=-1)


def test_a_refusal_that_the_client_has_not_told_yet_when_the_transaction_fails_is_waited_for() -> None:
    producer: Any = FakeProducer(Cluster())
    letters, polls = send(producer, "1"), iter([1, 2, 3])
    (letter,) = producer.queue

    def polled() -> None:
        if next(polls) == 3:
            letter.answered(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), letter)
        raise KafkaException(KafkaError(KafkaError._FATAL))

    producer.when_polled = polled
    assert "a dead letter was not written to dead" in letters.refusal(producer)


def test_where_no_letter_was_sent_there_is_nothing_to_wait_for() -> None:
    producer: Any = FakeProducer(Cluster())
    letters = send(producer)
    producer.when_polled = pytest.fail
    assert letters.refusal(producer) == ""
