"""For how long a task was running and paused."""

from ferryman.task.meters.state_clock import StateClock
from tests.clock import Clock


def test_a_task_that_has_told_nothing_was_in_no_state() -> None:
    clock = StateClock(Clock().monotonic)
    assert (clock.part("running"), clock.part("paused")) == (0.0, 0.0)


def test_each_state_has_its_part_of_the_time_since_the_first() -> None:
    time = Clock()
    clock = StateClock(time.monotonic)
    clock.told("running")
    assert clock.part("running") == 1.0
    time.pass_(30)
    clock.told("paused")
    time.pass_(10)
    assert (clock.part("running"), clock.part("paused")) == (0.75, 0.25)


def test_what_is_no_state_changes_nothing() -> None:
    time = Clock()
    clock = StateClock(time.monotonic)
    clock.told("running")
    time.pass_(5)
    clock.told("topic")
    clock.told("running")
    time.pass_(5)
    assert clock.part("running") == 1.0
