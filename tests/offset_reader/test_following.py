"""A topic of offsets on a real broker is read once for many, whatever others have open in it."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions

from ferryman.errors import RefusedError, RetriableError
from ferryman.offset_reader.brokers import Brokers
from ferryman.offset_reader.following import Following, Question
from ferryman.offsets.view import Entry
from tests.running import create_topic, until

CLIENT = {"group.id": "reader", "enable.auto.commit": "false", "allow.auto.create.topics": "false"}


class Reader:
    """A reader whose turns a test takes itself."""

    def __init__(self, kafka: str, topic: str) -> None:
        self.answers: dict[int, dict[bytes, bytes]] = {}
        self.errors: dict[int, RetriableError] = {}
        self.reasons: list[str] = []
        brokers = Brokers(topic, {"bootstrap.servers": kafka, **CLIENT})
        self.following = Following(topic, brokers, self)
        self.asked = 0

    def found(self, question: Question, entries: Sequence[Entry]) -> None:
        self.answers[question.ask] = dict(entries)

    def waits(self, question: Question, silence: float, reason: str) -> None:
        self.reasons.append(reason)

    def failed(self, question: Question, error: RetriableError) -> None:
        self.errors[question.ask] = error

    def ask(self, connector: str) -> int:
        """Puts a question, with its fence."""
        self.asked += 1
        self.following.fence([Question(self.asked, connector)])
        return self.asked

    def turn(self) -> bool:
        self.following.turn()
        return True

    def answer(self, ask: int) -> dict[bytes, bytes]:
        until(lambda: self.turn() and (ask in self.answers or ask in self.errors), pause=0)
        return self.answers[ask]

    def read(self, connector: str = "c") -> dict[bytes, bytes]:
        return self.answer(self.ask(connector))


@contextmanager
def reading(kafka: str, topic: str) -> Iterator[Reader]:
    made = Reader(kafka, topic)
    with closing(made.following):
        yield made


def key(connector: str, file: str = "a") -> bytes:
    return b'["%b",{"file":"%b"}]' % (connector.encode(), file.encode())


def writes(kafka: str, topic: str, *records: tuple[bytes, bytes | None], partition: int = 0) -> None:
    """One committed transaction."""
    producer = opens(kafka, topic, topic, *records, partition=partition)
    producer.commit_transaction(60)


def opens(kafka: str, topic: str, identity: str, *records: tuple[bytes, bytes | None], partition: int = 0) -> Producer:
    """A transaction that stays open."""
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{topic}-{identity}", "linger.ms": 0})
    producer.init_transactions(60)
    producer.begin_transaction()
    for name, value in records:
        producer.produce(topic, value, name, partition)
    assert producer.flush(60) == 0
    return producer


def test_each_connector_gets_its_own_of_all_partitions_and_what_came_since(kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 2, cleanup_policy="compact")
    writes(kafka, unique, (key("c"), b"1"), (key("d"), b"2"))
    writes(kafka, unique, (key("c", "b"), b"3"), partition=1)
    with reading(kafka, unique) as reader:
        assert reader.read("c") == {key("c"): b"1", key("c", "b"): b"3"}
        assert reader.read("d") == {key("d"): b"2"}
        writes(kafka, unique, (key("c"), b"4"), (key("d"), None))
        assert reader.read("c")[key("c")] == b"4"
        assert reader.read("d") == {}


def test_anothers_open_transaction_is_waited_for_only_where_it_hides_something_of_ones_own(
    kafka: str, unique: str
) -> None:
    create_topic(kafka, unique, 2, cleanup_policy="compact")
    writes(kafka, unique, (key("c"), b"1"))
    other = opens(kafka, unique, "other", (key("d"), b"1"))
    with reading(kafka, unique) as reader:
        assert reader.read("c") == {key("c"): b"1"}
        writes(kafka, unique, (key("e"), b"1"))
        assert reader.read("c") == {key("c"): b"1"}
        writes(kafka, unique, (key("c"), b"2"))
        hidden = reader.ask("c")
        until(lambda: reader.turn() and any("is open" in reason for reason in reader.reasons), pause=0)
        assert hidden not in reader.answers
        assert f"another producer's transaction is open at {unique}-0@" in reader.reasons[-1]
        other.abort_transaction(60)
        assert reader.answer(hidden) == {key("c"): b"2"}


def test_what_was_committed_before_the_question_is_never_missing(kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 1, cleanup_policy="compact")
    producer = opens(kafka, unique, "one", (key("c"), b"-1"))
    producer.commit_transaction(60)
    with reading(kafka, unique) as reader:
        for at in range(20):
            producer.begin_transaction()
            producer.produce(unique, b"%d" % at, key("c"), 0)
            producer.commit_transaction(60)
            assert reader.read() == {key("c"): b"%d" % at}


def test_a_topic_that_gets_more_partitions_or_is_made_anew_is_read_as_it_is_now(
    kafka: str, unique: str, admin: AdminClient
) -> None:
    create_topic(kafka, unique, 1, cleanup_policy="compact")
    writes(kafka, unique, (key("c"), b"1"), (key("c", "b"), b"1"))
    with reading(kafka, unique) as reader:
        assert len(reader.read()) == 2
        admin.create_partitions([NewPartitions(unique, 2)])[unique].result()
        until(lambda: len(admin.list_topics(unique, timeout=60).topics[unique].partitions) == 2)
        writes(kafka, unique, (key("c", "c"), b"1"), partition=1)
        until(lambda: len(reader.read()) == 3)
        admin.delete_topics([unique])[unique].result()
        until(lambda: unique not in admin.list_topics(timeout=60).topics)
        until(lambda: reader.read() == {})
        create_topic(kafka, unique, 1, cleanup_policy="compact")
        writes(kafka, unique, *((key("c", f"new{number}"), b"2") for number in range(5)))
        until(lambda: len(reader.read()) == 5)


def test_a_topic_that_is_empty_or_not_there_has_no_offsets(kafka: str, unique: str) -> None:
    with reading(kafka, unique) as reader:
        assert reader.read() == {}
        create_topic(kafka, unique, 1, cleanup_policy="compact")
        assert reader.read() == {}


def test_a_cluster_that_does_not_answer_is_an_error_and_no_answer(monkeypatch: pytest.MonkeyPatch, unique: str) -> None:
    monkeypatch.setattr("ferryman.offset_reader.brokers.ANSWER_SECONDS", 0.5)
    with reading("127.0.0.1:1", unique) as reader:
        ask = reader.ask("c")
        assert ask not in reader.answers
        assert not isinstance(reader.errors[ask], RefusedError)
