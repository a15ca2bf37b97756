"""What keeps others from being read at once is found, and no attempt is made that costs more than it saves."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.halving import unfit

BAD = st.sets(st.integers(0, 199), min_size=1)


@given(BAD, st.integers(200, 300))
def test_exactly_the_bad_ones_are_found(bad: set[int], count: int) -> None:
    found = list(unfit(count, lambda start, stop: bad.isdisjoint(range(start, stop))))
    assert sorted(found) == sorted(bad)


@given(BAD, st.integers(1, 20), st.integers(0, 30))
def test_what_is_given_up_holds_all_bad_ones_and_each_item_once(bad: set[int], few: int, tries: int) -> None:
    attempts: list[tuple[int, int]] = []

    def fits(start: int, stop: int) -> bool:
        attempts.append((start, stop))
        return bad.isdisjoint(range(start, stop))

    found = list(unfit(200, fits, few, tries))
    assert bad <= set(found)
    assert len(found) == len(set(found))
    assert len(attempts) <= 2 * tries
    assert all(stop - start >= (few + 1) // 2 for start, stop in attempts)


def test_of_nothing_nothing_is_found() -> None:
    assert list(unfit(0, lambda start, stop: False)) == []
