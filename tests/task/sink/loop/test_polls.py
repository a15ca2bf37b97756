"""What is polled and put, and how a task waits in its polls."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ferryman.errors import Indeterminate
from ferryman.task.sink.commits import GroupOffsets
from ferryman.task.sink.pacing.gather_delay import QUICK_PUT_SECONDS
from ferryman.task.sink.pacing.idle_polling import IDLE_AFTER_SECONDS
from ferryman.task.sink.sink_thread import POLL_SECONDS
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.loop.story import Story, taken, until


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


def test_no_commit_is_made_before_the_interval_is_over_and_none_long_after(
    task: HandDriven, monkeypatch: pytest.MonkeyPatch
) -> None:
    task.fill(A, b"1")
    commit, sent = task.session.commits.send, list[float]()

    def noted(offers: GroupOffsets) -> object:
        sent.append(task.clock.now)
        return commit(offers)

    monkeypatch.setattr(task.session.commits, "send", noted)

    def story() -> Story:
        task.consumer.give(A)
        yield from taken(task, 1)
        began = 1000.0
        while task.clock.now < began + TIMING.commit_interval - 2 * POLL_SECONDS:
            yield
        assert task.consumer.commits == []
        yield from until(lambda: task.consumer.commits)
        assert sent[0] < began + TIMING.commit_interval + 2 * POLL_SECONDS
        task.fill(A, b"2")
        yield from until(lambda: len(task.consumer.commits) == 2)
        assert sent[1] >= sent[0] + TIMING.commit_interval - POLL_SECONDS

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
            position = task.session.ledger.position(A)
            most = max(most, (position.polled if position else 0) - len(task.sink.taken))
            yield

    task.run(story)
    assert most == 2


def test_an_idle_loop_waits_in_its_polls(task: HandDriven) -> None:
    def story() -> Story:
        task.consumer.give(A)
        yield from (None for _ in range(5))

    task.run(story)
    assert task.consumer.polled_at == [POLL_SECONDS] * 5
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
    assert rests[:1] == [pytest.approx(0.03 - QUICK_PUT_SECONDS)]
    assert len(task.sink.taken) == 1


def idle(task: HandDriven, seconds: float, disturb: Callable[[], object] = lambda: None) -> int:
    """How many rounds the loop makes in so many seconds without a record, after it has been idle for a while."""
    rounds = 0

    def story() -> Story:
        nonlocal rounds
        task.consumer.give(A, B)
        yield from until(lambda: task.clock.now >= 1000.0 + IDLE_AFTER_SECONDS)
        disturb()
        until_then = task.clock.now + seconds
        while task.clock.now < until_then:
            rounds += 1
            yield

    task.run(story)
    return rounds


def test_a_task_that_waits_polls_five_times_a_second_and_makes_a_round_every_five(task: HandDriven) -> None:
    assert idle(task, 30.0) <= 12
    assert set(task.consumer.polled_at) == {POLL_SECONDS}


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
    assert min(at for at in sent if at > asked[0]) == pytest.approx(asked[0] + POLL_SECONDS)


def test_a_record_ends_the_waiting_at_once(task: HandDriven) -> None:
    taken_at, came = list[float](), list[float]()
    task.sink.during_put = lambda: taken_at.append(task.clock.now)

    def disturb() -> None:
        came.append(task.clock.now)
        task.fill(A, b"late")

    idle(task, 2.0, disturb)
    assert taken_at[0] - came[0] <= POLL_SECONDS + 1e-6


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
