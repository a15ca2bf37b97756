"""How long an offsets topic is read: as long as it advances, and then as long as the caller likes."""

import logging

import pytest

from ferryman.errors import RetriableError
from ferryman.offsets import offset_topic
from ferryman.offsets.offset_topic import FIRST_WORD, NEXT_WORD, PATIENCE, Waiting, impatient
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The reader's time."""
    made = Clock()
    monkeypatch.setattr(offset_topic, "time", made)
    return made


def waiting(clock: Clock, **ends: int) -> Waiting:
    """For the ends of partitions 0 and 1."""
    return Waiting("offsets", {int(name[1:]): end for name, end in ends.items()}, impatient, _since=clock.monotonic())


def test_a_topic_that_advances_is_read_however_long_it_takes(clock: Clock) -> None:
    reading = waiting(clock, p0=1000)
    for offset in range(1000):
        reading.look()
        clock.pass_(PATIENCE - 1)
        reading.reached(0, offset + 1, at_end=False)
    assert reading.ends == {}
    reading.look()


def test_a_transaction_that_stays_open_is_given_up_by_who_cannot_wait(clock: Clock) -> None:
    reading = waiting(clock, p0=10, p1=5)
    reading.reached(1, 5, at_end=True)
    reading.reached(0, 7, at_end=True)
    clock.pass_(PATIENCE + 1)
    with pytest.raises(RetriableError, match="another producer's transaction is open at offsets-0@7"):
        reading.look()


def test_the_same_end_again_is_no_progress(clock: Clock) -> None:
    reading = waiting(clock, p0=10)
    for _ in range(3):
        reading.reached(0, 7, at_end=True)
        clock.pass_(PATIENCE / 2)
    with pytest.raises(RetriableError):
        reading.look()


def test_a_broker_that_says_nothing_is_not_taken_for_a_transaction(clock: Clock) -> None:
    reading = waiting(clock, p0=10)
    clock.pass_(PATIENCE + 1)
    with pytest.raises(RetriableError, match="the broker does not answer"):
        reading.look()


def test_who_waits_is_told_after_a_while_and_then_once_a_minute(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    reading = waiting(clock, p0=10)
    reading.gives_up = lambda silence: False
    reading.reached(0, 7, at_end=True)
    with caplog.at_level(logging.WARNING, "ferryman.offsets"):
        for _ in range(int(FIRST_WORD + 2 * NEXT_WORD) + 1):
            reading.look()
            clock.pass_(1)
    assert len(caplog.messages) == 3
    assert caplog.messages[0].startswith(f"waiting for {FIRST_WORD:.0f} s to read offsets to its end: another producer")
