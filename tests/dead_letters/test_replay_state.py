"""What became of a letter."""

from dataclasses import replace

from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.replay_state import ReplayState, ReplayStates
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

OPEN, REPLAYING, REPLAYED, LEFT, DOUBLE = ReplayState


def test_a_letter_stands_as_its_mark_says_and_whether_the_run_is_over() -> None:
    marks = {
        "0-1": Mark("over", None, 1),
        "0-2": Mark("runs", None, 1),
        "0-3": Mark(None, "orders", 1),
        "0-4": Mark("runs", None, 1, instead="0-2"),
    }
    letters = [replace(letter(JVM), at=Coordinates("dlq", 0, offset)) for offset in range(5)]
    states = ReplayStates(marks, ["runs"])
    assert [states.of(each) for each in letters] == [OPEN, REPLAYED, REPLAYING, REPLAYED, DOUBLE]
    assert {ReplayStates({}, unread="no right").of(each) for each in letters} == {None}


def test_of_a_run_that_was_deleted_those_are_left_that_it_had_not_come_to() -> None:
    marks = {f"{partition}-{offset}": Mark("gone", None, 1) for partition in (0, 1) for offset in (6, 7, 8)}
    letters = [replace(letter(JVM), at=Coordinates("dlq", number, offset)) for number in (0, 1) for offset in (6, 7, 8)]
    assert [ReplayStates(marks, reached={"gone": {0: 7}}).of(each) for each in letters] == [REPLAYED, *[LEFT] * 5]
    assert {ReplayStates(marks, reached={"gone": {}}).of(each) for each in letters} == {LEFT}
    assert {ReplayStates(marks, reached={"other": {}}).of(each) for each in letters} == {REPLAYED}
