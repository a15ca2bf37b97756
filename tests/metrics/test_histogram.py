"""Counts by bucket: each value in the first whose bound is not below it, however many come at once."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.metrics.histogram import MOST_LOOKED_AT, Histogram

BOUNDS = (1.0, 10.0, 100.0)


def test_a_value_on_a_bound_is_in_its_bucket() -> None:
    found = Histogram(BOUNDS)
    for value in (0.5, 1.0, 1.1, 100.0, 101.0):
        found.observe(value)
    assert list(found.cumulative) == [(1.0, 2), (10.0, 3), (100.0, 4), (float("inf"), 5)]
    assert found.sum == 203.6


@given(st.lists(st.floats(0, 1000), max_size=50))
def test_few_values_are_counted_one_by_one(values: list[float]) -> None:
    one, all_ = Histogram(BOUNDS), Histogram(BOUNDS)
    for value in values:
        one.observe(value)
    all_.observe_all(values)
    assert all_.counts == one.counts


def test_of_very_many_the_count_is_right_and_the_distribution_is_near() -> None:
    found, count = Histogram(BOUNDS), 100 * MOST_LOOKED_AT + 7
    found.observe_all([index % 20 + 0.5 for index in range(count)])
    assert sum(found.counts) == count
    assert 0.3 < found.counts[1] / count < 0.7


def test_many_values_of_one_bucket_are_counted_at_once_and_others_are_not() -> None:
    found = Histogram(BOUNDS)
    assert found.observe_between(2.0, 4.0, 10)
    assert not found.observe_between(2.0, 40.0, 10)
    assert (found.counts, found.sum) == ([0, 10, 0, 0], 30.0)
