"""What the worker wants of a task, and what the task tells: a stop is final, a wait ends with a wish."""

import threading
import time
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


def test_a_wish_that_comes_before_a_wait_ends_it_and_not_the_next_one_too(control: Control) -> None:
    began = time.monotonic()
    for wish in ("pause", "run", "pause"):
        control.wish(wish)
        control.wait(FOREVER)
    assert time.monotonic() - began < FOREVER
    other = threading.Timer(0.02, control.wish, ["run"])
    other.start()
    control.wait(FOREVER)
    assert not control.pausing, "it had not waited, as the pause was heard already"
    other.join()


def test_a_wish_ends_the_waits_of_all_threads_whoever_hears_it_first(control: Control) -> None:
    waits = [threading.Thread(target=control.wait, args=[FOREVER]) for _ in range(3)]
    for each in waits[:2]:
        each.start()
    control.wish("pause")
    waits[2].start()
    for each in waits:
        each.join(FOREVER / 2)
        assert not each.is_alive()


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
