"""When a task that has failed is started again: waits that grow, an end of tries, a long life that ends the count."""

import pytest

from ferryman.retry.restarts import NEVER, SPREAD, Policy, Restarts


def within(wait: float | None, aim: float) -> bool:
    """Whether a wait is what it should be, give or take the spread."""
    return wait is not None and aim * (1 - SPREAD) <= wait <= aim * (1 + SPREAD)


def test_waits_double_up_to_the_longest() -> None:
    restarts = Restarts(Policy(None, 30.0, 600.0))
    waits = [restarts.failed(1.0, may_recover=True) for _ in range(40)]
    aims = [30.0, 60.0, 120.0, 240.0, 480.0, *[600.0] * 35]
    assert all(within(wait, aim) for wait, aim in zip(waits, aims, strict=True))


def test_no_two_tasks_come_back_in_step() -> None:
    policy = Policy(None, 30.0, 600.0)
    assert len({Restarts(policy).failed(1.0, may_recover=True) for _ in range(20)}) == 20


def test_after_so_many_in_a_row_it_is_over() -> None:
    restarts = Restarts(Policy(3, 1.0, 10.0))
    assert [restarts.failed(1.0, may_recover=True) is None for _ in range(5)] == [False, False, False, True, True]


def test_a_life_as_long_as_the_longest_wait_is_a_new_beginning() -> None:
    restarts = Restarts(Policy(3, 1.0, 10.0))
    for _ in range(3):
        restarts.failed(9.9, may_recover=True)
    assert within(restarts.failed(10.0, may_recover=True), 1.0)
    assert restarts.failures == 1


@pytest.mark.parametrize(("policy", "may_recover"), [(NEVER, True), (Policy(0), True), (Policy(3), False)])
def test_where_nothing_is_to_be_tried_or_nothing_helps_it_stays_failed(policy: Policy, may_recover: bool) -> None:
    assert Restarts(policy).failed(1.0, may_recover) is None
