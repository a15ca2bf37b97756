"""Partitions that are taken away, lost, or come back."""

import pytest

from ferryman.errors import RetriableError, TaskError
from ferryman.record import TopicPartition
from ferryman.task.sink.loop import SILENCE_SECONDS
from ferryman.task.sink.sink_thread import StillBusy
from tests.task.sink.hand_driven import A, B, HandDriven
from tests.task.sink.loop.story import Story, a_put_begins, called, one_record_a_slice, taken, until


def revoked_while_it_runs(task: HandDriven, *sources: TopicPartition) -> None:
    """In the next round the loop polls and hears of a revocation; the slice ends when it is waited for."""
    task.consumer.take(*sources)
    task.clock.pass_(SILENCE_SECONDS)
    task.thread.look = lambda seconds: None  # type: ignore[method-assign]
    task.thread.held = False


def test_a_revocation_waits_for_the_running_slice_drops_the_rest_and_commits_what_was_taken(
    flushing: HandDriven,
) -> None:
    one_record_a_slice(flushing)
    flushing.fill(A, b"1", b"2", b"3")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.thread.held = True
        yield
        revoked_while_it_runs(flushing, A)
        yield from until(lambda: called(flushing, "close"))

    flushing.run(story)
    assert flushing.sink.values() == ["1", "2"]
    assert flushing.group_offset(A) == 2
    assert [name for name, _ in flushing.sink.calls][-3:] == ["pre_commit", "committed", "close"]
    assert not flushing.backlog
    assert flushing.session.ledger.partitions == ()


def test_a_revocation_that_a_slice_holds_up_for_too_long_is_the_end_of_the_process_and_commits_nothing(
    task: HandDriven,
) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        yield from a_put_begins(task, A)
        task.consumer.take(A)
        yield from until(lambda: False)

    with pytest.raises(StillBusy):
        task.run(story)
    assert task.consumer.commits == []
    assert called(task, "close") == []


def test_an_error_of_the_slice_comes_after_what_was_taken_before_it_is_committed(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.fill(B, b"2")
    task.sink.outcomes.extend([1, TaskError("no way")])
    one_record_a_slice(task)

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 1)
        task.thread.held = True
        yield
        revoked_while_it_runs(task, A, B)
        yield

    with pytest.raises(TaskError, match="no way"):
        task.run(story)
    source, offset, _ = task.sink.taken[0]
    assert task.group_offset(source) == offset + 1
    assert called(task, "close") == [[A, B]]


def test_partitions_are_given_up_even_if_their_last_commit_goes_wrong(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.errors["pre_commit"] = TaskError("cannot flush")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.consumer.take(A)
        yield from until(lambda: False)

    with pytest.raises(TaskError, match="cannot flush"):
        flushing.run(story)
    assert called(flushing, "close") == [[A]]
    assert flushing.session.ledger.partitions == ()


def test_when_some_partitions_go_the_sink_is_asked_about_those_and_goes_on_with_the_others(
    flushing: HandDriven,
) -> None:
    flushing.fill(A, b"1")
    flushing.fill(B, b"2")

    def story() -> Story:
        flushing.consumer.give(A, B)
        yield from taken(flushing, 2)
        flushing.session.revoked([A])

    flushing.run(story)
    assert called(flushing, "pre_commit") == [{A: 1}]
    assert called(flushing, "close") == [[A]]
    assert flushing.session.ledger.partitions == (B,)


def test_lost_partitions_are_closed_without_a_commit_and_their_records_dropped(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2")
    flushing.sink.outcomes.append(RetriableError("away", after=1.0))

    def story() -> Story:
        flushing.consumer.give(A)
        yield from until(lambda: flushing.sink.offered)
        flushing.consumer.lose(A)
        yield from until(lambda: called(flushing, "close"))
        assert not flushing.backlog
        yield from (None for _ in range(20))

    flushing.run(story)
    assert called(flushing, "pre_commit") == []
    assert flushing.sink.taken == []


def test_partitions_that_were_never_opened_are_not_closed(flushing: HandDriven) -> None:
    flushing.session.lost([A])
    assert flushing.sink.calls == []


def test_a_partition_that_comes_back_is_read_from_where_the_group_stands_not_from_where_it_was_left(
    task: HandDriven,
) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 2)
        task.consumer.lose(A)
        yield from until(lambda: called(task, "close"))
        task.cluster.committed[A] = 1, ""
        task.consumer.give(A)
        yield from taken(task, 3)
        task.session.request_commit()
        yield from until(lambda: task.group_offset(A) == 2)

    task.run(story)
    assert task.sink.values() == ["1", "2", "2"]
    assert called(task, "open") == [[A], [A]]
