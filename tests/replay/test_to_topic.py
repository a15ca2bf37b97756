"""Letters on their way back to topics: what cannot go holds none of the others up, and is not marked."""

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.errors import DataError, RequestError, RetriableError
from ferryman.record import Coordinates
from ferryman.replay import marks, request
from ferryman.replay.choosing import Chosen
from ferryman.replay.marks import Marks, Writing
from ferryman.replay.outgoing import AsTheyWere, Going, Homed, Outgoing, Way
from ferryman.replay.to_topic import Sending
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_producer import FakeProducer

CLOSED = frozenset({"dlq", "dlq-replayed", "connect-configs"})


def letter(offset: int, value: bytes = b"v", topic: str = "t") -> DeadLetter:
    headers = [("__connect.errors.topic", topic.encode()), ("__connect.errors.partition", b"0")]
    headers.append(("__connect.errors.offset", str(offset).encode()))
    return parsed(Coordinates("dlq", 0, offset), 5, b"k", value, headers)


def sent(
    letters: list[DeadLetter], way: Way, producer: FakeProducer, refusals: list[str] | None = None
) -> tuple[int, dict[str, int]]:
    """How many went, and what was passed over; what brokers have said against it is added to the list."""
    refusals = [] if refusals is None else refusals
    chosen = Chosen(request.parsed({"all": True, "to_topic": True}, "c"), "", {}, CLOSED)
    chosen.add(letters)
    clients: Any = None
    writing = Writing(Marks(clients, "dlq", "id"), producer)  # type: ignore[arg-type]
    sending = Sending(writing, chosen, way, CLOSED)
    sending.send(letters, time.monotonic() + 3600)
    refusals.extend(sorted(sending.refusals))
    return sending.sent, dict(chosen.told)


class Each:
    """A way that a test makes of what becomes of one letter."""

    def __init__(self, one: Callable[[DeadLetter, str], Going]) -> None:
        self._one = one

    def checked(self) -> None:
        """Nothing speaks against it."""

    def going(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
        return [self._one(*each) for each in letters]


def went(producer: FakeProducer, topic: str) -> list[Any]:
    return [each for each in producer.sent if each.topic == topic]


def test_what_is_too_large_or_cannot_be_edited_stays_unmarked_and_the_others_go() -> None:
    def edited(letter: DeadLetter, topic: str) -> Going:
        if letter.value == b"bad":
            return DataError("no")
        return [Outgoing(topic, None, letter.key, letter.value, (), None)]

    producer = FakeProducer(Cluster(), largest=100)
    letters = [letter(1), letter(2, b"x" * 101), letter(3, b"bad"), letter(4)]
    assert sent(letters, Each(edited), producer) == (2, {"refused": 2})
    assert [each.value for each in went(producer, "t")] == [b"v", b"v"]
    assert [each.key for each in went(producer, "dlq-replayed")] == [b"id/0-1", b"id/0-4"]
    assert json.loads(went(producer, "dlq-replayed")[0].value)["topic"] == "t"


def test_of_a_letter_that_becomes_several_records_all_go_or_none() -> None:
    def two(letter: DeadLetter, topic: str) -> Going:
        return [Outgoing(topic, None, letter.key, value, (), None) for value in (b"small", letter.value)]

    producer = FakeProducer(Cluster(), largest=100)
    assert sent([letter(1), letter(2, b"x" * 101), letter(3)], Each(two), producer) == (2, {"refused": 1})
    assert [each.value for each in went(producer, "t")] == [b"small", b"v"] * 2
    assert [each.key for each in went(producer, "dlq-replayed")] == [b"id/0-1", b"id/0-3"]


def test_records_that_the_broker_does_not_take_are_found_among_the_others_and_stay_unmarked() -> None:
    producer, refusals = FakeProducer(Cluster()), list[str]()
    producer.refused = lambda each: KafkaError.MSG_SIZE_TOO_LARGE if len(each.value or b"") == 500 else None
    letters = [letter(number, b"x" * (500 if number in (3, 17) else 5)) for number in range(40)]
    assert sent(letters, AsTheyWere(), producer, refusals) == (38, {"refused": 2})
    marked = [each.key for each in went(producer, "dlq-replayed")]
    assert len(went(producer, "t")) == len(marked) == 38
    assert not {b"id/0-3", b"id/0-17"} & set(marked)
    (refusal,) = refusals
    assert refusal.startswith("t: ")
    assert "t's max.message.bytes is the limit; raise it" in refusal


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (None, "there is no such topic, and the brokers do not create topics by themselves; create it"),
        (
            KafkaError._UNKNOWN_TOPIC,
            "there is no such topic, and the brokers do not create topics by themselves; create it",
        ),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "needs the right to write to shut"),
    ],
)
def test_a_topic_that_takes_nothing_is_named_and_holds_no_other_up(
    code: int | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "TOPIC_SECONDS", 0.0)
    producer, refusals = FakeProducer(Cluster()), list[str]()
    if code is None:
        producer.absent = {"shut"}
    producer.refused = lambda each: code if each.topic == "shut" else None
    letters = [letter(number, topic="shut" if number % 2 else "t") for number in range(10)]
    assert sent(letters, AsTheyWere(), producer, refusals) == (5, {"refused": 5})
    assert [each.topic for each in producer.sent] == ["t", "dlq-replayed"] * 5
    (refusal,) = refusals
    assert refusal.startswith("shut: ")
    assert words in refusal


@pytest.mark.parametrize("topic", ["__consumer_offsets", "connect-configs", "dlq", "dlq-replayed"])
def test_whoever_writes_letters_writes_to_no_internal_topic_by_them(topic: str) -> None:
    producer = FakeProducer(Cluster())
    chosen = Chosen(request.parsed({"letters": ["0-1"], "to_topic": True}, "c"), "", {}, CLOSED)
    with pytest.raises(RequestError, match=f"says of its record that it was in {topic}, an internal topic"):
        chosen.add([letter(1, topic=topic)])
    passed_over = {"internal": 1}
    assert sent([letter(1, topic=topic), letter(2)], AsTheyWere(), producer) == (1, passed_over)

    def routed(letter: DeadLetter, home: str) -> list[Outgoing]:
        return [Outgoing(topic, None, None, b"{}", (), None)]

    assert sent([letter(3)], Each(routed), producer) == (0, {"refused": 1})
    assert [each.key for each in producer.sent] == [b"k", b"id/0-2"]


def test_what_there_was_no_time_for_stays_unmarked_and_is_not_passed_over() -> None:
    class First(Each):
        """A way that comes to an end after a letter."""

        def going(self, letters: Sequence[Homed], until: float) -> Sequence[Going]:
            return super().going(letters[:1], until)

    producer = FakeProducer(Cluster())
    only = First(lambda letter, topic: [Outgoing(topic, None, None, b"v", (), None)])
    assert sent([letter(1), letter(2)], only, producer) == (1, {})
    assert [each.key for each in went(producer, "dlq-replayed")] == [b"id/0-1"]


@pytest.mark.parametrize(
    "error", [RetriableError("the registry is away"), KafkaException(KafkaError(KafkaError._STATE))]
)
def test_what_is_no_fault_of_a_letter_sends_and_marks_nothing_of_its_transaction(error: Exception) -> None:
    producer = FakeProducer(Cluster())

    def way(one: DeadLetter, topic: str) -> list[Outgoing]:
        if one.id == "0-2":
            raise error
        return [Outgoing(topic, None, None, b"v", (), None)]

    with pytest.raises(type(error)):
        sent([letter(1), letter(2)], Each(way), producer)
    assert producer.sent == []
