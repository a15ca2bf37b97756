"""Messages as raw batches: what the client cannot tell of one is that record's fault."""

from typing import Any

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from ferryman.dead_letters.reading import _letter
from ferryman.kafka.raw_batches import by_partition
from tests.running import until


class Nameless(Message):
    """A message with a header whose name is not UTF-8, as the client tells of it."""

    def headers(self) -> Any:
        assert not hasattr(self, "asked"), "the client ends the process at the second call"
        self.asked = True
        raise SystemError("returned a result with an exception set")


def message(offset: int, kind: type[Message] = Message, headers: Any = None, time: tuple[int, int] = (1, 5)) -> Message:
    return kind(topic="t", partition=0, offset=offset, value=b"v", headers=headers, timestamp=time)


def test_a_header_whose_name_is_no_text_makes_its_record_unreadable_and_no_other() -> None:
    (found,) = by_partition([message(3, headers=[("a", b"1")]), message(4, Nameless), message(5)])
    assert found.headers == [[("a", b"1")], [], []]
    assert dict(found.unreadable) == {4: "the name of one of its headers is not UTF-8"}


def test_a_letter_with_such_a_header_is_shown_without_its_headers() -> None:
    assert _letter(message(3, Nameless)).headers == []


@pytest.mark.parametrize(
    ("time", "timestamp", "reason"),
    [
        ((1, 5), 5, None),
        ((1, 0), 0, None),
        ((1, -1), None, None),
        ((0, -1), None, None),
        ((1, -5), None, "Invalid record timestamp -5"),
    ],
)
def test_a_record_without_a_time_has_none(time: tuple[int, int], timestamp: int | None, reason: str | None) -> None:
    (found,) = by_partition([message(0, time=time)])
    assert (found.timestamps, found.unreadable.get(0)) == ([timestamp], reason)


def test_what_the_client_says_of_a_time_before_1970_is_understood() -> None:
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": ""})
    (broker,) = producer.list_topics(timeout=30).brokers.values()
    for time in (-1, -5):
        producer.produce("t", b"v", partition=0, timestamp=time)
        assert producer.flush(30) == 0
    consumer = Consumer({"bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "g"})
    consumer.assign([TopicPartition("t", 0, 0)])
    messages = [until(lambda: consumer.poll(0.5)) for _ in range(2)]
    consumer.close()
    (found,) = by_partition(messages)
    assert found.timestamps == [None, None]
    assert dict(found.unreadable) == {1: "Invalid record timestamp -5"}
