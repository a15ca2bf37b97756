"""Commits in which the sink has a part."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.api import Committed
from ferryman.errors import Indeterminate, RetriableError, TaskError
from ferryman.record import TopicPartition
from ferryman.task.sink.loop import SILENCE_SECONDS
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.loop.story import Story, a_put_begins, called, one_record_a_slice, taken, until
from tests.task.sink.recording_sink import FlushingSink


def test_a_sink_is_asked_what_is_durable_and_told_what_the_group_has(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2", b"3")
    flushing.sink.wanted = lambda offsets: {A: Committed(2, "mine")}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 3)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "committed"))

    flushing.run(story)
    assert called(flushing, "pre_commit") == [{A: 3}]
    assert flushing.cluster.committed[A] == (2, "mine")
    assert called(flushing, "committed") == [{A: Committed(2, "mine")}]


def test_what_the_sink_wants_beyond_what_it_took_is_not_committed(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.wanted = lambda offsets: {A: Committed(2)}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield from (None for _ in range(5))

    flushing.run(story)
    assert flushing.consumer.commits == []
    assert called(flushing, "committed") == []


def test_a_sink_that_cannot_say_now_is_asked_again_after_the_interval(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.errors["pre_commit"] = RetriableError("away")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        asked = flushing.clock.now
        yield from until(lambda: flushing.clock.now >= asked + TIMING.commit_interval / 2)
        assert len(called(flushing, "pre_commit")) == 1
        flushing.sink.errors.clear()
        yield from until(lambda: flushing.group_offset(A) == 1)

    flushing.run(story)


@pytest.mark.parametrize("error", [Indeterminate("who knows"), TaskError("no way"), ValueError("oops")])
def test_any_other_error_of_a_flush_ends_the_session(flushing: HandDriven, error: Exception) -> None:
    flushing.sink.errors["pre_commit"] = error

    def story() -> Story:
        flushing.consumer.give(A)
        flushing.session.request_commit()
        yield from (None for _ in range(10))

    with pytest.raises(type(error), match=str(error)):
        flushing.run(story)


def test_a_refused_commit_is_not_told_to_the_sink_and_made_again_later(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.consumer.answers.append(KafkaError.REBALANCE_IN_PROGRESS)

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield
        assert called(flushing, "committed") == []
        yield from until(lambda: called(flushing, "committed"))

    flushing.run(story)
    assert len(called(flushing, "pre_commit")) == 2


def test_a_commit_without_an_answer_ends_the_session(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.consumer.answers.append(KafkaError._TIMED_OUT)

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.session.request_commit()
        yield

    with pytest.raises(Indeterminate):
        task.run(story)


def test_a_commit_that_was_computed_before_a_rebalance_is_not_sent_after_it(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2")
    flushing.sink.wanted = lambda offsets: {}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 2)
        # The flush is under way, and the rebalance, without a revocation, comes in the same round.
        flushing.clock.pass_(SILENCE_SECONDS)
        flushing.session.request_commit()
        flushing.sink.wanted = lambda offsets: {A: Committed(2)}
        flushing.consumer.lose(A)
        flushing.consumer.give(A)
        yield
        yield
        assert flushing.consumer.commits == []

    flushing.run(story)


def test_a_busy_sink_with_no_part_in_commits_is_committed_meanwhile(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.thread.held = True
        task.fill(A, b"2")
        yield from until(lambda: task.thread.busy)
        task.session.request_commit()
        yield
        assert task.group_offset(A) == 1
        assert task.thread.busy
        assert not task.backlog.hurry
        task.thread.held = False

    task.run(story)


def test_a_busy_sink_that_has_a_part_in_commits_is_asked_to_hurry_and_flushed_before_the_next_slice(
    flushing: HandDriven,
) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(flushing, A)
        yield
        assert not flushing.backlog.hurry
        flushing.session.request_commit()
        yield
        assert flushing.backlog.hurry
        assert called(flushing, "pre_commit") == []
        flushing.fill(A, b"2")
        flushing.thread.held = False
        yield from until(lambda: flushing.group_offset(A) == 1)
        assert flushing.sink.values() == ["1"]
        yield from taken(flushing, 2)
        assert not flushing.backlog.hurry

    flushing.run(story)


def test_between_two_commits_comes_a_slice_however_short_the_interval_is(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch, FlushingSink, replace(TIMING, commit_interval=0.0))
    one_record_a_slice(task)
    task.fill(A, b"1", b"2", b"3")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 3)

    task.run(story)
    assert [committed[A].offset for committed in called(task, "committed")] == [0, 1, 2]


def test_a_sink_may_have_offsets_committed_in_the_middle_of_a_put(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.cluster.committed[A] = 0, "old"
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        assert flushing.cluster.committed[A] == (0, "length 17")
        assert called(flushing, "committed") == [{A: Committed(0, "length 17")}]

    flushing.run(story)


def test_in_the_middle_of_a_put_what_was_put_before_may_be_committed(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.fill(B, b"2")

    def during_put() -> None:
        if flushing.sink.taken:
            flushing.sink.context.commit({flushing.sink.taken[0][0]: Committed(1)})

    flushing.sink.during_put = during_put

    def story() -> Story:
        flushing.consumer.give(A, B)
        yield from taken(flushing, 2)

    flushing.run(story)
    assert list(flushing.cluster.committed.values()) == [(1, "")]


def test_a_commit_that_the_sink_needs_and_the_group_has_already_is_fine(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.cluster.committed[A] = 0, "length 17"
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)

    flushing.run(story)
    assert flushing.consumer.commits == []


def test_what_the_group_had_at_the_start_is_not_committed_again(flushing: HandDriven) -> None:
    flushing.cluster.committed[A] = 0, "mine"
    flushing.sink.wanted = lambda offsets: {A: Committed(0, "mine")}

    def story() -> Story:
        flushing.consumer.give(A)
        yield
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield from (None for _ in range(3))

    flushing.run(story)
    assert flushing.consumer.commits == []


def test_a_commit_that_the_sink_needs_and_does_not_get_ends_the_session(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.consumer.answers.append(KafkaError.ILLEGAL_GENERATION)
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(Indeterminate, match="rebalanced"):
        flushing.run(story)
    assert flushing.sink.taken == []


def test_a_sink_may_commit_before_it_opens(flushing: HandDriven, monkeypatch: pytest.MonkeyPatch) -> None:
    flushing.cluster.committed[A] = 0, ""

    def opened(partitions: Any) -> Mapping[TopicPartition, int]:
        flushing.sink.context.commit({A: Committed(0, "begun")})
        return {}

    monkeypatch.setattr(flushing.sink, "open", opened)

    def story() -> Story:
        flushing.consumer.give(A)
        yield

    flushing.run(story)
    assert flushing.cluster.committed[A] == (0, "begun")
