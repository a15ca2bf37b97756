"""What the group hears, and what a stop does, while a slice runs."""

import pytest

from ferryman.errors import TaskError
from ferryman.task.sink.loop import SILENCE_SECONDS
from ferryman.task.sink.sink_thread import POLL_SECONDS, StillBusy
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.loop.story import Story, a_put_begins, called, taken, until


def test_while_a_slice_runs_the_group_is_heard_but_hands_out_nothing(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.ledger.lag() == 1)
        task.thread.held = True
        task.fill(A, b"2")
        polls, began = len(task.consumer.polled_at), task.clock.now
        yield from until(lambda: task.clock.now >= began + SILENCE_SECONDS - 2 * POLL_SECONDS)
        assert len(task.consumer.polled_at) == polls
        yield from until(lambda: task.clock.now >= began + 3 * SILENCE_SECONDS + 1)
        assert len(task.consumer.polled_at) == polls + 3
        assert task.consumer.polled_at[polls:] == [0.0] * 3
        assert task.session.ledger.lag() == 1
        task.thread.held = False
        yield from taken(task, 2)

    task.run(story)


def test_while_a_flush_runs_the_group_is_heard_but_hands_out_nothing(flushing: HandDriven) -> None:
    def story() -> Story:
        flushing.consumer.give(A)
        yield
        flushing.thread.held = True
        flushing.session.request_commit()
        yield from until(lambda: flushing.thread.busy)
        flushing.fill(A, b"1")
        polls = len(flushing.consumer.polled_at)
        yield from until(lambda: len(flushing.consumer.polled_at) == polls + 2)
        assert flushing.session.ledger.lag() == 0
        flushing.thread.held = False
        yield from taken(flushing, 1)

    flushing.run(story)


def test_a_stop_waits_for_the_slice_that_runs(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(task, A)
        task.thread.held = False

    task.run(story)
    assert task.sink.values() == ["1"]
    assert not task.thread.busy


def test_a_stop_ends_a_slice_between_two_puts(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.fill(B, b"2")

    def story() -> Story:
        yield from a_put_begins(task, A, B, records=2)
        task.thread.held = False

    task.run(story)
    assert len(task.sink.taken) == 1


def test_a_stop_that_a_slice_holds_up_for_too_long_is_the_end_of_the_process(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(task, A)

    with pytest.raises(StillBusy):
        task.run(story)
    assert task.clock.now >= 1000 + TIMING.revocation


def test_a_revocation_that_the_sink_holds_up_gives_its_partitions_to_nobody(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.thread.held = True
        flushing.consumer.take(A)
        yield
        yield

    with pytest.raises(StillBusy):
        flushing.run(story)
    assert called(flushing, "close") == []


def test_an_error_of_the_last_slice_comes_out_of_a_stop(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(TaskError("no way"))

    def story() -> Story:
        yield from a_put_begins(task, A)
        task.thread.held = False

    with pytest.raises(TaskError, match="no way"):
        task.run(story)
