"""A batch that fails is halved down to the guilty records, and every record is either done once or guilty."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.chain.narrowing import Failure, Stage, Stretch, narrow, sifted
from ferryman.errors import DataError, FencedError, Indeterminate, RetriableError, TaskError
from ferryman.record import Coordinates, Record
from tests.chain.parts import polled


def refusing(*guilty: int, error: type[Exception] = DataError) -> tuple[list[tuple[int, int]], Callable[..., range]]:
    """An attempt that refuses a range with a guilty item in it; and the ranges that were tried."""
    tried: list[tuple[int, int]] = []

    def attempt(start: int, stop: int) -> range:
        tried.append((start, stop))
        bad = [item for item in guilty if start <= item < stop]
        if bad:
            raise error(f"item {bad[0]}")
        return range(start, stop)

    return tried, attempt


def test_what_succeeds_is_tried_once_and_whole() -> None:
    tried, attempt = refusing()
    assert narrow(5, attempt, Exception) == ([Stretch(0, 5, range(5))], [])
    assert tried == [(0, 5)]


def test_of_nothing_nothing_is_tried() -> None:
    tried, attempt = refusing(0)
    assert narrow(0, attempt, Exception) == ([], [])
    assert tried == []


def test_the_guilty_one_is_found_by_halves_from_the_front() -> None:
    tried, attempt = refusing(2)
    done, guilty = narrow(5, attempt, DataError)
    assert [piece.result for piece in done] == [range(2), range(3, 5)]
    assert [(item, str(error)) for item, error in guilty] == [(2, "item 2")]
    assert tried == [(0, 5), (0, 2), (2, 5), (2, 3), (3, 5)]


@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_every_item_is_done_once_in_order_or_guilty_with_its_own_error(count: int, bad: set[int]) -> None:
    tried, attempt = refusing(*bad)
    done, guilty = narrow(count, attempt, Exception)
    expected = sorted(item for item in bad if item < count)
    assert [item for item, _ in guilty] == expected
    assert [str(error) for _, error in guilty] == [f"item {item}" for item in expected]
    assert [item for piece in done for item in piece.result] == [item for item in range(count) if item not in bad]
    assert all((piece.start, piece.stop) == (piece.result.start, piece.result.stop) for piece in done)
    # One guilty item of n costs two tries a halving, not one a neighbour.
    assert len(tried) <= 1 + 2 * len(expected) * max(count, 1).bit_length()


@pytest.mark.parametrize("error", [RetriableError, Indeterminate, TaskError, FencedError])
def test_an_outage_or_the_end_of_the_task_is_nobodys_guilt(error: type[Exception]) -> None:
    tried, attempt = refusing(3, error=error)
    with pytest.raises(error, match="item 3"):
        narrow(5, attempt, Exception)
    assert tried == [(0, 5)]


def test_errors_that_were_not_named_pass_through() -> None:
    _, attempt = refusing(0, error=ValueError)
    with pytest.raises(ValueError, match="item 0"):
        narrow(1, attempt, DataError)


def test_a_consumed_record_that_failed_is_known_by_its_coordinates() -> None:
    raw = polled(b"a", b"b", b"c", topic="orders", partition=3, first=70)
    assert Failure(raw, 1, Stage.VALUE_CONVERTER, "C", DataError("no")).coordinates == Coordinates("orders", 3, 71)


def test_a_sources_record_that_failed_has_no_coordinates_yet() -> None:
    assert Failure([Record(topic="t", value=1)], 0, Stage.TRANSFORMATION, "T", DataError("no")).coordinates is None


@given(st.integers(0, 60), st.sets(st.integers(0, 59)))
def test_once_the_guilty_are_found_all_others_are_done_together(count: int, bad: set[int]) -> None:
    bad = {item for item in bad if item < count}

    def attempt(items: Sequence[int]) -> list[int]:
        if bad & set(items):
            raise DataError("bad")
        return list(items)

    done, guilty = sifted(count, attempt)
    assert {item for item, _ in guilty} == bad
    good = [item for item in range(count) if item not in bad]
    assert done == ([good] if good else [])


def test_what_passes_only_in_other_company_keeps_what_it_did_there() -> None:
    def attempt(items: Sequence[int]) -> list[int]:
        if len(items) > 2 or 3 in items:
            raise DataError("too many, or three")
        return list(items)

    done, guilty = sifted(4, attempt)
    assert (done, [item for item, _ in guilty]) == ([[0, 1], [2]], [3])


@pytest.mark.parametrize("error", [RetriableError("away"), TaskError("over")])
def test_an_outage_in_the_last_attempt_passes_through(error: Exception) -> None:
    calls: list[Sequence[int]] = []

    def attempt(items: Sequence[int]) -> None:
        calls.append(items)
        if isinstance(items, list):
            raise error
        if 1 in items:
            raise DataError("bad")

    with pytest.raises(type(error)):
        sifted(3, attempt)
    assert calls[-1] == [0, 2]
