"""Waits double from try to try, and from the longest wait on they are scattered below it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.retry import backoff


def test_the_first_wait_is_short_and_each_one_twice_the_last() -> None:
    assert [backoff.delay(attempt, 60.0) for attempt in range(1, 6)] == pytest.approx([0.3, 0.6, 1.2, 2.4, 4.8])


def test_a_wait_that_is_just_as_long_as_the_longest_is_not_scattered() -> None:
    assert backoff.delay(3, 1.2) == pytest.approx(1.2)


def test_waits_beyond_the_longest_are_scattered_over_its_whole_range(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    monkeypatch.setattr("random.uniform", uniform)
    assert backoff.delay(4, 2.0) == 2.0
    assert backoff.delay(1, 0.1) == 0.1
    assert ranges == [(0.3, 2.0), (0.1, 0.1)]


@given(st.integers(1, 10_000), st.floats(0.0, 3600.0))
def test_no_wait_is_negative_or_longer_than_the_longest(attempt: int, longest: float) -> None:
    assert 0.0 <= backoff.delay(attempt, longest) <= longest
