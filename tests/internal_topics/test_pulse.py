"""A client lives as long as its statistics come, however long its user was away."""

import pytest

from ferryman.internal_topics.pulse import LONGEST_LOOK, SILENT_SECONDS, Pulse


@pytest.fixture
def pulse() -> Pulse:
    return Pulse()


def poll(pulse: Pulse, seconds: float, pause: float = 0.5, start: float = 1000.0) -> float:
    """Polls for so long; when that is over."""
    now, end = start, start + seconds
    while now < end:
        pulse.polled(now)
        now += pause
    pulse.polled(end)
    return end


def test_a_client_without_statistics_is_dead_after_a_while(pulse: Pulse) -> None:
    now = poll(pulse, SILENT_SECONDS - 1)
    assert not pulse.dead
    poll(pulse, 1.5, start=now)
    assert pulse.dead


def test_statistics_show_that_it_lives(pulse: Pulse) -> None:
    now = 1000.0
    for _ in range(20):
        now = poll(pulse, SILENT_SECONDS - 1, start=now)
        pulse.settings["stats_cb"]("{}")
        assert not pulse.dead


def test_the_time_in_which_nobody_polled_does_not_count(pulse: Pulse) -> None:
    for number in range(10):
        pulse.polled(1000.0 + 3600 * number)
    assert not pulse.dead
    assert 10 * LONGEST_LOOK < SILENT_SECONDS


def test_who_was_never_polled_is_not_dead(pulse: Pulse) -> None:
    assert not pulse.dead
