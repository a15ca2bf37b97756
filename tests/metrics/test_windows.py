"""Figures about the recent past are Kafka's: what its SampledStat, Rate, Avg, Max and Frequencies give for the same."""

import math

from ferryman.metrics.windows import Recent, Sampling
from tests.clock import Clock


def recent(clock: Clock, samples: int = 2) -> Recent:
    return Recent(Sampling(30.0, samples, clock.monotonic))


def test_nothing_recorded_has_no_mean_and_no_maximum_and_a_rate_of_zero() -> None:
    found = recent(Clock())
    assert math.isnan(found.mean)
    assert math.isnan(found.most)
    assert math.isnan(found.least)
    assert found.rate == 0.0
    assert found.share == found.others == 0.0


def test_a_mean_and_the_extremes_are_those_of_what_was_recorded() -> None:
    found = recent(Clock())
    for value in (1, 2, 6):
        found.record(value)
    assert (found.mean, found.most, found.least) == (3.0, 6.0, 1.0)


def test_the_first_seconds_have_no_peak_since_a_rate_counts_one_whole_window_before_them() -> None:
    clock = Clock()
    found = recent(clock)
    found.record(300)
    clock.pass_(10)
    assert found.rate == 300 / 40


def test_what_is_older_than_two_windows_is_forgotten() -> None:
    clock = Clock()
    found = recent(clock)
    found.record(100)
    clock.pass_(31)
    found.record(1)
    assert found.most == 100
    clock.pass_(30)
    assert found.most == 1
    clock.pass_(60)
    assert math.isnan(found.most)
    assert found.rate == 0.0


def test_with_one_window_there_is_nothing_but_the_present() -> None:
    clock = Clock()
    found = recent(clock, samples=1)
    found.record(5)
    clock.pass_(31)
    found.record(7)
    assert (found.most, found.mean) == (7, 7)


def test_a_share_is_the_part_that_went_well() -> None:
    found = recent(Clock())
    for went_well in (True, True, True, False):
        found.record(went_well)
    assert (found.share, found.others) == (0.75, 0.25)
