"""A sink whose worker does not renew the task's lease: nothing is put and nothing committed until it does."""

from collections.abc import Callable, Iterator

import pytest

from ferryman.api import Committed
from ferryman.errors import Unfinished
from ferryman.leases.lease import UNLIMITED, Lease
from ferryman.task.sink.pausing import LeaseOver
from tests.task.sink.hand_driven import TIMING, A, HandDriven
from tests.task.sink.recording_sink import FlushingSink

Story = Iterator[None]
ENDED = Lease(ends=0.0)


@pytest.fixture(params=["plain", "flushing"])
def task(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task whose sink has no part in commits, and one whose sink says itself what is durable."""
    return HandDriven(monkeypatch, FlushingSink) if request.param == "flushing" else HandDriven(monkeypatch)


def until(condition: Callable[[], object]) -> Story:
    for _ in range(1000):
        if condition():
            return
        yield
    raise AssertionError("not within so many rounds")


def some_rounds(task: HandDriven) -> Story:
    for _ in range(5):
        task.clock.pass_(TIMING.commit_interval)
        yield


def test_nothing_is_put_without_a_lease_and_all_of_it_with_the_next(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        task.worker.renew(ENDED)
        task.consumer.give(A)
        yield from some_rounds(task)
        assert task.sink.values() == []
        task.worker.renew(UNLIMITED)
        yield from until(lambda: len(task.sink.taken) == 2)

    task.run(story)
    assert task.sink.values() == ["1", "2"]
    assert "paused" not in task.worker.states


def test_what_was_put_is_not_committed_without_a_lease_but_with_the_next(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.taken)
        task.worker.renew(ENDED)
        yield from some_rounds(task)
        assert task.consumer.commits == []
        task.worker.renew(UNLIMITED)
        yield from until(lambda: task.group_offset(A) == 1)

    task.run(story)


def test_partitions_that_go_without_a_lease_go_without_a_commit(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.taken)
        task.worker.renew(ENDED)
        task.consumer.take(A)
        yield from some_rounds(task)

    task.run(story)
    assert task.consumer.commits == []


def test_a_task_that_is_stopped_without_a_lease_commits_nothing(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.taken)
        task.worker.renew(ENDED)

    task.run(story)
    task.consumer.close()
    assert task.consumer.commits == []


def test_a_sink_that_needs_a_commit_is_put_off_until_there_is_a_lease(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.taken)
        task.worker.renew(ENDED)
        assert not task.sink.context.leased()
        with pytest.raises(Unfinished, match="lease"):
            task.sink.context.commit({A: Committed(1)})
        task.worker.renew(UNLIMITED)
        assert task.sink.context.leased()
        task.sink.context.commit({A: Committed(1)})

    task.run(story)
    assert task.group_offset(A) == 1


def test_what_was_held_when_another_worker_might_have_the_task_is_not_gone_on_with_though_the_lease_comes_back(
    task: HandDriven,
) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.taken)
        task.worker.renew(Lease(ends=0.0, over=0.0))
        task.session.lost([A])
        task.worker.renew(UNLIMITED)
        yield from some_rounds(task)

    with pytest.raises(LeaseOver):
        task.run(story)
    assert task.consumer.commits == []
