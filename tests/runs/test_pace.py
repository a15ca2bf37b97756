"""How fast a run reads: by the clock alone, and in the loop."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.runs.pace import Pace
from tests.task.sink.hand_driven import A, HandDriven


@given(st.floats(0.5, 1e5), st.lists(st.floats(0, 3), max_size=60))
def test_no_more_is_read_than_the_rate_allows_and_a_second_beside(rate: float, delays: list[float]) -> None:
    pace, now, read = Pace(rate), 100.0, 0
    for delay in delays:
        now += max(delay, pace.wait(now))
        some = pace.limit(20_000)
        pace.polled(some, now)
        read += some
    elapsed = now - 100.0
    assert read <= rate * elapsed + max(1.0, rate) + 1e-3 * read


def test_without_a_rate_nothing_waits() -> None:
    pace = Pace()
    pace.polled(10**9, 1.0)
    assert pace.wait(1.0) == 0
    assert pace.limit(500) == 500


def test_the_loop_polls_no_more_in_a_second_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch)
    task.session.reading.pace = Pace(10.0)
    task.fill(A, *(b"x" for _ in range(35)))
    began = task.clock.now
    after: list[float] = []

    def story() -> Iterator[None]:
        task.consumer.give(A)
        for wanted in (10, 20, 30, 35):
            while len(task.sink.taken) < wanted:
                yield
            after.append(task.clock.now - began)

    task.run(story)
    assert len(task.sink.taken) == 35
    assert after[1] >= 1.0
    assert after[3] >= 3.0
