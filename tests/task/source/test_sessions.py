"""A session of a source's task: its producer, the offsets that it begins from, and who else writes them."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError

from ferryman.api import Source
from ferryman.connector import SourceConfig
from ferryman.errors import ConfigError, FencedError, TaskError
from ferryman.record import Record, TopicPartition
from tests.kafka.cluster_in_memory import failed
from tests.kafka.fake_producer import FakeProducer
from tests.task.whole_task import WholeTask

Story = Iterator[None]
OFFSETS = TopicPartition("connect-offsets", 0)
KEY = b'["c",{"file":"a"}]'


class Counter(Source[SourceConfig]):
    """Counts on from its offset, one number a poll, up to ``last``."""

    last = 2
    log: ClassVar[list[str]] = []
    error: Exception | None = None

    def start(self) -> None:
        found = self.context.offset({"file": "a"})
        self.at = found["at"] if found else 0
        self.log.append(f"start at {self.at}")

    def poll(self) -> Sequence[Record]:
        if self.at >= self.last:
            if self.error is not None:
                raise self.error
            return []
        self.at += 1
        return [Record(topic="t", value=str(self.at), source_partition={"file": "a"}, source_offset={"at": self.at})]

    def stop(self) -> None:
        self.log.append("stop")


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> WholeTask:
    monkeypatch.setattr(Counter, "last", 2)
    monkeypatch.setattr(Counter, "log", [])
    monkeypatch.setattr(Counter, "error", None)
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: 0.0)
    return WholeTask(monkeypatch, Counter)


def rounds(count: int) -> Story:
    return (None for _ in range(count))


def test_the_offsets_topic_is_created_the_last_producer_fenced_and_then_the_offsets_read(task: WholeTask) -> None:
    task.run(lambda: rounds(3))
    assert [topic.topic for topic in task.admin.created] == ["connect-offsets"]
    assert task.producers[0].calls[0] == "init"
    assert Counter.log == ["start at 0", "stop"]
    assert task.cluster.values("t") == [b"1", b"2"]
    assert task.worker.states == ["running"]


def test_it_goes_on_where_its_offsets_stand(task: WholeTask) -> None:
    task.cluster.create("connect-offsets", 1, {"cleanup.policy": "compact"})
    task.cluster.append(OFFSETS, b'{"at":1}', KEY)
    task.run(lambda: rounds(3))
    assert Counter.log[0] == "start at 1"
    assert task.cluster.values("t") == [b"2"]


def test_its_own_offsets_topic_is_used_instead_of_the_workers(task: WholeTask) -> None:
    task.run(lambda: rounds(3), offsets_storage_topic="own")
    assert [topic.topic for topic in task.admin.created] == ["own"]
    assert len(task.cluster.values("own")) == 2


def test_with_an_own_topic_the_workers_is_read_too_and_gets_copies(task: WholeTask) -> None:
    task.cluster.create("connect-offsets", 1, {"cleanup.policy": "compact"})
    task.cluster.append(OFFSETS, b'{"at":1}', KEY)
    task.run(lambda: rounds(3), offsets_storage_topic="own")
    assert Counter.log[0] == "start at 1"
    assert task.cluster.values("own") == [b'{"at":2}']
    assert task.cluster.values("connect-offsets") == [b'{"at":1}', b'{"at":2}']


def test_the_own_topic_has_the_last_word(task: WholeTask) -> None:
    for topic, at in (("connect-offsets", 0), ("own", 1)):
        task.cluster.create(topic, 1, {"cleanup.policy": "compact"})
        task.cluster.append(TopicPartition(topic, 0), b'{"at":%d}' % at, KEY)
    task.run(lambda: rounds(3), offsets_storage_topic="own")
    assert Counter.log[0] == "start at 1"


def test_without_transactions_nobody_is_fenced_and_a_stop_commits_what_is_acknowledged(task: WholeTask) -> None:
    task.settings["exactly.once.source.support"] = "disabled"
    task.run(lambda: rounds(3))
    assert task.producers[0].calls[:1] != ["init"]
    assert task.cluster.values("t") == [b"1", b"2"]
    assert task.cluster.values("connect-offsets") == [b'{"at":2}']


@pytest.mark.parametrize("config", [{"exactly_once_support": "required"}, {"transaction_boundary": "connector"}])
def test_what_a_source_cannot_do_fails_the_task_though_the_config_was_taken_once(
    task: WholeTask, config: dict[str, str]
) -> None:
    task.settings["exactly.once.source.support"] = "disabled"
    with pytest.raises(ConfigError):
        task.run(lambda: rounds(1), **config)
    assert task.producers == []


def test_after_a_failed_commit_the_next_session_reads_what_holds(task: WholeTask) -> None:
    def prepare(producer: FakeProducer) -> None:
        if not task.producers:
            producer.fails["commit"] = failed(KafkaError._TIMED_OUT)

    task.prepare = prepare
    task.run(lambda: rounds(6))
    assert Counter.log == ["start at 0", "stop", "start at 0", "stop"]
    assert task.cluster.values("t") == [b"1", b"2"]
    assert "abort" not in task.producers[0].calls, "the broker may have made that commit"


def test_what_is_open_when_the_task_fails_is_aborted(task: WholeTask) -> None:
    Counter.error = TaskError("no way")
    with pytest.raises(TaskError, match="no way"):
        task.run(lambda: rounds(9), **{"transaction.boundary": "interval"})
    assert task.producers[0].calls[-1] == "abort"
    assert Counter.log[-1] == "stop"
    assert "t" not in task.cluster.topics


@pytest.mark.parametrize("meanwhile", [None, 2, 3])
def test_after_it_was_fenced_it_goes_on_only_if_nobody_else_has_moved_its_offsets(
    task: WholeTask, meanwhile: int | None
) -> None:
    """Its transaction may have timed out, and been made or not; or a second owner has begun."""
    Counter.last = 3

    def prepare(producer: FakeProducer) -> None:
        commit = producer.commit_transaction

        def fenced(timeout: float = -1) -> None:
            if len(task.cluster.values("t")) == 1 and len(task.producers) == 1:
                if meanwhile is not None:
                    task.cluster.append(OFFSETS, b'{"at":%d}' % meanwhile, KEY)
                raise failed(KafkaError._FENCED)
            commit(timeout)

        producer.commit_transaction = fenced  # type: ignore[method-assign]

    task.prepare = prepare
    if meanwhile == 3:
        with pytest.raises(FencedError, match="another process writes the source offsets of c"):
            task.run(lambda: rounds(9))
        assert len(task.producers) == 1, "it does not fence the other one back"
    else:
        task.run(lambda: rounds(9))
        assert Counter.log[2] == ("start at 1" if meanwhile is None else "start at 2")


@pytest.mark.parametrize(
    ("config", "interval"),
    [
        ({}, None),
        ({"transaction.boundary": "poll", "transaction.boundary.interval.ms": "500"}, None),
        ({"transaction.boundary": "interval"}, 60.0 / 2),
        ({"transaction.boundary": "interval", "transaction.boundary.interval.ms": "500"}, 0.5),
        ({"transaction.boundary": "interval", "transaction.boundary.interval.ms": "0"}, 0.0),
        (
            {
                "transaction.boundary": "interval",
                "transaction.boundary.interval.ms": "9000",
                "producer.override.transaction.timeout.ms": "10000",
            },
            5.0,
        ),
    ],
)
def test_the_interval_of_commits_is_the_configs_or_the_workers_and_fits_into_a_transaction(
    task: WholeTask, monkeypatch: pytest.MonkeyPatch, config: dict[str, str], interval: float | None
) -> None:
    found: list[float | None] = []
    run = "ferryman.task.source.loop.SourceSession.run"
    monkeypatch.setattr(run, lambda session: found.append(session.delivery.interval))
    task.run(lambda: rounds(1), **config)
    assert found == [interval]


def test_an_interval_that_is_too_long_is_warned_about(task: WholeTask, caplog: pytest.LogCaptureFixture) -> None:
    config: dict[str, Any] = {"transaction.boundary": "interval", "transaction.boundary.interval.ms": "60000"}
    with caplog.at_level(logging.WARNING, "ferryman.task.source"):
        task.run(lambda: rounds(1), **config)
    assert caplog.messages == ["transaction.boundary.interval.ms is 30000, half of transaction.timeout.ms, not 60000"]
