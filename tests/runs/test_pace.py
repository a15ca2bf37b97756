"""How fast a run reads: by the clock alone, and in the loop."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.runs import note
from ferryman.runs.note import Note
from ferryman.runs.pace import MAX_REST_SECONDS, Pace
from ferryman.runs.yielding import Yielding
from ferryman.task.sink.loop import SILENCE_SECONDS
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


@given(st.floats(1 / 64, 1), st.lists(st.floats(0, 2), max_size=40))
def test_it_works_no_more_of_the_time_than_its_share(share: float, pieces: list[float]) -> None:
    pace, now = Pace(yielding=Yielding(share)), 100.0
    for seconds in pieces:
        now += seconds
        pace.worked(seconds, now)
        assert pace.rest(now) <= MAX_REST_SECONDS + 1e-6
        now += pace.rest(now) + 1e-9
        assert pace.rest(now) < 1e-6
    if max(pieces, default=0.0) / share <= MAX_REST_SECONDS:
        assert sum(pieces) <= share * (now - 100.0) + 1e-6


def test_a_share_that_grows_while_it_rests_shortens_the_rest() -> None:
    pace = Pace(yielding=Yielding(0.1))
    pace.worked(1.0, 10.0)
    assert pace.rest(10.0) == pytest.approx(9.0)
    pace.yielding.share = 0.5
    assert pace.rest(10.0) == pytest.approx(1.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A run whose sink takes a second for each of the values, and that may work a quarter of the time."""
    task = HandDriven(monkeypatch)
    monkeypatch.setattr(task.worker, "wait", task.clock.pass_)
    task.sink.during_put = lambda: task.clock.pass_(1.0)
    task.session.reading.pace = Pace(yielding=Yielding(0.25))
    for number in range(5):
        task.fill(A, b"%d" % number)
    return task


def test_the_loop_gives_the_sink_nothing_while_it_gives_way_and_keeps_its_membership(slow: HandDriven) -> None:
    slow.session.backlog.slices.most = 1
    began = slow.clock.now

    def story() -> Iterator[None]:
        slow.consumer.give(A)
        while len(slow.sink.taken) < 5:
            yield

    slow.run(story)
    assert slow.clock.now - began >= 4 * 4.0
    assert len(slow.consumer.polled_at) >= 4 * 3.0 / (SILENCE_SECONDS + 1)


def test_what_it_commits_says_how_much_it_works_and_is_no_sinks_metadata(slow: HandDriven) -> None:
    def story() -> Iterator[None]:
        slow.consumer.give(A)
        while slow.group_offset(A) != 5:
            yield

    slow.run(story)
    offset, metadata = slow.cluster.committed[A]
    assert (offset, note.load(metadata)) == (5, (Note(0.25), ""))


def test_what_it_has_not_rested_for_is_not_forgotten_when_it_works_again() -> None:
    pace = Pace(yielding=Yielding(0.5))
    pace.worked(2.0, 10.0)
    pace.worked(1.0, 12.0)  # a commit, of which one second comes before it
    assert pace.rest(12.0) == pytest.approx(2.0)
    pace.worked(1.0, 20.0)
    assert pace.rest(20.0) == pytest.approx(1.0)


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
