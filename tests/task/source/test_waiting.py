"""What is due is committed while a source waits in its poll, however long that takes."""

from collections.abc import Callable, Sequence
from threading import Thread

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.record import Record
from ferryman.task.setup.control import Wish
from ferryman.task.source import waiting as waiting_module
from ferryman.task.source.waiting import Waiting
from tests.kafka.cluster_in_memory import failed
from tests.task.source.test_loop import FILE, Task


class WaitingTask(Task):
    """Commits each five seconds. Its source hands over a record, then waits for a hundred seconds in each poll."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(monkeypatch, interval=5.0)
        monkeypatch.setattr(waiting_module, "time", self.clock)
        self.stopping = self.session.waiting = Waiting(self.worker, self.session.delivery)
        self.heard: list[bool] = []
        self.polls: list[Callable[[], Sequence[Record]]] = [self.first, self.patient]
        monkeypatch.setattr(self.feed, "poll", lambda: self.polls.pop(0)() if self.polls else [])

    def first(self) -> Sequence[Record]:
        return [Record(topic="t", value="1", source_partition=FILE, source_offset={"at": 1})]

    def patient(self) -> Sequence[Record]:
        self.heard.append(self.stopping(100.0))
        return []


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> WaitingTask:
    return WaitingTask(monkeypatch)


def test_a_transaction_does_not_stand_open_for_as_long_as_a_poll_waits(task: WaitingTask) -> None:
    task.rounds(3)
    assert task.producer.calls == ["begin", "commit"]
    assert task.values("offsets") == [b'{"at":1}']
    assert task.waits == [5.0, 95.0]
    assert task.heard == [False]
    assert task.feed.commits == 1


def test_a_poll_that_waits_for_less_is_left_alone(task: WaitingTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "polls", [task.first, lambda: [] if task.stopping(4.0) else task.first()])
    task.rounds(2)
    assert task.waits == [4.0]
    assert task.producer.calls == ["begin", "commit"], "at the stop"
    assert task.values("t") == [b"1", b"1"]


def test_a_commit_that_fails_in_a_wait_ends_the_session_and_is_not_the_sources_to_catch(task: WaitingTask) -> None:
    def catching() -> Sequence[Record]:
        try:
            return task.patient()
        except Exception:
            return task.first()

    task.polls[1] = catching
    task.producer.fails["commit"] = failed(KafkaError._FENCED)
    with pytest.raises(KafkaException):
        task.rounds(2)
    assert task.heard == [True], "a source that hears so comes back at once"
    assert task.producer.sent == []


@pytest.mark.parametrize("wish", ["stop", "pause"])
def test_a_stop_or_a_pause_ends_the_wait_as_ever(
    task: WaitingTask, monkeypatch: pytest.MonkeyPatch, wish: Wish
) -> None:
    def wait(seconds: float) -> bool:
        assert task.waits == [], "it goes on waiting"
        task.waits.append(seconds)
        task.worker.wish(wish)
        return wish == "stop"

    monkeypatch.setattr(task.worker, "wait", wait)
    with task.stopping.in_poll():
        task.session.delivery.begin()
        assert task.stopping(100.0) is (wish == "stop")
    assert task.waits == [5.0]
    assert task.producer.calls == ["begin"]


def test_a_thread_of_the_sources_own_commits_nothing(task: WaitingTask) -> None:
    def threaded() -> Sequence[Record]:
        thread = Thread(target=task.patient)
        thread.start()
        thread.join()
        return []

    task.polls[1] = threaded
    task.rounds(2)
    assert task.waits == [100.0]


def test_a_source_that_ends_its_transactions_itself_is_not_asked(task: WaitingTask) -> None:
    task.ends_transactions()
    task.stopping.delivery = None
    task.rounds(2)
    assert task.waits == [100.0]
    assert "commit" not in task.producer.calls


def test_outside_of_a_poll_a_wait_is_only_a_wait(task: WaitingTask) -> None:
    task.session.delivery.begin()
    assert not task.stopping(100.0)
    assert task.waits == [100.0]
