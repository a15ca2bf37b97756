"""Pause and resume."""

from ferryman.api import Committed
from ferryman.errors import RetriableError
from ferryman.task.sink.pausing import TELL_AFTER_SECONDS
from ferryman.task.sink.sink_thread import POLL_SECONDS
from tests.task.sink.hand_driven import A, HandDriven
from tests.task.sink.loop.story import Story, a_put_begins, called, taken, until


def test_a_pause_stops_reading_commits_what_was_taken_and_is_told_then(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        yield from (None for _ in range(3))
        flushing.worker.wish("pause")
        flushing.fill(A, b"2")
        yield
        assert flushing.worker.states == []
        yield from until(lambda: flushing.worker.states)
        assert flushing.worker.states == ["paused"]
        assert flushing.group_offset(A) == 1
        assert called(flushing, "committed") == [{A: Committed(1)}]
        yield from (None for _ in range(20))
        assert flushing.sink.values() == ["1"]
        assert flushing.session.ledger.lag() == 0
        assert flushing.session.group.paused
        flushing.worker.wish("run")
        yield from taken(flushing, 2)
        assert flushing.worker.states == ["paused", "running"]

    flushing.run(story)


def test_a_pause_is_told_when_what_was_taken_is_committed_though_the_sink_has_no_part_in_it(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        yield from a_put_begins(task, A, records=2)
        task.worker.wish("pause")
        yield
        assert task.worker.states == []
        task.thread.held = False
        yield from until(lambda: task.worker.states)
        assert task.group_offset(A) == 2

    task.run(story)
    assert task.worker.states == ["paused"]


def test_what_was_polled_before_a_pause_is_put_after_it(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    task.sink.outcomes.append(RetriableError("away", after=1.0))

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        task.worker.wish("pause")
        yield from (None for _ in range(50))
        assert task.worker.states == ["paused"]
        assert len(task.sink.offered) == 1
        task.worker.wish("run")
        yield from taken(task, 2)

    task.run(story)


def test_a_pause_is_told_in_the_end_though_a_put_goes_on(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(task, A)
        began = task.clock.now
        task.worker.wish("pause")
        yield from until(lambda: task.worker.states)
        assert began + TELL_AFTER_SECONDS <= task.clock.now < began + TELL_AFTER_SECONDS + 2 * POLL_SECONDS
        task.thread.held = False

    task.run(story)
    assert task.worker.states == ["paused"]


def test_a_pause_that_is_taken_back_before_it_was_told_is_not_told(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(task, A)
        task.worker.wish("pause")
        yield
        task.worker.wish("run")
        yield
        task.worker.wish("pause")
        began = task.clock.now
        yield from until(lambda: task.worker.states)
        assert task.clock.now >= began + TELL_AFTER_SECONDS
        task.thread.held = False

    task.run(story)
