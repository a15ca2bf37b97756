"""Offsets of a group in a restored topic: never behind a record that it has not read, and exact where that is known."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ferryman.archives.translation import Restored, Target, translated


def exact(originals: Sequence[int], number: int = 0) -> Iterator[Restored]:
    """Records of one partition, their offsets known, restored from offset 100 on."""
    return (Restored(number, 100 + at, number, original) for at, original in enumerate(originals))


def test_an_exact_offset_goes_to_its_record() -> None:
    assert translated(exact([0, 1, 2, 5, 6]), {0: 2}) == {0: Target(102, 0)}
    assert translated(exact([0, 1, 2, 5, 6]), {0: 3}) == {0: Target(103, 0)}


def test_a_group_that_has_read_all_goes_behind_all() -> None:
    assert translated(exact([0, 1, 2]), {0: 3}) == {0: Target(103, 0)}


def test_partitions_without_an_offset_are_left_alone() -> None:
    assert translated([*exact([0, 1]), *exact([0, 1], 1)], {1: 1}) == {1: Target(101, 0)}


def test_of_an_original_partition_without_an_offset_nothing_is_passed_over_among_others() -> None:
    mixed = [Restored(0, at, at % 2, at // 2) for at in range(10)]
    assert translated(mixed, {0: 4}) == {0: Target(1, 3)}
    assert translated([*mixed, Restored(1, 0, 1, 5)], {0: 4}) == {0: Target(1, 3)}


def test_an_object_as_long_as_its_range_is_exact() -> None:
    records = [Restored(0, 50 + at, 0, 10 + at, 10, 14) for at in range(5)]
    assert translated(records, {0: 12}) == {0: Target(52, 0)}


def test_in_an_object_with_holes_some_are_read_again() -> None:
    # Five offsets, three records: the second may have been at 11, 12 or 13.
    records = [Restored(0, 50 + at, 0, 10 + at, 10, 14) for at in range(3)]
    assert translated(records, {0: 12}) == {0: Target(51, 1)}


def test_where_nothing_tells_how_far_an_object_reaches_it_is_read_again_behind_its_first_record() -> None:
    records = [Restored(0, 50 + at, 0, 10 + at, 10) for at in range(5)]
    assert translated(records, {0: 13}) == {0: Target(51, 2)}
    assert translated(records, {0: 10}) == {0: Target(50, 0)}


def test_records_that_went_to_other_partitions_are_found_there() -> None:
    records = [Restored(at % 2, at // 2, 0, at) for at in range(10)]
    assert translated(records, {0: 5}) == {0: Target(3, 0), 1: Target(2, 0)}


@given(
    originals=st.lists(st.integers(0, 50), min_size=1, max_size=30, unique=True).map(sorted),
    cuts=st.sets(st.integers(1, 30), max_size=5),
    committed=st.integers(0, 55),
    spread=st.integers(1, 3),
    ended=st.booleans(),
)
def test_no_unread_record_is_ever_passed_over(
    originals: list[int], cuts: set[int], committed: int, spread: int, ended: bool
) -> None:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(originals)), len(originals)]
    objects = [originals[one:other] for one, other in pairwise(bounds)]
    places = iter(range(len(originals)))
    records, unread = [], dict[int, list[int]]()
    for number, piece in enumerate(objects):
        last = objects[number + 1][0] - 1 if number + 1 < len(objects) else piece[-1] if ended else None
        for at, original in enumerate(piece):
            place = next(places)
            records.append(Restored(place % spread, place // spread, 0, piece[0] + at, piece[0], last))
            if original >= committed:
                unread.setdefault(place % spread, []).append(place // spread)
    targets = translated(records, {0: committed})
    for partition, offsets in unread.items():
        assert targets[partition].offset <= min(offsets)
