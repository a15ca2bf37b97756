"""The groups of letters, and what is left of them."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from ferryman.dead_letters.groups import Groups
from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.replay_state import ReplayState
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

WHOLE = letter(JVM)
OPEN, REPLAYING, REPLAYED, LEFT, DOUBLE = ReplayState


def at(offset: int, timestamp: int | None, **changes: Any) -> DeadLetter:
    return replace(WHOLE, at=Coordinates("dlq", 0, offset), timestamp=timestamp, **changes)


def test_groups_are_by_reason_the_largest_first_with_their_latest_letter() -> None:
    letters = [at(0, 9), at(1, 3, field="total"), at(2, 4, message="last"), at(3, None, field="total"), at(4, 7)]
    groups = Groups()
    assert groups.largest_first() == []
    for each in letters:
        groups.add(each, ReplayState.OPEN)
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
            groups.add(each, ReplayState.OPEN)
        assert [each.id for each in groups.newest_first()] == ["1-1", "0-2", "0-1"]
        assert groups.largest_first()[0].latest == "1-1"
    assert Groups().newest_first() == []


def test_letters_that_say_when_they_were_refused_are_later_by_that_whatever_their_records_times() -> None:
    old = replace(WHOLE, at=Coordinates("dlq", 0, 0), timestamp=10, refused_at=100)
    young = replace(WHOLE, at=Coordinates("dlq", 1, 0), timestamp=20, refused_at=90)
    groups = Groups(2)
    for each in (old, young):
        groups.add(each, OPEN)
    (group,) = groups.largest_first()
    assert (group.latest, group.first_refused, group.last_refused) == ("0-0", 90, 100)
    assert [each.id for each in groups.newest_first()] == ["0-0", "1-0"]


def test_what_became_of_letters_is_counted_and_groups_with_most_open_ones_are_first() -> None:
    groups = Groups()
    for offset, state in enumerate([REPLAYED, REPLAYED, REPLAYING, DOUBLE]):
        groups.add(at(offset, 1), state)
    groups.add(at(9, 1, field="total"), OPEN)
    assert [(each.field, each.letters, dict(each.states)) for each in groups.largest_first()] == [
        ("total", 1, {OPEN: 1}),
        ("id", 4, {REPLAYED: 2, REPLAYING: 1, DOUBLE: 1}),
    ]
    assert groups.states == {OPEN: 1, REPLAYED: 2, REPLAYING: 1, DOUBLE: 1}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_a_record_with_several_open_letters_is_open_once_in_the_group_of_the_one_that_would_go(
    order: tuple[int, ...],
) -> None:
    letters = [at(0, 1), at(1, 1), at(2, 1, attempts=1, field="total")]
    groups = Groups()
    for number in order:
        groups.add(letters[number], OPEN)
    assert {each.field: dict(+each.states) for each in groups.largest_first()} == {
        "id": {DOUBLE: 2},
        "total": {OPEN: 1},
    }


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("again", "state"),
    [
        ({"refused_at": 40}, DOUBLE),
        ({"refused_at": 60}, OPEN),
        ({"refused_at": 40, "attempts": 1}, OPEN),
        ({"refused_at": None}, OPEN),
        ({"refused_at": 40, "key": b"other"}, OPEN),
    ],
)
def test_a_record_of_which_one_letter_was_named_and_replayed_is_open_only_if_it_was_refused_again(
    order: tuple[int, ...], again: dict[str, Any], state: ReplayState
) -> None:
    letters = [(at(0, 1, refused_at=40), REPLAYED), (at(1, 1, **again), OPEN)]
    groups = Groups()
    for number in order:
        found, known = letters[number]
        if known is REPLAYED:
            groups.settle(found, Mark("r", None, 50))
        groups.add(found, known)
    assert +groups.states == {REPLAYED: 1, state: 1}


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_of_such_a_record_that_was_refused_again_the_newest_letter_is_open(order: tuple[int, ...]) -> None:
    taken, double, again = at(0, 1, refused_at=40), at(1, 1, refused_at=40), at(2, 1, refused_at=60, attempts=1)
    groups = Groups()
    for each in ((taken, double, again)[number] for number in order):
        if each is taken:
            groups.settle(each, Mark("r", None, 50))
        groups.add(each, REPLAYED if each is taken else OPEN)
    assert +groups.states == {REPLAYED: 1, DOUBLE: 1, OPEN: 1}


@pytest.mark.parametrize("other", [{"key": b"other"}, {"timestamp": 2}, {"origin": None}, {"connector": "other"}])
def test_letters_of_different_records_are_all_open(other: dict[str, Any]) -> None:
    groups = Groups()
    for offset, changes in enumerate([{}, other, {"origin": None}]):
        groups.add(replace(at(offset, 1), **changes), OPEN)
    assert groups.states == {OPEN: 3}
