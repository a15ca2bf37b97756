"""A process that dies is started again, sooner at first, and from the fifth death in a row on its task has failed."""

import pytest

from ferryman.retry.breaker import Breaker


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Back-off that tells which try it was asked for."""
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: attempt + longest / 1000)


@pytest.mark.usefixtures("waits")
def test_the_first_death_costs_nothing_the_next_ones_back_off_and_the_fifth_opens() -> None:
    breaker = Breaker()
    assert [breaker.died(1.0) for _ in range(4)] == [0.0, 1.06, 2.06, 3.06]
    assert not breaker.open
    assert breaker.died(1.0) == 60.0
    assert breaker.open


@pytest.mark.parametrize("lived", [60.0, 61.0])
def test_a_minutes_life_makes_former_deaths_forgotten(lived: float) -> None:
    breaker = Breaker(deaths=4)
    assert breaker.died(lived) == 0.0
    assert (breaker.deaths, breaker.open) == (1, False)


def test_a_life_of_less_than_a_minute_does_not() -> None:
    breaker = Breaker(deaths=4)
    breaker.died(59.9)
    assert breaker.open


def test_an_open_one_is_tried_once_a_minute_until_a_process_lives() -> None:
    breaker = Breaker(deaths=5)
    assert [breaker.died(1.0), breaker.died(59.0)] == [60.0, 60.0]
    breaker.lives()
    assert not breaker.open
    assert breaker.died(1.0) == 0.0
