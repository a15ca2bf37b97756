"""The offsets topic is read to the end that it had when it was asked for, whatever is in the way."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.errors import RetriableError
from ferryman.offsets import offset_topic
from ferryman.offsets.offset_topic import FIRST_WORD, NEXT_WORD, PATIENCE, GivesUp, Waiting, impatient
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.record import TopicPartition
from tests.clock import Clock
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_consumer import FakeConsumer

P0, P1 = TopicPartition("offsets", 0), TopicPartition("offsets", 1)


class Reader:
    """A cluster with an offsets topic of two partitions, and who reads it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster, self.clock = Cluster(), Clock()
        self.cluster.create("offsets", 2)
        self.consumers: list[FakeConsumer] = []
        self.while_idle: Callable[[], object] = lambda: None
        monkeypatch.setattr(offset_topic, "Consumer", self.consumer)
        monkeypatch.setattr(offset_topic, "time", self.clock)

    def consumer(self, config: Mapping[str, Any]) -> FakeConsumer:
        committed = config["isolation.level"] == "read_committed"
        made = FakeConsumer(self.cluster, self.idle, config.get("enable.partition.eof", False), committed)
        self.consumers.append(made)
        return made

    def idle(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        self.while_idle()

    def write(self, source: TopicPartition, file: str, at: int) -> None:
        self.cluster.append(source, b'{"at":%d}' % at, b'["c",{"file":"%s"}]' % file.encode())

    def read(self, gives_up: GivesUp = impatient) -> dict[str, int]:
        found = offset_topic.read({}, "offsets", SourceOffsets("c"), gives_up)
        return {partition["file"]: offset["at"] for partition, offset in found.items()}


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(monkeypatch)


def test_every_partition_is_read_to_its_end_and_the_latest_offset_holds(reader: Reader) -> None:
    for at in range(3000):
        reader.write(P0, "a", at)
    reader.write(P1, "b", 7)
    assert reader.read() == {"a": 2999, "b": 7}
    assert [consumer.closed for consumer in reader.consumers] == [True, True]


def test_what_compaction_left_of_a_topic_is_enough(reader: Reader) -> None:
    for at in range(5):
        reader.write(P0, "a", at)
    reader.cluster.trim(P0, 3)
    assert reader.read() == {"a": 4}


def test_a_topic_that_is_empty_or_not_there_has_no_offsets(reader: Reader) -> None:
    assert reader.read() == {}
    del reader.cluster.topics["offsets"]
    assert reader.read() == {}


def test_what_hides_behind_an_open_transaction_is_waited_for(reader: Reader) -> None:
    reader.write(P0, "a", 1)
    reader.write(P0, "a", 2)
    reader.cluster.open_from[P0] = 1
    began = reader.clock.now

    def ends_after_a_while() -> None:
        if reader.clock.now > began + 40:
            reader.cluster.open_from.clear()

    reader.while_idle = ends_after_a_while
    assert reader.read() == {"a": 2}
    assert reader.clock.now > began + 40


def test_older_offsets_than_were_committed_are_never_returned(reader: Reader) -> None:
    reader.write(P0, "a", 1)
    reader.write(P0, "a", 2)
    reader.cluster.open_from[P0] = 1
    with pytest.raises(
        RetriableError, match=r"open at offsets-0@1 and hides what comes after .* older offsets would repeat records"
    ):
        reader.read()
    assert PATIENCE < reader.clock.now - 1000 < PATIENCE + 1
    assert [consumer.closed for consumer in reader.consumers] == [True, True]


def test_a_caller_with_patience_of_its_own_decides_itself(reader: Reader) -> None:
    reader.write(P0, "a", 1)
    reader.cluster.open_from[P0] = 0
    with pytest.raises(RetriableError):
        reader.read(lambda silence: silence > 1000)
    assert 2000 < reader.clock.now < 2001


def test_an_error_of_the_broker_is_an_outage(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    reader.write(P0, "a", 1)
    made = reader.consumer

    def failing(config: Mapping[str, Any]) -> FakeConsumer:
        consumer = made(config)
        consumer.fail(KafkaError.UNKNOWN, reason="odd")
        return consumer

    monkeypatch.setattr(offset_topic, "Consumer", failing)
    with pytest.raises(RetriableError, match="cannot be read: odd"):
        reader.read()


# How long reading has stood still.


class Silence:
    """What a reader is told by ``look``, and when it gives up."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **ends: int) -> None:
        self.clock = Clock()
        monkeypatch.setattr(offset_topic, "time", self.clock)
        self.asked: list[float] = []
        numbered = {int(name[1:]): end for name, end in ends.items()}
        self.waiting = Waiting("offsets", numbered, self.gives_up, _since=self.clock.now)

    def gives_up(self, silence: float) -> bool:
        self.asked.append(silence)
        return silence > 100

    def look(self, later: float) -> None:
        self.clock.pass_(later)
        self.waiting.look()


def test_a_partition_is_through_when_all_before_its_end_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = Silence(monkeypatch, p0=3, p1=5).waiting
    waiting.reached(0, 2, at_end=False)
    assert waiting.ends == {0: 3, 1: 5}
    waiting.reached(0, 3, at_end=False)
    assert waiting.ends == {1: 5}
    waiting.reached(1, 7, at_end=True)
    assert waiting.ends == {}
    waiting.reached(0, 9, at_end=False)
    assert waiting.ends == {}


def test_records_and_new_ends_are_progress_and_the_same_end_again_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Silence(monkeypatch, p0=9)
    silence.look(3)
    silence.waiting.reached(0, 1, at_end=False)
    silence.look(2)
    silence.waiting.reached(0, 1, at_end=True)
    silence.look(1)
    silence.waiting.reached(0, 1, at_end=True)
    silence.look(1)
    silence.waiting.reached(0, 2, at_end=True)
    silence.look(4)
    assert silence.asked == [3, 2, 1, 2, 4]


def test_it_gives_up_when_its_caller_says_so_and_tells_what_it_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Silence(monkeypatch, p0=9, p1=9)
    with pytest.raises(RetriableError, match="the broker does not answer"):
        silence.look(101)
    silence.waiting.reached(1, 4, at_end=True)
    silence.waiting.reached(0, 2, at_end=True)
    with pytest.raises(RetriableError, match="open at offsets-0@2, offsets-1@4 and"):
        silence.look(101)


def test_when_all_is_read_nobody_is_asked_whether_to_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = Silence(monkeypatch, p0=1)
    silence.waiting.reached(0, 1, at_end=False)
    silence.look(1000)
    assert silence.asked == []


def test_a_wait_is_told_after_a_while_and_then_now_and_then(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    silence = Silence(monkeypatch, p0=9)
    silence.look(FIRST_WORD - 1)
    assert caplog.messages == []
    silence.look(1)
    silence.look(NEXT_WORD - 1)
    assert len(caplog.messages) == 1
    silence.look(1)
    assert len(caplog.messages) == 2
    silence.waiting.reached(0, 1, at_end=False)
    silence.look(FIRST_WORD)
    assert len(caplog.messages) == 3
