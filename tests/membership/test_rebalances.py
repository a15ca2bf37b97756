"""How often a member was part of a rebalance, and for how long."""

import math

import pytest

from ferryman.membership.rebalances import Rebalances
from ferryman.metrics.windows import Sampling
from tests.clock import Clock


def test_before_the_first_there_is_nothing_to_tell() -> None:
    found = Rebalances()
    assert (found.completed, found.under_way, found.since) == (0, False, math.inf)


def test_one_lasts_from_the_first_declaration_to_the_leaders_word() -> None:
    clock = Clock()
    found = Rebalances(Sampling(clock=clock.monotonic))
    found.begins()
    clock.pass_(2)
    found.begins()  # the coordinator wanted it once more
    assert found.under_way
    clock.pass_(1)
    found.ends()
    assert (found.completed, found.under_way, found.took.most) == (1, False, 3000)
    clock.pass_(5)
    assert found.since == 5000


def test_a_rebalance_is_rested_from_three_times_as_long_as_it_kept_the_worker_busy() -> None:
    clock = Clock()
    found = Rebalances(Sampling(clock=clock.monotonic))
    assert found.rest == 0
    for _ in range(2):
        found.begins()
        with found.at_work():
            clock.pass_(0.1)
        clock.pass_(2)  # for the others' sake
        with found.at_work():
            clock.pass_(0.1)
        found.ends()
        assert found.rest == pytest.approx(0.6)
    clock.pass_(0.5)
    assert found.rest == pytest.approx(0.1)
    clock.pass_(5)
    assert found.rest == 0
