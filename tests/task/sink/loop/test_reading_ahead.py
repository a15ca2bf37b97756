"""Of a backlog, the next records are read while the sink works on the last ones."""

from dataclasses import replace

import pytest

from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.loop.story import Story, a_put_begins, called, taken, until


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task that polls two records at once."""
    made = HandDriven(monkeypatch, timing=replace(TIMING, limit=2))
    made.fill(A, *[b"%d" % number for number in range(7)])
    return made


def a_full_poll_is_put(task: HandDriven) -> Story:
    yield from a_put_begins(task, A, records=2)
    assert task.thread.busy


def test_while_a_slice_of_a_full_poll_runs_one_more_poll_is_read_and_no_second(task: HandDriven) -> None:
    def story() -> Story:
        yield from a_full_poll_is_put(task)
        yield from (None for _ in range(5))
        assert task.session.ledger.lag() == 4
        assert not task.session.group.paused
        task.thread.held = False
        yield from taken(task, 7)

    task.run(story)
    assert task.sink.values() == [str(number) for number in range(7)]


def test_a_pause_holds_back_what_was_read_ahead_and_counts_it_as_not_delivered(task: HandDriven) -> None:
    def story() -> Story:
        yield from a_full_poll_is_put(task)
        task.worker.wish("pause")
        task.thread.held = False
        yield from until(lambda: task.worker.states == ["paused"])
        assert task.group_offset(A) == 2
        yield from (None for _ in range(20))
        assert task.sink.values() == ["0", "1"]
        task.worker.wish("run")
        yield from taken(task, 7)

    task.run(story)
    assert task.sink.values() == [str(number) for number in range(7)]


def test_what_was_read_ahead_of_a_partition_that_goes_is_dropped_and_its_next_owner_reads_it(task: HandDriven) -> None:
    def story() -> Story:
        yield from a_full_poll_is_put(task)
        assert task.session.ledger.lag() == 4
        task.thread.held = False
        task.consumer.take(A)
        task.consumer.give(B)
        yield from until(lambda: called(task, "close"))
        yield from (None for _ in range(5))
        assert task.group_offset(A) == len(task.sink.taken) < 7

    task.run(story)
