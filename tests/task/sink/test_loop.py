"""The sink loop round by round: what it puts, commits, pauses, retries and gives up, and in which order.

A test tells a story in which each ``yield`` is one round of the loop; when the story is over, the task is to stop.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.api import Committed
from ferryman.errors import DataError, FencedError, Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import TopicPartition
from ferryman.retry.outage import Patience
from ferryman.task.sink.idling import AFTER
from ferryman.task.sink.loop import SILENCE
from ferryman.task.sink.pausing import PATIENCE
from ferryman.task.sink.rests import QUICK
from ferryman.task.sink.sink_thread import LOOK, StillBusy
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.recording_sink import FlushingSink

Story = Iterator[None]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task whose sink has no part in commits."""
    return HandDriven(monkeypatch)


@pytest.fixture
def flushing(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task whose sink says itself what is durable."""
    return HandDriven(monkeypatch, FlushingSink)


def called(task: HandDriven, name: str) -> list[Any]:
    return [facts for each, facts in task.sink.calls if each == name]


def until(condition: Callable[[], object], rounds: int = 1000) -> Story:
    """Rounds until a condition holds."""
    for _ in range(rounds):
        if condition():
            return
        yield
    raise AssertionError("not within so many rounds")


def taken(task: HandDriven, count: int) -> Story:
    return until(lambda: len(task.sink.taken) >= count)


# Poll and put.


def test_what_is_polled_is_put_and_committed_when_the_interval_is_over(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 2)
        assert task.group_offset(A) is None
        task.clock.pass_(TIMING.commit_interval)
        yield
        assert task.group_offset(A) == 2
        assert task.group_offset(B) == 0

    task.run(story)
    assert task.sink.values() == ["1", "2"]


def test_no_commit_is_made_before_the_interval_is_over(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        began = 1000.0
        while task.clock.now < began + TIMING.commit_interval - 2 * LOOK:
            yield
        assert task.consumer.commits == []
        yield from until(lambda: task.consumer.commits)
        first = task.clock.now
        assert first < began + TIMING.commit_interval + 2 * LOOK
        task.fill(A, b"2")
        yield from until(lambda: len(task.consumer.commits) == 2)
        assert task.clock.now >= first + TIMING.commit_interval - LOOK

    task.run(story)


def test_the_group_is_not_told_again_what_it_has(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.consumer.commits)
        for _ in range(3):
            task.clock.pass_(TIMING.commit_interval)
            yield

    task.run(story)
    assert task.consumer.commits == [{A: (1, "")}]


def test_the_worker_is_told_which_topics_are_used(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)

    task.run(story)
    assert [each for each in task.worker.told if each[0] == "topic"] == [("topic", {"topic": "t"})]


def test_no_more_records_are_polled_at_once_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch, timing=replace(TIMING, limit=2))
    task.fill(A, *[b"v"] * 5)
    most = 0

    def story() -> Story:
        nonlocal most
        task.consumer.give(A)
        while len(task.sink.taken) < 5:
            position = task.session.delivery.position(A)
            most = max(most, (position.polled if position else 0) - len(task.sink.taken))
            yield

    task.run(story)
    assert most == 2


def test_an_idle_loop_waits_in_its_polls(task: HandDriven) -> None:
    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(5))

    task.run(story)
    assert task.consumer.polled_at == [LOOK] * 5
    assert task.consumer.resumed == 1, "when its partition came, and never again"


def test_records_gather_after_a_put_that_took_its_time_for_few(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.fill(A, b"1")
    task.sink.during_put = lambda: task.clock.pass_(0.03)
    rests = list[float]()
    monkeypatch.setattr(task.worker, "wait", lambda seconds: rests.append(seconds))

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        yield from (None for _ in range(5))

    task.run(story)
    assert rests[:1] == [pytest.approx(0.03 - QUICK)]
    assert len(task.sink.taken) == 1


def idle(task: HandDriven, seconds: float, disturb: Callable[[], object] = lambda: None) -> int:
    """How many rounds the loop makes in so many seconds without a record, after it has been idle for a while."""
    rounds = 0

    def story() -> Story:
        nonlocal rounds
        task.consumer.give(A, B)
        yield from until(lambda: task.clock.now >= 1000.0 + AFTER)
        disturb()
        until_then = task.clock.now + seconds
        while task.clock.now < until_then:
            rounds += 1
            yield

    task.run(story)
    return rounds


def test_a_task_that_waits_polls_five_times_a_second_and_makes_one_round(task: HandDriven) -> None:
    assert idle(task, 30.0) <= 40
    assert set(task.consumer.polled_at) == {LOOK}


def test_a_task_that_waits_sees_what_it_is_asked_with_its_next_poll(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, sent = list[float](), list[float]()
    monkeypatch.setattr(task.session.commits, "send", lambda wanted: sent.append(task.clock.now))

    def disturb() -> None:
        poll, polls = task.consumer.poll, count()

        def asked_while_polling(timeout: float) -> Any:
            if next(polls) == 2:
                asked.append(task.clock.now)
                task.session.request_commit()
            return poll(timeout)

        monkeypatch.setattr(task.consumer, "poll", asked_while_polling)

    idle(task, 2.0, disturb)
    assert min(at for at in sent if at > asked[0]) == pytest.approx(asked[0] + LOOK)


def test_a_record_ends_the_waiting_at_once(task: HandDriven) -> None:
    taken_at, came = list[float](), list[float]()
    task.sink.during_put = lambda: taken_at.append(task.clock.now)

    def disturb() -> None:
        came.append(task.clock.now)
        task.fill(A, b"late")

    idle(task, 2.0, disturb)
    assert taken_at[0] - came[0] <= LOOK + 1e-6


# Where to start.


def test_the_sinks_word_on_where_to_start_wins_over_the_groups(task: HandDriven) -> None:
    task.fill(A, b"0", b"1", b"2", b"3")
    task.fill(B, b"x", b"y")
    task.cluster.committed[A] = task.cluster.committed[B] = 1, ""
    task.sink.starts = {A: 3}

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 2)

    task.run(story)
    assert sorted(task.sink.values()) == ["3", "y"]


def test_what_the_sink_knows_better_is_committed_though_the_group_has_an_older_offset(task: HandDriven) -> None:
    task.fill(A, b"0", b"1", b"2")
    task.cluster.committed[A] = 1, ""
    task.sink.starts = {A: 3}

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.group_offset(A) == 3)

    task.run(story)
    assert task.sink.taken == []


def test_without_a_place_to_start_the_task_fails_and_names_the_partitions(task: HandDriven) -> None:
    task.session.group.read_from = "error"
    task.cluster.committed[A] = 0, ""

    def story() -> Story:
        task.consumer.give(A, B)
        yield

    with pytest.raises(TaskError, match=r"^t-1: no usable offset"):
        task.run(story)


def test_a_sink_that_knows_where_to_start_needs_no_offset_of_the_group(task: HandDriven) -> None:
    task.session.group.read_from = "error"
    task.fill(A, b"0", b"1")
    task.sink.starts = {A: 1}

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)

    task.run(story)
    assert task.sink.values() == ["1"]


# Commits in which the sink has a part.


def test_a_sink_is_asked_what_is_durable_and_told_what_the_group_has(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2", b"3")
    flushing.sink.wanted = lambda offsets: {A: Committed(2, "mine")}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 3)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "committed"))

    flushing.run(story)
    assert called(flushing, "pre_commit") == [{A: 3}]
    assert flushing.cluster.committed[A] == (2, "mine")
    assert called(flushing, "committed") == [{A: Committed(2, "mine")}]


def test_what_the_sink_wants_beyond_what_it_took_is_not_committed(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.wanted = lambda offsets: {A: Committed(2)}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield from (None for _ in range(5))

    flushing.run(story)
    assert flushing.consumer.commits == []
    assert called(flushing, "committed") == []


def test_a_sink_that_cannot_say_now_is_asked_again_after_the_interval(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.errors["pre_commit"] = RetriableError("away")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        asked = flushing.clock.now
        yield from until(lambda: flushing.clock.now >= asked + TIMING.commit_interval / 2)
        assert len(called(flushing, "pre_commit")) == 1
        flushing.sink.errors.clear()
        yield from until(lambda: flushing.group_offset(A) == 1)

    flushing.run(story)


@pytest.mark.parametrize("error", [Indeterminate("who knows"), TaskError("no way"), ValueError("oops")])
def test_any_other_error_of_a_flush_ends_the_session(flushing: HandDriven, error: Exception) -> None:
    flushing.sink.errors["pre_commit"] = error

    def story() -> Story:
        flushing.consumer.give(A)
        flushing.session.request_commit()
        yield from (None for _ in range(10))

    with pytest.raises(type(error), match=str(error)):
        flushing.run(story)


def test_a_refused_commit_is_not_told_to_the_sink_and_made_again_later(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.consumer.answers.append(KafkaError.REBALANCE_IN_PROGRESS)

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield
        assert called(flushing, "committed") == []
        yield from until(lambda: called(flushing, "committed"))

    flushing.run(story)
    assert len(called(flushing, "pre_commit")) == 2


def test_a_commit_without_an_answer_ends_the_session(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.consumer.answers.append(KafkaError._TIMED_OUT)

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.session.request_commit()
        yield

    with pytest.raises(Indeterminate):
        task.run(story)


def test_a_commit_that_was_computed_before_a_rebalance_is_not_sent_after_it(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2")
    flushing.sink.wanted = lambda offsets: {}

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 2)
        # The flush is under way, and the rebalance, without a revocation, comes in the same round.
        flushing.clock.pass_(SILENCE)
        flushing.session.request_commit()
        flushing.sink.wanted = lambda offsets: {A: Committed(2)}
        flushing.consumer.lose(A)
        flushing.consumer.give(A)
        yield
        yield
        assert flushing.consumer.commits == []

    flushing.run(story)


def test_a_busy_sink_with_no_part_in_commits_is_committed_meanwhile(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.thread.held = True
        task.fill(A, b"2")
        yield from until(lambda: task.thread.busy)
        task.session.request_commit()
        yield
        assert task.group_offset(A) == 1
        assert task.thread.busy
        assert not task.backlog.hurry
        task.thread.held = False

    task.run(story)


def test_a_busy_sink_that_has_a_part_in_commits_is_asked_to_hurry_and_flushed_before_the_next_slice(
    flushing: HandDriven,
) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from until(lambda: flushing.session.delivery.lag() == 1)
        flushing.thread.held = True
        yield
        yield
        assert not flushing.backlog.hurry
        flushing.session.request_commit()
        yield
        assert flushing.backlog.hurry
        assert called(flushing, "pre_commit") == []
        flushing.fill(A, b"2")
        flushing.thread.held = False
        yield from until(lambda: flushing.group_offset(A) == 1)
        assert flushing.sink.values() == ["1"]
        yield from taken(flushing, 2)
        assert not flushing.backlog.hurry

    flushing.run(story)


def test_between_two_commits_comes_a_slice_however_short_the_interval_is(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch, FlushingSink, replace(TIMING, commit_interval=0.0))
    one_record_a_slice(task)
    task.fill(A, b"1", b"2", b"3")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 3)

    task.run(story)
    assert [committed[A].offset for committed in called(task, "committed")] == [0, 1, 2]


def test_a_sink_may_have_offsets_committed_in_the_middle_of_a_put(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.cluster.committed[A] = 0, "old"
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        assert flushing.cluster.committed[A] == (0, "length 17")
        assert called(flushing, "committed") == [{A: Committed(0, "length 17")}]

    flushing.run(story)


def test_in_the_middle_of_a_put_what_was_put_before_may_be_committed(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.fill(B, b"2")

    def during_put() -> None:
        if flushing.sink.taken:
            flushing.sink.context.commit({flushing.sink.taken[0][0]: Committed(1)})

    flushing.sink.during_put = during_put

    def story() -> Story:
        flushing.consumer.give(A, B)
        yield from taken(flushing, 2)

    flushing.run(story)
    assert list(flushing.cluster.committed.values()) == [(1, "")]


def test_a_commit_that_the_sink_needs_and_the_group_has_already_is_fine(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.cluster.committed[A] = 0, "length 17"
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)

    flushing.run(story)
    assert flushing.consumer.commits == []


def test_what_the_group_had_at_the_start_is_not_committed_again(flushing: HandDriven) -> None:
    flushing.cluster.committed[A] = 0, "mine"
    flushing.sink.wanted = lambda offsets: {A: Committed(0, "mine")}

    def story() -> Story:
        flushing.consumer.give(A)
        yield
        flushing.session.request_commit()
        yield from until(lambda: called(flushing, "pre_commit"))
        yield from (None for _ in range(3))

    flushing.run(story)
    assert flushing.consumer.commits == []


def test_a_commit_that_the_sink_needs_and_does_not_get_ends_the_session(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.consumer.answers.append(KafkaError.ILLEGAL_GENERATION)
    flushing.sink.during_put = lambda: flushing.sink.context.commit({A: Committed(0, "length 17")})

    def story() -> Story:
        flushing.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(Indeterminate, match="moved on"):
        flushing.run(story)
    assert flushing.sink.taken == []


def test_a_sink_may_commit_before_it_opens(flushing: HandDriven, monkeypatch: pytest.MonkeyPatch) -> None:
    flushing.cluster.committed[A] = 0, ""

    def opened(partitions: Any) -> Mapping[TopicPartition, int]:
        flushing.sink.context.commit({A: Committed(0, "begun")})
        return {}

    monkeypatch.setattr(flushing.sink, "open", opened)

    def story() -> Story:
        flushing.consumer.give(A)
        yield

    flushing.run(story)
    assert flushing.cluster.committed[A] == (0, "begun")


# Outages.


def test_during_an_outage_the_same_comes_again_and_the_membership_goes_on_paused(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    task.sink.outcomes.extend([RetriableError("away", after=30.0)] * 2)

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        failed = task.clock.now
        task.fill(A, b"3")
        yield
        polls = len(task.consumer.polled_at)
        yield from until(lambda: task.clock.now >= failed + 29)
        assert task.session.group.paused
        assert len(task.consumer.polled_at) > polls + 10
        assert len(task.sink.offered) == 1
        yield from until(lambda: len(task.sink.offered) == 2)
        assert failed + 30 <= task.clock.now < failed + 31
        yield from taken(task, 3)
        assert not task.session.group.paused

    task.run(story)
    assert task.sink.values() == ["1", "2", "3"]


def test_the_wait_grows_from_try_to_try_and_begins_anew_after_a_success(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[tuple[int, float]] = []

    def delay(attempt: int, longest: float) -> float:
        tries.append((attempt, longest))
        return 1.0

    monkeypatch.setattr("ferryman.retry.backoff.delay", delay)
    task.fill(A, b"1")
    task.sink.outcomes.extend([RetriableError("away")] * 3)

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        task.sink.outcomes.append(RetriableError("away"))
        task.fill(A, b"2")
        yield from taken(task, 2)

    task.run(story)
    assert tries == [(1, 60.0), (2, 60.0), (3, 60.0), (1, 60.0)]


def test_a_short_wait_is_not_made_longer_by_a_poll(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(RetriableError("away", after=LOOK / 4))

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        failed = task.clock.now
        yield from taken(task, 1)
        assert failed + LOOK / 4 <= task.clock.now < failed + LOOK / 2

    task.run(story)


def outages(task: HandDriven, between: list[int | Exception]) -> None:
    """The sink is away for 40 s, then ``between`` happens, then it is away again for 40 s."""
    away: list[int | Exception] = [RetriableError("away", after=20.0)] * 3
    task.sink.outcomes.extend([*away, *between, *away])


def test_retrying_is_given_up_after_the_time_that_the_config_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    task = HandDriven(monkeypatch, patience=Patience(retrying=60.0))
    task.fill(A, b"1")
    outages(task, [])

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: False)

    with pytest.raises(TaskError, match=r"gave up after errors\.retry\.timeout: away"):
        task.run(story)
    assert 1060 <= task.clock.now < 1062


@pytest.mark.parametrize("between", [1, Unfinished("not yet")])
def test_a_success_or_no_failure_in_between_starts_the_time_anew(
    monkeypatch: pytest.MonkeyPatch, between: int | Exception
) -> None:
    task = HandDriven(monkeypatch, patience=Patience(retrying=60.0))
    task.fill(A, b"1")
    task.fill(B, b"2")
    one_record_a_slice(task)
    outages(task, [between])

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 2)

    task.run(story)


def test_without_a_time_to_give_up_it_is_retried_for_ever(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.extend([RetriableError("away", after=10_000.0)] * 10)

    def story() -> Story:
        task.consumer.give(A)
        while not task.sink.taken:
            task.clock.pass_(5_000)
            yield

    task.run(story)


def test_a_sink_that_is_not_through_goes_on_after_the_time_it_asked_for(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.extend([Unfinished("later", after=5.0), Unfinished("at once")])

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        first = task.clock.now
        yield from until(lambda: len(task.sink.offered) == 2)
        assert first + 5 <= task.clock.now < first + 6
        second = task.clock.now
        yield from taken(task, 1)
        assert task.clock.now <= second + LOOK

    task.run(story)


@pytest.mark.parametrize(
    "error", [Indeterminate("who knows"), TaskError("no way"), FencedError("taken over"), ValueError("oops")]
)
def test_any_other_error_of_a_put_ends_the_session(task: HandDriven, error: Exception) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(error)

    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(type(error), match=str(error)):
        task.run(story)


def test_a_guilty_record_of_a_sink_that_cannot_be_narrowed_down_ends_the_session(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(task.sink), "atomic", False)
    task.fill(A, b"poison")

    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(10))

    with pytest.raises(DataError):
        task.run(story)


def test_a_record_that_the_sink_reports_is_judged_and_delivered(task: HandDriven) -> None:
    task.fill(A, b"1", b"poison", b"2")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 2)
        task.session.request_commit()
        yield from until(lambda: task.group_offset(A) == 3)

    task.run(story)
    assert task.judge.skipped == {(A, 1)}


# Pause and resume.


def test_a_pause_stops_reading_commits_what_was_taken_and_is_told_then(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        yield from (None for _ in range(3))
        flushing.worker.wish("pause")
        flushing.fill(A, b"2")
        yield
        assert flushing.worker.states == []
        yield from until(lambda: flushing.worker.states)
        assert flushing.worker.states == ["paused"]
        assert flushing.group_offset(A) == 1
        assert called(flushing, "committed") == [{A: Committed(1)}]
        yield from (None for _ in range(20))
        assert flushing.sink.values() == ["1"]
        assert flushing.session.delivery.lag() == 0
        assert flushing.session.group.paused
        flushing.worker.wish("run")
        yield from taken(flushing, 2)
        assert flushing.worker.states == ["paused", "running"]

    flushing.run(story)


def test_a_pause_is_told_when_what_was_taken_is_committed_though_the_sink_has_no_part_in_it(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 2)
        task.thread.held = True
        yield
        task.worker.wish("pause")
        yield
        assert task.worker.states == []
        task.thread.held = False
        yield from until(lambda: task.worker.states)
        assert task.group_offset(A) == 2

    task.run(story)
    assert task.worker.states == ["paused"]


def test_what_was_polled_before_a_pause_is_put_after_it(task: HandDriven) -> None:
    task.fill(A, b"1", b"2")
    task.sink.outcomes.append(RetriableError("away", after=1.0))

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.sink.offered)
        task.worker.wish("pause")
        yield from (None for _ in range(50))
        assert task.worker.states == ["paused"]
        assert len(task.sink.offered) == 1
        task.worker.wish("run")
        yield from taken(task, 2)

    task.run(story)


def test_a_pause_is_told_in_the_end_though_a_put_goes_on(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield
        began = task.clock.now
        task.worker.wish("pause")
        yield from until(lambda: task.worker.states)
        assert began + PATIENCE <= task.clock.now < began + PATIENCE + 2 * LOOK
        task.thread.held = False

    task.run(story)
    assert task.worker.states == ["paused"]


def test_a_pause_that_is_taken_back_before_it_was_told_is_not_told(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield
        task.worker.wish("pause")
        yield
        task.worker.wish("run")
        yield
        task.worker.wish("pause")
        began = task.clock.now
        yield from until(lambda: task.worker.states)
        assert task.clock.now >= began + PATIENCE
        task.thread.held = False

    task.run(story)


# While a slice runs.


def test_while_a_slice_runs_the_group_is_heard_but_hands_out_nothing(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        task.fill(A, b"2")
        polls, began = len(task.consumer.polled_at), task.clock.now
        yield from until(lambda: task.clock.now >= began + SILENCE - 2 * LOOK)
        assert len(task.consumer.polled_at) == polls
        yield from until(lambda: task.clock.now >= began + 3 * SILENCE + 1)
        assert len(task.consumer.polled_at) == polls + 3
        assert task.consumer.polled_at[polls:] == [0.0] * 3
        assert task.session.delivery.lag() == 1
        task.thread.held = False
        yield from taken(task, 2)

    task.run(story)


def test_while_a_flush_runs_the_group_is_heard_but_hands_out_nothing(flushing: HandDriven) -> None:
    def story() -> Story:
        flushing.consumer.give(A)
        yield
        flushing.thread.held = True
        flushing.session.request_commit()
        yield from until(lambda: flushing.thread.busy)
        flushing.fill(A, b"1")
        polls = len(flushing.consumer.polled_at)
        yield from until(lambda: len(flushing.consumer.polled_at) == polls + 2)
        assert flushing.session.delivery.lag() == 0
        flushing.thread.held = False
        yield from taken(flushing, 1)

    flushing.run(story)


def test_a_stop_waits_for_the_slice_that_runs(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield
        task.thread.held = False

    task.run(story)
    assert task.sink.values() == ["1"]
    assert not task.thread.busy


def test_a_stop_ends_a_slice_between_two_puts(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.fill(B, b"2")

    def story() -> Story:
        task.consumer.give(A, B)
        yield from until(lambda: task.session.delivery.lag() == 2)
        task.thread.held = True
        yield
        task.thread.held = False

    task.run(story)
    assert len(task.sink.taken) == 1


def test_a_stop_that_a_slice_holds_up_for_too_long_is_the_end_of_the_process(task: HandDriven) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield

    with pytest.raises(StillBusy):
        task.run(story)
    assert task.clock.now >= 1000 + TIMING.revocation


def test_a_revocation_that_the_sink_holds_up_gives_its_partitions_to_nobody(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.thread.held = True
        flushing.consumer.take(A)
        yield
        yield

    with pytest.raises(StillBusy):
        flushing.run(story)
    assert called(flushing, "close") == []


def test_an_error_of_the_last_slice_comes_out_of_a_stop(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.sink.outcomes.append(TaskError("no way"))

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield
        task.thread.held = False

    with pytest.raises(TaskError, match="no way"):
        task.run(story)


# Partitions come and go.


def revoked_while_it_runs(task: HandDriven, *sources: TopicPartition) -> None:
    """In the next round the loop polls and hears of a revocation; the slice ends when it is waited for."""
    task.consumer.take(*sources)
    task.clock.pass_(SILENCE)
    task.thread.look = lambda seconds: None  # type: ignore[method-assign]
    task.thread.held = False


def one_record_a_slice(task: HandDriven) -> None:
    task.backlog.slices._size = 1
    task.backlog.slices.learn = lambda records, seconds: None  # type: ignore[method-assign]


def test_a_revocation_waits_for_the_running_slice_drops_the_rest_and_commits_what_was_taken(
    flushing: HandDriven,
) -> None:
    one_record_a_slice(flushing)
    flushing.fill(A, b"1", b"2", b"3")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.thread.held = True
        yield
        revoked_while_it_runs(flushing, A)
        yield from until(lambda: called(flushing, "close"))

    flushing.run(story)
    assert flushing.sink.values() == ["1", "2"]
    assert flushing.group_offset(A) == 2
    assert [name for name, _ in flushing.sink.calls][-3:] == ["pre_commit", "committed", "close"]
    assert not flushing.backlog
    assert flushing.session.delivery.partitions == ()


def test_a_revocation_that_a_slice_holds_up_for_too_long_is_the_end_of_the_process_and_commits_nothing(
    task: HandDriven,
) -> None:
    task.fill(A, b"1")

    def story() -> Story:
        task.consumer.give(A)
        yield from until(lambda: task.session.delivery.lag() == 1)
        task.thread.held = True
        yield
        task.consumer.take(A)
        yield from until(lambda: False)

    with pytest.raises(StillBusy):
        task.run(story)
    assert task.consumer.commits == []
    assert called(task, "close") == []


def test_an_error_of_the_slice_comes_after_what_was_taken_before_it_is_committed(task: HandDriven) -> None:
    task.fill(A, b"1")
    task.fill(B, b"2")
    task.sink.outcomes.extend([1, TaskError("no way")])
    one_record_a_slice(task)

    def story() -> Story:
        task.consumer.give(A, B)
        yield from taken(task, 1)
        task.thread.held = True
        yield
        revoked_while_it_runs(task, A, B)
        yield

    with pytest.raises(TaskError, match="no way"):
        task.run(story)
    source, offset, _ = task.sink.taken[0]
    assert task.group_offset(source) == offset + 1
    assert called(task, "close") == [[A, B]]


def test_partitions_are_given_up_even_if_their_last_commit_goes_wrong(flushing: HandDriven) -> None:
    flushing.fill(A, b"1")
    flushing.sink.errors["pre_commit"] = TaskError("cannot flush")

    def story() -> Story:
        flushing.consumer.give(A)
        yield from taken(flushing, 1)
        flushing.consumer.take(A)
        yield from until(lambda: False)

    with pytest.raises(TaskError, match="cannot flush"):
        flushing.run(story)
    assert called(flushing, "close") == [[A]]
    assert flushing.session.delivery.partitions == ()


def test_when_some_partitions_go_the_sink_is_asked_about_those_and_goes_on_with_the_others(
    flushing: HandDriven,
) -> None:
    flushing.fill(A, b"1")
    flushing.fill(B, b"2")

    def story() -> Story:
        flushing.consumer.give(A, B)
        yield from taken(flushing, 2)
        flushing.session.revoked([A])

    flushing.run(story)
    assert called(flushing, "pre_commit") == [{A: 1}]
    assert called(flushing, "close") == [[A]]
    assert flushing.session.delivery.partitions == (B,)


def test_lost_partitions_are_closed_without_a_commit_and_their_records_dropped(flushing: HandDriven) -> None:
    flushing.fill(A, b"1", b"2")
    flushing.sink.outcomes.append(RetriableError("away", after=1.0))

    def story() -> Story:
        flushing.consumer.give(A)
        yield from until(lambda: flushing.sink.offered)
        flushing.consumer.lose(A)
        yield from until(lambda: called(flushing, "close"))
        assert not flushing.backlog
        yield from (None for _ in range(20))

    flushing.run(story)
    assert called(flushing, "pre_commit") == []
    assert flushing.sink.taken == []


def test_partitions_that_were_never_opened_are_not_closed(flushing: HandDriven) -> None:
    flushing.session.lost([A])
    assert flushing.sink.calls == []


def test_a_partition_that_comes_back_is_read_from_where_the_group_stands_not_from_where_it_was_left(
    task: HandDriven,
) -> None:
    task.fill(A, b"1", b"2")

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 2)
        task.consumer.lose(A)
        yield from until(lambda: called(task, "close"))
        task.cluster.committed[A] = 1, ""
        task.consumer.give(A)
        yield from taken(task, 3)
        task.session.request_commit()
        yield from until(lambda: task.group_offset(A) == 2)

    task.run(story)
    assert task.sink.values() == ["1", "2", "2"]
    assert called(task, "open") == [[A], [A]]


# Topics.


def test_topics_are_looked_at_again_from_time_to_time_and_subscribed_to_when_they_are_others(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribed: list[list[str]] = []
    first = task.consumer.subscribe

    def subscribe(topics: list[str], **callbacks: Any) -> None:
        subscribed.append(topics)
        first(topics, **callbacks)

    monkeypatch.setattr(task.consumer, "subscribe", subscribe)

    def story() -> Story:
        yield from (None for _ in range(10))
        task.topics = ["t", "u"]
        yield
        assert subscribed == [["t"]]
        task.clock.pass_(TIMING.refresh)
        yield
        yield
        assert subscribed == [["t"], ["t", "u"]]
        task.clock.pass_(TIMING.refresh)
        yield

    task.run(story)
    assert subscribed == [["t"], ["t", "u"]]


def test_a_topic_that_was_created_anew_ends_the_session_at_the_next_look(task: HandDriven) -> None:
    def story() -> Story:
        task.consumer.give(A)
        yield
        yield
        task.cluster.create("t", 2)
        yield
        task.clock.pass_(TIMING.refresh)
        yield

    with pytest.raises(Indeterminate, match="t was deleted or created anew"):
        task.run(story)
    assert task.clock.now > 1000 + TIMING.refresh
