"""Where a task begins to read."""

from typing import Any

import pytest

from ferryman.errors import TaskError
from tests.task.sink.hand_driven import A, B, HandDriven
from tests.task.sink.loop.story import Story, taken, until


def test_the_sinks_word_on_where_to_start_wins_over_the_groups(task: HandDriven) -> None:
    task.fill(A, b"0", b"1", b"2", b"3")
    task.fill(B, b"x", b"y")
    task.cluster.committed[A] = task.cluster.committed[B] = 1, ""
    task.sink.starts = {A: 3}

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 2)

    task.run(story)
    assert sorted(task.sink.values()) == ["3", "y"]


def test_what_the_sink_knows_better_is_committed_though_the_group_has_an_older_offset(task: HandDriven) -> None:
    task.fill(A, b"0", b"1", b"2")
    task.cluster.committed[A] = 1, ""
    task.sink.starts = {A: 3}

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 3)

    task.run(story)
    assert task.sink.taken == []


def test_without_a_place_to_start_the_task_fails_and_names_the_partitions(task: HandDriven) -> None:
    task.session.group.read_from = "error"
    task.cluster.committed[A] = 0, ""

    def story() -> Story:
        task.consumer.give(A, B)
        yield

    with pytest.raises(TaskError, match=r"^t-1: no usable offset"):
        task.run(story)


def test_a_sink_that_knows_where_to_start_needs_no_offset_of_the_group(task: HandDriven) -> None:
    task.session.group.read_from = "error"
    task.fill(A, b"0", b"1")
    task.sink.starts = {A: 1}

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)

    task.run(story)
    assert task.sink.values() == ["1"]


def test_a_sink_whose_open_returns_nothing_leaves_it_to_the_group(task: HandDriven) -> None:
    task.fill(A, b"0", b"1", b"2")
    task.cluster.committed[A] = 1, ""
    nothing: Any = None
    task.sink.starts = nothing

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 2)

    task.run(story)
    assert task.sink.values() == ["1", "2"]
