"""What became of a letter."""

from dataclasses import replace

from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.standing import Standing, Standings
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

OPEN, REPLAYING, REPLAYED, DOUBLE = Standing


def test_a_letter_stands_as_its_mark_says_and_whether_the_run_is_over() -> None:
    marks = {
        "0-1": Mark("over", None, 1),
        "0-2": Mark("runs", None, 1),
        "0-3": Mark(None, "orders", 1),
        "0-4": Mark("runs", None, 1, instead="0-2"),
    }
    letters = [replace(letter(JVM), at=Coordinates("dlq", 0, offset)) for offset in range(5)]
    standings = Standings(marks, ["runs"])
    assert [standings.of(each) for each in letters] == [OPEN, REPLAYED, REPLAYING, REPLAYED, DOUBLE]
    assert {Standings({}, unread="no right").of(each) for each in letters} == {None}
