"""The marks of tasks among source offsets."""

from ferryman.runs import marks
from ferryman.runs.marks import Mark


def test_marks_are_told_from_the_offsets_of_the_source_itself() -> None:
    offsets = [
        ({"filename": "a"}, {"position": 3}),
        (marks.partition(0), Mark(5, True).offset()),
        (marks.partition(2), Mark(7).offset()),
        ({marks.TASK: 1, "more": 2}, {"records": 9}),
        ({marks.TASK: "x"}, {"records": 9}),
    ]
    assert marks.marks_by_task(offsets) == {0: Mark(5, True), 2: Mark(7)}
    assert [marks.is_mark(partition) for partition, _ in offsets[:3]] == [False, True, True]
    assert not marks.is_mark(None)


def test_what_cannot_be_understood_counts_for_nothing() -> None:
    assert Mark.parse({"records": "5", "complete": "true", "refused": None}) == Mark()
    assert Mark.parse(Mark(5, True, 2).offset()) == Mark(5, True, 2)
