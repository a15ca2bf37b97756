"""How far a topic is read: to the end that it had, and not for ever where nobody answers."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from ferryman.archives import kafka
from tests.clock import Clock

END = KafkaError._PARTITION_EOF


def record(offset: int) -> Any:
    return SimpleNamespace(error=lambda: None, offset=lambda: offset)


def failure(code: int) -> Any:
    return SimpleNamespace(error=lambda: KafkaError(code), offset=lambda: 0)


def read(end: int, *batches: Sequence[Any]) -> list[int]:
    """The offsets that are found in what a consumer is given, one batch after the other, and then nothing."""
    waiting = iter(batches)
    consumer: Any = SimpleNamespace(assign=lambda _: None, consume=lambda *_: next(waiting, ()))
    found = kafka._up_to(end, consumer, TopicPartition("t", 0, 0), lambda count: None)
    return [offset for _, offset, _ in found]


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Each look takes a second."""
    made = Clock()
    monkeypatch.setattr(kafka, "time", made)
    now = made.monotonic

    def later() -> float:
        made.pass_(1.0)
        return now()

    monkeypatch.setattr(made, "monotonic", later)
    return made


def test_a_partition_that_grows_is_read_to_the_end_that_it_had() -> None:
    assert read(3, [record(0), record(1)], [record(2), record(3)], [record(4)]) == [0, 1, 2]
    assert read(3, [record(0)], [record(7)]) == [0], "what lay before the end may be of no record"


def test_the_end_of_a_partition_is_its_end_though_no_record_lies_there() -> None:
    assert read(9, [record(0)], [], [failure(END)], [record(1)]) == [0]


def test_silence_ends_it_and_what_comes_after_a_while_does_not() -> None:
    assert read(2, [record(0)], *[[]] * 30, [record(1)]) == [0, 1]
    with pytest.raises(KafkaException) as silent:
        read(2, [record(0)])
    assert silent.value.args[0].code() == KafkaError._TIMED_OUT
