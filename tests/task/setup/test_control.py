"""What the worker wants of a task, and what the task tells: a stop is final, a wait ends with a wish."""

import threading
from typing import Any

import pytest

from ferryman.task.setup.control import Control

FOREVER = 60.0


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def control(told: list[tuple[str, dict[str, Any]]]) -> Control:
    return Control(lambda event, facts: told.append((event, facts)))


def test_a_task_runs_until_it_is_told_otherwise(control: Control) -> None:
    assert (control.stopping, control.pausing) == (False, False)
    control.wish("pause")
    assert (control.stopping, control.pausing) == (False, True)
    control.wish("run")
    assert (control.stopping, control.pausing) == (False, False)
    control.wish("stop")
    assert (control.stopping, control.pausing) == (True, False)


def test_a_stop_is_final(control: Control) -> None:
    control.wish("stop")
    control.wish("run")
    control.wish("pause")
    assert (control.stopping, control.pausing) == (True, False)


def test_a_wait_is_over_after_its_time(control: Control) -> None:
    assert control.wait(0.0) is False


def test_there_is_no_wait_once_the_task_is_to_stop(control: Control) -> None:
    control.wish("stop")
    assert control.wait(FOREVER) is True


@pytest.mark.parametrize(
    ("before", "wish", "stops"), [("run", "stop", True), ("run", "pause", False), ("pause", "run", False)]
)
def test_a_wait_ends_with_a_new_wish(control: Control, before: Any, wish: Any, stops: bool) -> None:
    control.wish(before)
    other = threading.Timer(0.02, control.wish, [wish])
    other.start()
    assert control.wait(FOREVER) is stops
    other.join()


def test_a_topic_is_told_once_until_the_record_of_topics_is_reset(
    control: Control, told: list[tuple[str, dict[str, Any]]]
) -> None:
    for _ in range(2):
        control.used("t")
        control.used("u")
    assert told == [("topic", {"topic": "t"}), ("topic", {"topic": "u"})]
    control.forget_topics()
    control.used("t")
    assert told[2:] == [("topic", {"topic": "t"})]
