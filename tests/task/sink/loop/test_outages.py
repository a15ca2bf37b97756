"""Puts that fail: what comes again, when, and what ends the session."""

import pytest

from ferryman.errors import DataError, FencedError, Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.retry.outage import Patience
from ferryman.task.sink.sink_thread import POLL_SECONDS
from tests.task.sink.hand_driven import A, B, HandDriven
from tests.task.sink.loop.story import Story, one_record_a_slice, taken, until


def test_during_an_outage_the_same_comes_again_and_the_membership_goes_on_paused(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    task.sink.outcomes.extend([RetriableError("away", after=30.0)] * 2)

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        failed = task.clock.now
        task.fill(A, b"3")
        yield
        polls = len(task.consumer.polled_at)
        yield from until(lambda: task.clock.now >= failed + 29)
        assert task.session.group.paused
        assert len(task.consumer.polled_at) > polls + 10
        assert len(task.sink.offered) == 1
        yield from until(lambda: len(task.sink.offered) == 2)
        assert failed + 30 <= task.clock.now < failed + 31
        yield from taken(task, 3)
        assert not task.session.group.paused

    task.run(story)
    assert task.sink.values() == ["1", "2", "3"]


def test_the_wait_grows_from_try_to_try_and_begins_anew_after_a_success(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[tuple[int, float]] = []

    def delay(attempt: int, longest: float) -> float:
        tries.append((attempt, longest))
        return 1.0

    monkeypatch.setattr("ferryman.retry.backoff.delay", delay)
    task.fill(A, b"1")
    task.sink.outcomes.extend([RetriableError("away")] * 3)

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.sink.outcomes.append(RetriableError("away"))
        task.fill(A, b"2")
        yield from taken(task, 2)

    task.run(story)
    assert tries == [(1, 60.0), (2, 60.0), (3, 60.0), (1, 60.0)]


def test_a_short_wait_is_not_made_longer_by_a_poll(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(RetriableError("away", after=POLL_SECONDS / 4))

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        failed = task.clock.now
        yield from taken(task, 1)
        assert failed + POLL_SECONDS / 4 <= task.clock.now < failed + POLL_SECONDS / 2

    task.run(story)


def outages(task: HandDriven, between: list[int | Exception]) -> None:
    """The sink is away for 40 s, then ``between`` happens, then it is away again for 40 s."""
    away: list[int | Exception] = [RetriableError("away", after=20.0)] * 3
    task.sink.outcomes.extend([*away, *between, *away])


def test_retrying_is_given_up_after_the_time_that_the_config_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch, patience=Patience(retrying=60.0))
    task.fill(A, b"1")
    outages(task, [])

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: False)

    with pytest.raises(TaskError, match=r"gave up after errors\.retry\.timeout: away"):
        task.run(story)
    assert 1060 <= task.clock.now < 1062


@pytest.mark.parametrize("between", [1, Unfinished("not yet")])
def test_a_success_or_no_failure_in_between_starts_the_time_anew(
    monkeypatch: pytest.MonkeyPatch, between: int | Exception
) -> None:
    task = HandDriven(monkeypatch, patience=Patience(retrying=60.0))
    task.fill(A, b"1")
    task.fill(B, b"2")
    one_record_a_slice(task)
    outages(task, [between])

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 2)

    task.run(story)


def test_without_a_time_to_give_up_it_is_retried_for_ever(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.extend([RetriableError("away", after=10_000.0)] * 10)

    def story() -> Story:
        task.consumer.give(A)
        while not task.sink.taken:
            task.clock.pass_(5_000)
            yield

    task.run(story)


def test_a_sink_that_is_not_through_goes_on_after_the_time_it_asked_for(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.extend([Unfinished("later", after=5.0), Unfinished("at once")])

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        first = task.clock.now
        yield from until(lambda: len(task.sink.offered) == 2)
        assert first + 5 <= task.clock.now < first + 6
        second = task.clock.now
        yield from taken(task, 1)
        assert task.clock.now <= second + POLL_SECONDS

    task.run(story)


@pytest.mark.parametrize(
    "error", [Indeterminate("who knows"), TaskError("no way"), FencedError("taken over"), ValueError("oops")]
)
def test_any_other_error_of_a_put_ends_the_session(task: HandDriven, error: Exception) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(error)

    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(type(error), match=str(error)):
        task.run(story)


def test_a_guilty_record_of_a_sink_that_cannot_be_narrowed_down_ends_the_session(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(task.sink), "atomic", False)
    task.fill(A, b"poison")

    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(DataError):
        task.run(story)


def test_a_record_that_the_sink_reports_is_judged_and_delivered(task: HandDriven) -> None:
    task.fill(A, b"1", b"poison", b"2")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 2)
        task.session.request_commit()
        yield from until(lambda: task.group_offset(A) == 3)

    task.run(story)
    assert task.judge.skipped == {(A, 1)}
