"""How long records may gather after a put."""

import random

import pytest

from ferryman.record import Polled
from ferryman.task.sink.pacing.gather_delay import (
    MAX_DELAY_SECONDS,
    QUICK_PUT_SECONDS,
    WORTHWHILE_BYTES,
    WORTHWHILE_RECORDS,
    GatherDelay,
)


def polled(count: int, size: int = 1) -> list[Polled]:
    values = [b"v" * size] * count
    return [Polled("t", 0, range(count), [None] * count, [None] * count, values)]


def rest(count: int, seconds: float, size: int = 1, limit: int = 20_000) -> float:
    """What follows a put of so many records that took so long."""
    rests = GatherDelay(limit)
    rests.polled(polled(count, size), 100.0)
    rests.put(100.0 + seconds)
    return rests.left(100.0 + seconds)


def test_a_quick_put_is_followed_by_the_next_at_once() -> None:
    assert rest(10, QUICK_PUT_SECONDS) == 0.0


def test_a_put_that_took_its_time_for_few_records_has_a_rest_as_long() -> None:
    assert rest(10, 0.03) == pytest.approx(0.03 - QUICK_PUT_SECONDS)


def test_no_record_waits_for_longer_than_the_longest_rest() -> None:
    assert rest(1, 60.0) == pytest.approx(MAX_DELAY_SECONDS)


@pytest.mark.parametrize(
    ("count", "size"), [(WORTHWHILE_RECORDS, 1), (WORTHWHILE_BYTES // 1_000, 1_000), (1, WORTHWHILE_BYTES)]
)
def test_a_backlog_is_gone_through_without_rests(count: int, size: int) -> None:
    assert rest(count, 1.0, size) == 0.0


def test_a_poll_that_may_have_no_more_records_is_not_waited_for() -> None:
    assert rest(5, 1.0, limit=5) == 0.0


def test_nothing_polled_is_nothing_to_rest_from() -> None:
    rests = GatherDelay()
    rests.polled([], 100.0)
    rests.put(107.0)
    assert rests.left(107.0) == 0.0


def test_a_rest_passes() -> None:
    rests = GatherDelay()
    rests.polled(polled(1), 100.0)
    rests.put(101.0)
    assert rests.left(101.0 + MAX_DELAY_SECONDS / 2) == pytest.approx(MAX_DELAY_SECONDS / 2)
    assert rests.left(101.0 + MAX_DELAY_SECONDS) == 0.0


def test_a_sink_whose_puts_cost_the_same_whatever_is_in_them_makes_half_as_many() -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    seconds = [random.Random(seed).uniform(0.02, 0.04) for _ in range(200)]
    rests, now = GatherDelay(), 0.0
    for each in seconds:
        now += rests.left(now)
        rests.polled(polled(3), now)
        now += each
        rests.put(now)
    assert 1.6 * sum(seconds) < now < 2 * sum(seconds)
