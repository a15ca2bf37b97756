"""A source's records on their way into a producer that is full, picky or broken; the producer is played."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.chain.chain import Encoded
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Batch, Record, Rows
from ferryman.task.setup.control import Control
from ferryman.task.source.outbox import Outbox


@dataclass
class Producer:
    """Holds ``room`` messages; a poll gets one through. As librdkafka, it fails all after one that found no room."""

    room: int = 3
    limit: int = 1000
    broken: bool = False
    queue: list[bytes] = field(default_factory=list)
    written: list[bytes] = field(default_factory=list)
    polls: int = 0

    def __len__(self) -> int:
        return len(self.queue)

    def _error(self, value: bytes) -> int | None:
        if self.broken:
            return int(KafkaError._STATE)
        if len(value) > self.limit:
            return int(KafkaError.MSG_SIZE_TOO_LARGE)
        return int(KafkaError._QUEUE_FULL) if len(self.queue) >= self.room else None

    def produce_batch(self, topic: str, messages: list[dict[str, Any]], partition: int) -> int:
        full = False
        for message in messages:
            code = int(KafkaError._QUEUE_FULL) if full else self._error(message["value"])
            full = full or code == KafkaError._QUEUE_FULL
            if code is None:
                self.queue.append(message["value"])
            else:
                message["_error"] = KafkaError(code)
        return sum("_error" not in message for message in messages)

    def produce(self, topic: str, value: bytes, key: bytes, **more: Any) -> None:
        code = self._error(value)
        if code == KafkaError._QUEUE_FULL:
            raise BufferError("Local: Queue full")
        if code is not None:
            raise KafkaException(KafkaError(code))
        self.queue.append(value)

    def poll(self, wait: float) -> None:
        self.polls += 1
        if self.queue:
            self.written.append(self.queue.pop(0))


def encoded(values: list[bytes], timestamp: int | None) -> Encoded:
    records = [Record(topic="t", value=value) for value in values]
    rows = Rows(None, values)
    batch = Batch(
        topic="t", partition=None, key=rows, value=rows, timestamps=[timestamp] * len(values), origin=records,
        positions=range(len(values)),
    )  # fmt: skip
    return Encoded(batch, values, values, None)


def outbox(producer: Producer) -> Outbox:
    return Outbox(producer, Control(lambda event, facts: None))  # type: ignore[arg-type]


WAYS = pytest.mark.parametrize("timestamp", [None, 7], ids=["together", "one by one"])


@WAYS
def test_what_does_not_fit_waits_and_keeps_its_order(timestamp: int | None) -> None:
    producer = Producer()
    values = [str(number).encode() for number in range(100)]
    outbox(producer).produce(encoded(values, timestamp))
    assert producer.written + producer.queue == values
    assert producer.polls >= 97


@WAYS
def test_a_stop_ends_the_wait(timestamp: int | None) -> None:
    producer = Producer()
    box = outbox(producer)
    box.control.wish("stop")
    with pytest.raises(RetriableError):
        box.produce(encoded([b"1"] * 10, timestamp))


@WAYS
def test_a_record_that_is_larger_than_the_whole_buffer_is_refused_by_that_key(timestamp: int | None) -> None:
    with pytest.raises(
        TaskError, match=r"a record of 3 bytes for t does not fit into producer\.override\.buffer\.memory"
    ):
        outbox(Producer(room=0)).produce(encoded([b"123"], timestamp))


@WAYS
def test_a_record_that_is_too_large_is_refused_by_that_key(timestamp: int | None) -> None:
    with pytest.raises(
        TaskError, match=r"it has 9 bytes, and producer\.override\.max\.request\.size is what refuses it"
    ):
        outbox(Producer(limit=5)).produce(encoded([b"1", b"123456789", b"3"], timestamp))


@WAYS
def test_a_producer_that_has_failed_before_is_not_the_records_fault(timestamp: int | None) -> None:
    with pytest.raises(KafkaException):
        outbox(Producer(broken=True)).produce(encoded([b"1"], timestamp))
