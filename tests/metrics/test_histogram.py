"""Counts by bucket: each value in the first whose bound is not below it, however many come at once."""

from ferryman.metrics.histogram import Histogram

BOUNDS = (1.0, 10.0, 100.0)


def test_a_value_on_a_bound_is_in_its_bucket() -> None:
    found = Histogram(BOUNDS)
    for value in (0.5, 1.0, 1.1, 100.0, 101.0):
        found.observe(value)
    assert list(found.cumulative) == [(1.0, 2), (10.0, 3), (100.0, 4), (float("inf"), 5)]
    assert found.sum == 203.6


def test_many_values_of_one_bucket_are_counted_at_once_and_others_are_not() -> None:
    found = Histogram(BOUNDS)
    assert found.observe_between(2.0, 4.0, 10)
    assert not found.observe_between(2.0, 40.0, 10)
    assert (found.counts, found.sum) == ([0, 10, 0, 0], 30.0)
