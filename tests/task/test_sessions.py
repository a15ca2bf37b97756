"""A task's sessions one after the other: what ends only a session, and what ends the task."""

import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError

from ferryman.api import Source
from ferryman.connector import SourceConfig
from ferryman.errors import ConfigError, FencedError, Indeterminate, RefusedError, RetriableError, TaskError
from ferryman.leases.lease import UNLIMITED, Lease
from ferryman.task.sessions import PAUSE_SECONDS
from ferryman.task.setup.setup import patience
from tests.kafka.cluster_in_memory import failed
from tests.task.whole_task import WholeTask

Story = Iterator[None]


class Fragile(Source[SourceConfig]):
    """A source whose starts end as ``starts`` says; then it has nothing to hand over."""

    starts: ClassVar[list[Exception]] = []
    log: ClassVar[list[str]] = []

    def start(self) -> None:
        self.log.append("start")
        if self.starts:
            raise self.starts.pop(0)

    def poll(self) -> list[Any]:
        return []

    def stop(self) -> None:
        self.log.append("stop")


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> WholeTask:
    monkeypatch.setattr(Fragile, "starts", [])
    monkeypatch.setattr(Fragile, "log", [])
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: attempt + longest / 1000)
    return WholeTask(monkeypatch, Fragile)


def rounds(count: int) -> Story:
    return (None for _ in range(count))


def test_a_session_that_is_under_way_is_told_and_a_stop_ends_it_in_order(task: WholeTask) -> None:
    task.run(lambda: rounds(3))
    assert task.worker.states == ["running"]
    assert Fragile.log == ["start", "stop"]
    assert task.waits == []


def test_an_outage_ends_a_session_and_the_next_one_begins_after_a_growing_wait(task: WholeTask) -> None:
    Fragile.starts[:] = [RetriableError("away"), Indeterminate("who knows"), RetriableError("away", after=7.0)]
    task.run(lambda: rounds(8))
    assert Fragile.log == ["start", "stop"] * 4
    assert task.waits == [1.06, 2.06, 7.0]
    assert task.worker.states.count("running") == 1


@pytest.mark.parametrize("error", [TaskError("no way"), FencedError("taken over"), ValueError("oops")])
def test_any_other_error_ends_the_task_after_the_plugin_was_stopped(task: WholeTask, error: Exception) -> None:
    Fragile.starts[:] = [error]
    with pytest.raises(type(error), match=str(error)):
        task.run(lambda: rounds(8))
    assert Fragile.log == ["start", "stop"]


def test_an_error_of_the_client_is_an_outage_unless_trying_again_does_not_change_it(task: WholeTask) -> None:
    Fragile.starts[:] = [failed(KafkaError._TRANSPORT)]
    task.run(lambda: rounds(4))
    assert len(task.waits) == 1
    Fragile.starts[:] = [failed(KafkaError.MSG_SIZE_TOO_LARGE)]
    task.worker._wish = "run"
    with pytest.raises(TaskError):
        task.run(lambda: rounds(4))


def test_a_task_that_is_to_stop_while_it_waits_begins_no_other_session(task: WholeTask) -> None:
    Fragile.starts[:] = [RetriableError("away")] * 5

    def story() -> Story:
        yield
        task.worker.wish("stop")
        yield from rounds(5)

    task.run(story)
    assert Fragile.log == ["start", "stop"]


@pytest.mark.parametrize("error", [RetriableError("away"), RefusedError("no entry", "k"), Indeterminate("who knows")])
def test_a_task_that_is_paused_while_another_system_is_away_is_paused_and_tries_nothing(
    task: WholeTask, error: Exception
) -> None:
    Fragile.starts[:] = [error] * 9
    while_paused: list[list[str]] = []

    def story() -> Story:
        yield
        task.worker.wish("pause")
        yield
        for _ in range(5):
            while_paused.append(list(Fragile.log))
            yield
        Fragile.starts.clear()
        task.worker.wish("run")
        yield from rounds(3)

    task.run(story)
    assert while_paused == [["start", "stop"] * 2] * 5
    assert task.worker.states == ["paused", "running", "running"]
    assert Fragile.log == ["start", "stop"] * 3


def test_how_long_a_system_was_away_before_a_pause_counts_no_more_after_it(task: WholeTask) -> None:
    Fragile.starts[:] = [RetriableError("away")] * 4

    def story() -> Story:
        yield from rounds(2)
        task.worker.wish("pause")
        yield from rounds(3)
        assert [event for event, _ in task.worker.told][-2:] == ["back", "paused"]
        task.worker.wish("run")
        yield from rounds(9)

    task.run(story)
    assert [wait for wait in task.waits if wait != PAUSE_SECONDS] == [1.06, 2.06, 3.06, 1.06]


def test_a_connector_that_nobody_knows_is_refused_by_its_key(task: WholeTask) -> None:
    with pytest.raises(ConfigError, match="no connector is called Nobody") as raised:
        task.run(lambda: rounds(1), **{"connector.class": "Nobody"})
    assert raised.value.problems[0].key == "connector.class"


def test_a_task_that_has_failed_before_has_no_patience_with_who_refuses() -> None:
    config = SourceConfig.parse({"name": "c", "connector.class": "Fragile"})
    assert patience(config).tries is None
    assert patience(config, again=True).tries == 0


def test_no_session_begins_without_a_lease_since_it_would_fence_the_tasks_successor(task: WholeTask) -> None:
    begun: list[list[str]] = []

    def renewed() -> None:
        begun.append(list(Fragile.log))
        task.worker.renew(UNLIMITED)

    task.worker.renew(Lease(ends=0.0))
    threading.Timer(0.1, renewed).start()
    task.run(lambda: rounds(3))
    assert begun == [[]]
    assert Fragile.log == ["start", "stop"]
