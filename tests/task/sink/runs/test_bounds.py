"""What of its partitions a run's task takes, and how it finds their ends: decided alone, then in the loop."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.api import Assigned, Committed
from ferryman.errors import TaskError
from ferryman.record import Polled, TopicPartition
from ferryman.runs.keys import RunKeys
from ferryman.runs.ranges import Range, Ranges
from ferryman.task.sink.runs.bounds import Bounds
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.recording_sink import FlushingSink

Story = Iterator[None]


def bounds(of: Mapping[TopicPartition, Range], id: str = "id", **more: str) -> Bounds:
    ranges = Ranges({source.topic: id for source in of}, of)
    keys = {f"ferryman.run.{name}": value for name, value in more.items()}
    return Bounds(RunKeys.of({"ferryman.run.ranges": ranges.dump(), **keys}))


def polled(source: TopicPartition, offsets: list[int], times: list[int | None] | None = None) -> Polled:
    nothing = [None] * len(offsets)
    return Polled(*source, offsets, times or nothing, nothing, nothing)


def assigned(source: TopicPartition, committed: int | None, beginning: int = 0, end: int = 100) -> Assigned:
    group = None if committed is None else Committed(committed)
    return Assigned(source, "id", group, beginning, end, committed)


def test_a_partition_starts_where_its_range_does_or_where_the_group_has_got_to() -> None:
    made = bounds({A: Range(10, 20)})
    starts = [each.start for each in made.placed([assigned(A, None), assigned(A, 15), assigned(A, 15, beginning=17)])]
    assert starts == [10, 15, 17]


def test_a_sink_is_told_that_nothing_is_gone_and_reading_begins_where_something_is() -> None:
    made = bounds({A: Range(10, 20), B: Range(0, 5)})
    gone = made.placed([assigned(A, 15, beginning=17), assigned(B, 5, beginning=30)])
    assert [(each.beginning, each.start) for each in gone] == [(0, 17), (0, 5)]
    assert made.begun({A: 12, B: 5}) == {A: 17, B: 30}
    assert made.positions == {A: 17, B: 5}


def test_a_range_of_which_all_is_gone_is_over(caplog: pytest.LogCaptureFixture) -> None:
    made = bounds({A: Range(10, 20)})
    [gone] = made.placed([assigned(A, 15, beginning=50)])
    assert gone.start == 20
    made.begun({A: 15})
    assert made.over
    assert made.positions == {A: 20}
    assert "the offsets from 15 to 50 are no longer there" in caplog.text


def test_a_partition_without_a_range_is_over_before_it_begins() -> None:
    made = bounds({A: Range(10, 20)})
    made.begun({each.source: each.start or 0 for each in made.placed([assigned(B, None)])})
    assert made.over


def test_a_topic_that_was_created_anew_is_refused() -> None:
    with pytest.raises(TaskError, match="the run was made for a topic of that name with the id old"):
        bounds({A: Range(0, 9)}, id="old").placed([assigned(A, None)])


def test_a_connector_that_is_no_run_takes_everything_and_has_no_end() -> None:
    made, some = Bounds(), polled(A, [1, 2])
    made.begun({A: 0})
    assert made.cut(some) is some
    assert not made.over
    assert made.placed([assigned(A, None)])[0].start is None


@given(st.data())
def test_it_takes_what_lies_in_its_range_and_time_and_nothing_else(data: st.DataObject) -> None:
    range_ = Range(*sorted(data.draw(st.lists(st.integers(0, 30), min_size=2, max_size=2))))
    window = sorted(data.draw(st.lists(st.integers(10**10, 10**10 + 9), min_size=2, max_size=2)))
    offsets = sorted(data.draw(st.sets(st.integers(range_.first, 40), min_size=1)))
    epoch = 10**10  # fewer digits are no milliseconds
    times = data.draw(st.lists(st.integers(epoch, epoch + 9), min_size=len(offsets), max_size=len(offsets)))
    made = bounds({A: range_}, **{"from": str(window[0]), "to": str(window[1])})
    made.begun({A: range_.first})
    kept = made.cut(polled(A, offsets, list(times)))
    wanted = [
        offset
        for offset, time in zip(offsets, times, strict=True)
        if offset < range_.behind and window[0] <= time < window[1]
    ]
    assert ([] if kept is None else list(kept.offsets)) == wanted
    assert made.over == (offsets[-1] + 1 >= range_.behind or range_.first == range_.behind)
    assert made.positions[A] == min(range_.behind, max(range_.first, offsets[-1] + 1))


# In the loop.


class EndingSink(FlushingSink):
    """Tells when it was told of the end."""

    def end(self) -> None:
        self._called("end", None)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    made = HandDriven(monkeypatch, EndingSink)
    made.consumer.tells_ends = True
    return made


def is_run(task: HandDriven, of: Mapping[TopicPartition, Range], **more: str) -> None:
    task.session.reading.bounds = bounds(of, task.cluster.topics["t"].id, **more)


def until(condition: Callable[[], object], rounds: int = 1000) -> Story:
    for _ in range(rounds):
        if condition():
            return
        yield
    raise AssertionError("not within so many rounds")


def names(task: HandDriven) -> list[Any]:
    return [name for name, _ in task.sink.calls if name in ("end", "pre_commit")]


def test_a_run_puts_its_range_commits_its_end_and_goes_no_further(task: HandDriven) -> None:
    task.fill(A, *(str(number).encode() for number in range(9)))
    is_run(task, {A: Range(2, 5)})

    def story() -> Story:
        task.consumer.give(A, B)
        yield from until(lambda: task.group_offset(A) == 5)
        task.fill(A, b"later")
        task.clock.pass_(TIMING.commit_interval)
        yield
        yield
        assert task.group_offset(A) == 5

    task.run(story)
    assert task.sink.values() == ["2", "3", "4"]


def test_the_sink_is_told_of_the_end_once_and_before_the_last_commit(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    is_run(task, {A: Range(0, 2)})

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 2)
        task.clock.pass_(TIMING.commit_interval)
        yield
        yield

    task.run(story)
    assert names(task)[:2] == ["end", "pre_commit"]
    assert names(task).count("end") == 1


def test_a_range_that_ends_in_what_is_no_record_is_over_at_the_end_of_the_partition(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    is_run(task, {A: Range(0, 2)}, to="1970-01-01T00:00:00Z")  # none of the records is early enough

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 2)

    task.run(story)
    assert task.sink.values() == []


def test_what_a_revocation_drops_is_not_committed_though_it_was_read(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    is_run(task, {A: Range(0, 2)})
    task.sink.outcomes.extend([RuntimeError("it ends here")])

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: False)

    with pytest.raises(RuntimeError):
        task.run(story)
    task.session.revoked([A])
    assert task.group_offset(A) in (None, 0)


def test_partitions_that_come_later_have_their_own_end(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.fill(B, b"2")
    is_run(task, {A: Range(0, 1), B: Range(0, 1)})

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 1)
        task.consumer.take(A)
        yield from until(lambda: task.consumer.heard_all)
        task.consumer.give(A, B)
        yield from until(lambda: task.group_offset(B) == 1)

    task.run(story)
    assert task.sink.values() == ["1", "2"]
    assert names(task).count("end") == 2


def test_an_assignment_is_replaced_and_not_changed() -> None:
    one = assigned(A, None)
    assert bounds({A: Range(1, 2)}).placed([one])[0] == replace(one, beginning=0, start=1)


def test_a_run_reads_on_behind_what_retention_has_removed_since_the_sink_stored_its_offset(task: HandDriven) -> None:
    task.fill(A, *(str(number).encode() for number in range(9)))
    is_run(task, {A: Range(0, 8)})
    task.cluster.committed[A] = 2, ""
    task.cluster.trim(A, 5)
    task.sink.starts = {A: 2}

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 8)

    task.run(story)
    assert task.sink.values() == ["5", "6", "7"]
