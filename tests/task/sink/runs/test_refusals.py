"""How many records a run has refused: those before what it commits, each once, over kills."""

from collections.abc import Iterator

import pytest

from ferryman.runs import note
from ferryman.task.sink.runs.refusals import Refusals
from tests.task.sink.hand_driven import A, B, HandDriven


def test_those_before_an_offset_count_and_each_once() -> None:
    refusals = Refusals()
    refusals.begin(A, 2)
    for offset in (3, 7, 3):
        refusals.refused(A, offset)
    refusals.refused(B, 0)
    assert refusals.before(A, 3) == 2
    assert refusals.before(A, 4) == 3
    assert refusals.before(A, 9) == 4
    assert refusals.before(B, 9) == 1


def test_a_partition_that_comes_again_goes_on_from_what_was_committed() -> None:
    refusals = Refusals()
    refusals.begin(A, 0)
    refusals.refused(A, 5)
    assert refusals.before(A, 0) == 0
    refusals.begin(A, 0)  # another had it meanwhile, and it comes back: the record comes again
    refusals.refused(A, 5)
    assert refusals.before(A, 9) == 1


def test_they_are_committed_with_the_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch)
    task.fill(A, b"1", b"2", b"3")

    def story() -> Iterator[None]:
        task.consumer.give(A)
        task.session.reading.refusals.refused(A, 1)
        while task.group_offset(A) != 3:
            yield

    task.run(story)
    assert note.load(task.cluster.committed[A][1]) == (note.Note(1.0, 1), "")
