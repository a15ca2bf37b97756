"""A source whose worker does not renew the task's lease: nothing is polled, produced or committed until it does."""

import threading
from collections.abc import Iterator

import pytest

from ferryman.leases.lease import UNLIMITED, Lease
from tests.task.source.test_loop import Task

ENDED = Lease(ends=0.0)


@pytest.fixture(params=[None, 5.0])
def task(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Task:
    """A task that commits each poll, and one that commits at intervals."""
    return Task(monkeypatch, interval=request.param)


def test_nothing_is_polled_without_a_lease_and_all_of_it_with_the_next(task: Task) -> None:
    task.poll("1", at=1)
    seen: list[list[str]] = []

    def renewed() -> None:
        seen.append(list(task.producer.calls))
        task.worker.renew(UNLIMITED)

    def story() -> Iterator[None]:
        task.worker.renew(ENDED)
        threading.Timer(0.05, renewed).start()
        yield
        yield

    task.run(story)
    assert seen == [[]]
    assert task.values("t") == [b"1"]
    assert task.offsets.get({"file": "a"}) == {"at": 1}


def test_a_poll_during_which_the_lease_ends_is_not_produced_by_a_task_that_is_to_stop(task: Task) -> None:
    task.poll("1", at=1)
    poll = task.feed.poll

    def poll_for_long() -> object:
        task.worker.renew(ENDED)
        threading.Timer(0.05, task.worker.wish, ["stop"]).start()
        return poll()

    task.feed.poll = poll_for_long  # type: ignore[assignment,method-assign]
    task.run(lambda: iter([None, None]))
    assert task.producer.calls == []


def test_an_open_transaction_is_aborted_when_the_task_stops_without_a_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(monkeypatch, interval=5.0)
    task.poll("1", at=1)

    def story() -> Iterator[None]:
        yield
        assert task.producer.calls == ["begin"]
        assert task.producer.queue
        threading.Timer(0.05, task.worker.wish, ["stop"]).start()
        task.worker.renew(ENDED)
        yield

    task.run(story)
    task.session.delivery.abandon()
    assert task.producer.calls == ["begin", "abort"]
