"""How large slices become for sinks of every speed."""

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.task.sink.pacing.slices import AIM_SECONDS, FIRST_RECORDS, Slices

MOST = 20_000


def slices(takes: Callable[[int], float], count: int = 40) -> Iterator[tuple[int, float]]:
    """The sizes and seconds of a sink's first slices."""
    sizes = Slices(MOST)
    for _ in range(count):
        size = sizes.size
        seconds = takes(size)
        yield size, seconds
        sizes.learn(size, seconds)


def test_a_fast_sink_gets_all_that_was_polled_after_a_handful_of_slices() -> None:
    sizes = [size for size, _ in slices(lambda size: size * 5e-6, 8)]
    assert sizes[0] == FIRST_RECORDS
    assert sizes[5:] == [MOST] * 3


def test_a_sink_with_twenty_milliseconds_a_record_gets_half_a_second_of_them() -> None:
    times = [seconds for _, seconds in slices(lambda size: size * 0.02)]
    assert sum(seconds > AIM_SECONDS for seconds in times) <= 2  # tries whether more would take no longer
    assert max(times) <= 2 * AIM_SECONDS
    assert min(times[2:]) >= AIM_SECONDS / 2


def test_a_sink_with_a_minute_a_record_gets_one_at_a_time() -> None:
    assert [size for size, _ in slices(lambda size: size * 60.0, 5)] == [FIRST_RECORDS, 1, 1, 1, 1]


def test_a_sink_whose_requests_cost_a_second_whatever_their_size_gets_large_ones() -> None:
    assert [size for size, _ in slices(lambda size: 1.0, 20)][-1] == MOST


def test_a_sink_whose_requests_cost_ten_seconds_is_not_starved() -> None:
    assert [size for size, _ in slices(lambda size: 10.0, 20)][-1] == MOST


def test_a_request_and_its_records_are_told_apart() -> None:
    sizes = [size for size, _ in slices(lambda size: 0.3 + size * 0.001)]
    assert min(sizes[10:]) >= 200
    assert max(sizes[10:]) <= 1000


def far_away(size: int) -> float:
    """A database behind 150 ms: few statements a put, more for each kind of record; a record itself costs little."""
    return 1.2 + 0.15 * min(size, 8) + 0.001 * size


def test_a_sink_that_is_far_away_is_not_left_with_one_record_because_its_first_put_took_long() -> None:
    first = iter([5.0])
    sizes = [size for size, _ in slices(lambda size: far_away(size) + next(first, 0.0), 80)]
    assert sizes[1] == 1
    assert sum(1000 <= size <= 3000 for size in sizes[30:]) >= 48
    assert max(sizes) <= 5000


@pytest.mark.parametrize("way", [0.02, 0.1, 0.2, 0.5])
def test_a_sink_behind_a_slow_link_gets_thousands_soon_though_it_made_its_tables_in_the_first_put(way: float) -> None:
    statements = iter([50])
    times = list(slices(lambda size: way * (20 + next(statements, 0)) + size * 1e-5, 20))
    assert [size for size, _ in times].index(MOST) <= 16
    assert sum(size < 5 for size, _ in times) <= 5


def test_a_sink_that_has_lost_its_connection_is_got_to_know_anew() -> None:
    sizes = Slices(MOST)
    for _ in range(10):
        sizes.learn(sizes.size, 0.05 + sizes.size * 1e-5)
    assert sizes.size == MOST
    sizes.learn(MOST, 40.0)
    for _ in range(5):
        sizes.learn(sizes.size, 0.05 + sizes.size * 1e-5)
    assert sizes.size == MOST


def test_a_larger_slice_is_tried_less_and_less_often_where_that_is_of_no_use() -> None:
    sizes = [size for size, _ in slices(lambda size: size * 60.0, 2000)]
    assert set(sizes[1:]) == {1, 2}
    assert 3 <= sizes[1:].count(2) <= 10


def test_a_sink_that_becomes_slow_gets_less_at_once_and_more_when_it_is_fast_again() -> None:
    sizes = Slices(MOST)
    for _ in range(10):
        sizes.learn(sizes.size, sizes.size * 5e-6)
    sizes.learn(sizes.size, sizes.size * 0.02)
    assert sizes.size * 0.02 <= AIM_SECONDS
    for _ in range(20):
        sizes.learn(sizes.size, sizes.size * 5e-6)
    assert sizes.size == MOST


@pytest.mark.parametrize("seed", range(5))
def test_noise_does_not_let_slices_of_a_slow_sink_grow(seed: int) -> None:
    chance = random.Random(seed)
    times = [seconds for _, seconds in slices(lambda size: size * 0.02 * chance.uniform(0.5, 2.0), 300)]
    assert sum(seconds > 4 * AIM_SECONDS for seconds in times) <= 15, f"seed {seed}"
    assert max(times) <= 16 * AIM_SECONDS, f"seed {seed}"


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1e5)), max_size=30), st.integers(1, MOST))
@settings(max_examples=100, deadline=None)
def test_a_slice_is_never_empty_and_never_more_than_was_polled(taken: list[tuple[int, float]], most: int) -> None:
    sizes = Slices(most)
    for records, seconds in taken:
        sizes.learn(records, seconds)
        assert 1 <= sizes.size <= most


def test_a_sink_that_takes_its_half_second_whatever_it_gets_is_given_more_and_more() -> None:
    sizes = Slices(MOST)
    for seconds in (0.96, 0.36, 1.56, *[0.48] * 26):  # the first makes tables, the third is refused and done again
        sizes.learn(sizes.size, seconds + sizes.size * 1e-5)
    assert sizes.size == MOST
