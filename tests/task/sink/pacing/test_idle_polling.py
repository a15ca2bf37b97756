"""How a task waits for records when none have come for a while."""

import pytest

from ferryman.task.sink.pacing import idle_polling
from ferryman.task.sink.pacing.idle_polling import IDLE_AFTER_SECONDS, MAX_STRETCH_SECONDS, IdlePolling
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(idle_polling, "time", clock)
    return clock


def test_soon_after_records_every_poll_is_followed_by_a_round(clock: Clock) -> None:
    waiting = IdlePolling(lambda: False, worked=clock.now)
    clock.pass_(IDLE_AFTER_SECONDS - 1)
    assert not waiting.quiet(float("inf"))()


def test_after_a_while_polls_follow_one_another_for_a_stretch(clock: Clock) -> None:
    waiting = IdlePolling(lambda: False, worked=clock.now - IDLE_AFTER_SECONDS)
    quiet = waiting.quiet(float("inf"))
    clock.pass_(MAX_STRETCH_SECONDS / 2)
    assert quiet()
    clock.pass_(MAX_STRETCH_SECONDS / 2)
    assert not quiet()


def test_what_is_due_sooner_ends_the_stretch(clock: Clock) -> None:
    quiet = IdlePolling(lambda: False, worked=clock.now - IDLE_AFTER_SECONDS).quiet(clock.now + MAX_STRETCH_SECONDS / 4)
    assert quiet()
    clock.pass_(MAX_STRETCH_SECONDS / 4)
    assert not quiet()


def test_so_does_what_is_asked_meanwhile(clock: Clock) -> None:
    asked = list[str]()
    quiet = IdlePolling(lambda: bool(asked), worked=clock.now - IDLE_AFTER_SECONDS).quiet(float("inf"))
    assert quiet()
    asked.append("stop")
    assert not quiet()
