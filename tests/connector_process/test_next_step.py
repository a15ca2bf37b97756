"""What a connector's thread does next, and in which order requests that come together are met."""

import threading
from collections.abc import Callable

import pytest

from ferryman.connector_process import next_step
from ferryman.connector_process.next_step import NextStep
from ferryman.leases import lease
from ferryman.leases.lease import Lease


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def later(done: Callable[[], object]) -> threading.Thread:
    """On a thread of its own."""
    thread = threading.Thread(target=done, daemon=True)
    thread.start()
    return thread


def test_it_is_asked_once_without_being_told_and_then_when_somebody_wants_it() -> None:
    clock = Clock()
    found = NextStep(clock=clock)
    assert found.next() == "ask"
    found.taken()
    clock.now += next_step.MIN_SECONDS_BETWEEN_REQUESTS
    steps: list[str] = []
    asked = later(lambda: steps.append(found.next()))
    found.request()
    asked.join()
    assert steps == ["ask"]


def test_requests_that_come_while_an_answer_is_on_its_way_are_met_by_one_call() -> None:
    clock = Clock()
    found = NextStep(clock=clock)
    found.next()
    for _ in range(5):
        found.request()
    clock.now += next_step.MIN_SECONDS_BETWEEN_REQUESTS
    steps: list[str] = []

    def all_steps() -> None:
        while not steps or steps[-1] != "stop":
            steps.append(found.next())
            found.taken()

    thread = later(all_steps)
    assert steps == []
    found.taken()
    while not steps:
        thread.join(0.001)
    clock.now += next_step.MIN_SECONDS_BETWEEN_REQUESTS
    found.stop()
    thread.join()
    assert steps == ["ask", "stop"]


def test_a_connector_that_asks_without_end_is_met_now_and_then() -> None:
    clock = Clock()
    found = NextStep(clock=clock)
    found.next()
    found.taken()
    found.request()
    steps: list[str] = []
    thread = later(lambda: steps.append(found.next()))
    found.request()
    thread.join(0.05)
    assert steps == []
    clock.now += next_step.MIN_SECONDS_BETWEEN_REQUESTS
    found.request()
    thread.join()
    assert steps == ["ask"]


def test_an_end_comes_before_everything_and_is_final() -> None:
    found = NextStep()
    assert found.wait(0.0) is False
    found.stop()
    found.request()
    assert (found.next(), found.next(), found.ends) == ("stop", "stop", True)
    assert found.wait(600.0) is True


@pytest.mark.parametrize("number", range(20))
def test_whoever_waits_is_woken_by_the_end(number: int) -> None:
    found = NextStep()
    found.next()
    waits = [later(lambda: found.next()), later(lambda: found.wait(600.0))]
    found.stop()
    for each in waits:
        each.join(60)
    assert not any(each.is_alive() for each in waits)


def test_nothing_begins_without_a_lease() -> None:
    found = NextStep(Lease(0.0, 0.0))
    begins: list[bool] = []
    thread = later(lambda: begins.append(found.leased()))
    assert begins == []
    found.renew(Lease(lease.now() + 600, lease.now() + 600))
    thread.join()
    ended = NextStep(Lease(0.0, 0.0))
    ended.stop()
    assert (begins, ended.leased(), NextStep().leased()) == ([True], False, True)
