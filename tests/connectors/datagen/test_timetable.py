"""When invented records are due."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.datagen.timetable import STEP_SECONDS, AtOnce, Intervals, Steady, timetable


def test_a_throughput_wins_over_an_interval_and_neither_means_at_once() -> None:
    assert isinstance(timetable(10, 0.5, 0.0), Steady)
    assert isinstance(timetable(-1, 0.5, 0.0), Intervals)
    assert isinstance(timetable(-1, 0.0, 0.0), AtOnce)


@given(st.integers(1, 100_000), st.lists(st.floats(0.0, 0.5), max_size=30), st.integers(1, 5000))
def test_a_steady_timetable_is_never_early_and_catches_up(rate: int, pauses: list[float], most: int) -> None:
    steady, now, handed = Steady(rate, 0.0), 0.0, 0
    for pause in pauses:
        now += pause
        handed += steady.due(now, most)
        assert handed <= now * rate
    while count := steady.due(now, most):
        handed += count
    assert handed == int(now * rate)


def test_a_steady_timetable_waits_for_a_step_or_for_one_record() -> None:
    assert Steady(1000, 0.0).wait(0.0) == STEP_SECONDS
    assert Steady(1, 0.0).wait(0.0) == 1.0
    assert Steady(1, 0.0).wait(3.0) < 0


def test_intervals_hand_over_what_has_passed() -> None:
    intervals = Intervals(0.001, 0.0)
    assert intervals.wait(-1.0) == 1.0
    assert intervals.due(1.0, 5) == 5
    assert intervals.due(1.0, 100_000) > 900
    assert intervals.following > 1.0
