"""The tallies of tasks among source offsets."""

from ferryman.runs import tallies
from ferryman.runs.tallies import Tally


def test_marks_are_told_from_the_offsets_of_the_source_itself() -> None:
    offsets = [
        ({"filename": "a"}, {"position": 3}),
        (tallies.partition(0), Tally(5, True).offset()),
        (tallies.partition(2), Tally(7).offset()),
        ({tallies.TASK: 1, "more": 2}, {"records": 9}),
        ({tallies.TASK: "x"}, {"records": 9}),
    ]
    assert tallies.tallies_by_task(offsets) == {0: Tally(5, True), 2: Tally(7)}
    assert [tallies.is_tally(partition) for partition, _ in offsets[:3]] == [False, True, True]
    assert not tallies.is_tally(None)


def test_what_cannot_be_understood_counts_for_nothing() -> None:
    assert Tally.parse({"records": "5", "complete": "true", "refused": None}) == Tally()
    assert Tally.parse(Tally(5, True, 2).offset()) == Tally(5, True, 2)
