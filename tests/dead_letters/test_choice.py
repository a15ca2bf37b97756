"""Which letters a choice takes, and their groups."""

from dataclasses import replace
from typing import Any

import pytest

from ferryman.dead_letters.choice import Choice, Groups
from ferryman.dead_letters.letter import DeadLetter, parsed
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

WHOLE = letter(JVM)


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), True),
        (Choice(connector="warehouse"), True),
        (Choice(connector="other"), False),
        (Choice(stage="VALUE_CONVERTER"), True),
        (Choice(stage="TASK_PUT"), False),
        (Choice(exception="DataException"), True),
        (Choice(exception="org.apache.kafka.connect.errors.DataException"), True),
        (Choice(exception="Exception"), False),
        (Choice(field="id"), True),
        (Choice(field="i"), False),
        (Choice(since=5, until=6), True),
        (Choice(since=6), False),
        (Choice(until=5), False),
    ],
)
def test_a_choice_takes_what_is_like_it(choice: Choice, taken: bool) -> None:
    assert choice.takes(WHOLE) is taken


def test_letters_that_say_nothing_are_everybodys_and_of_no_time() -> None:
    bare = parsed(Coordinates("dlq", 0, 0), None, None, None, [])
    assert Choice(connector="anybody").takes(bare)
    assert not Choice(since=0).takes(bare)
    assert not Choice(stage="TASK_PUT").takes(bare)


def at(offset: int, timestamp: int | None, **changes: Any) -> DeadLetter:
    return replace(WHOLE, at=Coordinates("dlq", 0, offset), timestamp=timestamp, **changes)


def test_groups_are_by_reason_the_largest_first_with_their_latest_letter() -> None:
    letters = [at(0, 9), at(1, 3, field="total"), at(2, 4, message="last"), at(3, None, field="total"), at(4, 7)]
    groups = Groups()
    assert groups.largest_first() == []
    for each in letters:
        groups.add(each)
    large, small = groups.largest_first()
    assert (large.field, large.letters, large.first, large.last, large.latest) == ("id", 3, 4, 9, "0-4")
    assert (small.field, small.letters, small.first, small.last, small.latest) == ("total", 2, 3, 3, "0-3")


def test_the_newest_of_several_partitions_are_so_in_whatever_order_these_are_read() -> None:
    def of(partition: int, *times: int | None) -> list[DeadLetter]:
        at = enumerate(times)
        return [replace(WHOLE, at=Coordinates("dlq", partition, each), timestamp=time) for each, time in at]

    one, other = of(0, 5, None, 1), of(1, 2, 9)
    for letters in ([*one, *other], [*other, *one], [other[0], *one, other[1]]):
        groups = Groups(3)
        for each in letters:
            groups.add(each)
        assert [each.id for each in groups.newest_first()] == ["1-1", "0-2", "0-1"]
        assert groups.largest_first()[0].latest == "1-1"
    assert Groups().newest_first() == []
