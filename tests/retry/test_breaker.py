"""When a process that died is started again."""

from ferryman.retry.breaker import DEATHS, HEALTHY, LONGEST_WAIT, Breaker


def test_the_first_death_is_followed_at_once_and_the_next_ones_later_and_later() -> None:
    breaker = Breaker()
    waits = [breaker.died(2.0) for _ in range(DEATHS - 1)]
    assert waits[0] == 0.0
    assert waits == sorted(waits)
    assert not breaker.open


def test_it_opens_after_some_deaths_in_a_row_and_closes_after_a_minutes_life() -> None:
    breaker = Breaker()
    for _ in range(DEATHS):
        wait = breaker.died(2.0)
    assert breaker.open
    assert wait == LONGEST_WAIT
    breaker.lives()
    assert not breaker.open


def test_deaths_that_lie_far_apart_never_open_it() -> None:
    breaker = Breaker()
    for _ in range(100):
        assert breaker.died(HEALTHY) == 0.0
    assert not breaker.open
