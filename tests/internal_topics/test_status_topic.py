"""Statuses are written without anybody waiting; of those that wait for Kafka only the newest of a key is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.facts.states import State
from ferryman.facts.statuses import Statuses, StoredStatus, TaskStatusRecord, TopicUse, TopicUseRecord, encode
from ferryman.internal_topics import of_worker, status_topic
from ferryman.internal_topics.kafka_log import LogRecord
from ferryman.internal_topics.status_topic import StatusWriter
from ferryman.retry import backoff
from tests.internal_topics.logs import SOON, distributed, make
from tests.kafka.cluster_in_memory import failed


def task(state: State, worker: str = "me:1", generation: int = 1) -> TaskStatusRecord:
    return TaskStatusRecord("c", 0, StoredStatus(state, worker, generation))


def test_what_is_put_is_read_by_others_and_may_not_be_overtaken_by_what_is_older(kafka: str, unique: str) -> None:
    worker, known = distributed(kafka, unique), Statuses()
    make(kafka, worker.distributed.status_storage_topic, 5)

    def received(records: Sequence[LogRecord]) -> None:
        for record in status_topic.decoded(records):
            known.apply(record)

    log = of_worker.status_log(worker, received)
    log.start()
    writer = of_worker.status_writer(worker, known.may_put)
    try:
        use = TopicUseRecord("c", "t", TopicUse(0, 1))
        writer.put(task(State.RUNNING, "other:1", generation=2))
        writer.put(use)
        assert writer.flush(SOON)
        log.read_to_end(SOON)
        assert known.topics("c") == {"t": TopicUse(0, 1)}
        writer.put(task(State.FAILED, generation=1), safe=True)
        assert writer.flush(SOON)
        log.read_to_end(SOON)
        assert known.tasks("c")[0].state is State.RUNNING
        writer.put(task(State.FAILED, generation=2), safe=True)
        writer.put(TopicUseRecord("c", "t", None), safe=True)
        assert writer.flush(SOON)
        log.read_to_end(SOON)
        assert (known.tasks("c")[0].state, known.topics("c")) == (State.FAILED, {})
    finally:
        assert writer.close(SOON)
        log.close()


@dataclass
class Away:
    """A producer whose broker takes what it is told to, when it is told to."""

    sent: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    _told: list[Callable[[Any, Any], None]] = field(default_factory=list)
    answers: list[int | None] = field(default_factory=list)
    """An error code, or None, for each record that was sent."""
    full: bool = False

    def produce(self, topic: str, value: bytes | None, key: bytes, on_delivery: Callable[[Any, Any], None]) -> None:
        if self.full:
            self.full = False
            raise BufferError
        if value is not None and len(value) > 1000:
            raise KafkaException(failed(KafkaError.MSG_SIZE_TOO_LARGE).args[0])
        self.sent.append((key, value))
        self._told.append(on_delivery)

    def poll(self, timeout: float) -> int:
        while self.answers and self._told:
            code = self.answers.pop(0)
            self._told.pop(0)(None if code is None else failed(code).args[0], None)
        return 0

    def purge(self) -> None:
        pass


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> Away:
    made = Away()
    monkeypatch.setattr(status_topic, "Producer", lambda config: made)
    monkeypatch.setattr(backoff, "delay", lambda attempt, longest: 0.001)
    return made


def settled(writer: StatusWriter, away: Away, *states: State) -> None:
    assert writer.flush(SOON)
    assert away.sent == [encode(task(state)) for state in states]
    assert writer.close(SOON)


def test_a_record_that_was_not_taken_is_sent_again(away: Away) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    away.answers = [KafkaError._MSG_TIMED_OUT, KafkaError.NOT_ENOUGH_REPLICAS, None]
    writer.put(task(State.RUNNING))
    settled(writer, away, State.RUNNING, State.RUNNING, State.RUNNING)


def test_while_one_is_on_its_way_only_the_newest_of_those_that_wait_is_kept(away: Away) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    for state in (State.RUNNING, State.PAUSED, State.FAILED):
        writer.put(task(state))
        while not away.sent:
            writer.flush(0.01)
    assert not writer.flush(0.01)
    away.answers = [None, None]
    settled(writer, away, State.RUNNING, State.FAILED)


def test_one_that_was_not_taken_gives_way_to_a_newer_wish(away: Away) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    writer.put(task(State.RUNNING))
    while not away.sent:
        writer.flush(0.01)
    writer.put(task(State.FAILED))
    away.answers = [KafkaError._MSG_TIMED_OUT, None]
    settled(writer, away, State.RUNNING, State.FAILED)


def test_a_safe_one_is_not_sent_again_when_somebody_else_has_spoken_meanwhile(away: Away) -> None:
    known = Statuses()
    writer = StatusWriter("t", {}, known.may_put)
    writer.put(task(State.FAILED), safe=True)
    while not away.sent:
        writer.flush(0.01)
    known.apply(task(State.RUNNING, "other:1", generation=2))
    away.answers = [KafkaError._MSG_TIMED_OUT]
    settled(writer, away, State.FAILED)


def test_what_the_broker_refuses_for_good_is_told_and_given_up(away: Away, caplog: pytest.LogCaptureFixture) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    writer.put(TaskStatusRecord("c", 0, StoredStatus(State.FAILED, "me:1", 1, trace="x" * 2000)))
    assert writer.flush(SOON)
    away.answers = [KafkaError.TOPIC_AUTHORIZATION_FAILED]
    writer.put(task(State.RUNNING))
    settled(writer, away, State.RUNNING)
    assert caplog.text.count("a status could not be written") == 2


def test_a_full_queue_is_waited_for(away: Away) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    away.full, away.answers = True, [None]
    writer.put(task(State.RUNNING))
    settled(writer, away, State.RUNNING)


def test_closing_gives_up_what_kafka_does_not_take_in_time(away: Away) -> None:
    writer = StatusWriter("t", {}, Statuses().may_put)
    writer.put(task(State.RUNNING))
    assert not writer.close(0.01)
