"""A consumer is closed, or the process ends that cannot close it."""

import threading
from typing import Any

import pytest

from ferryman.task.setup import overrun
from ferryman.task.sink import closing


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set when the process would have ended."""
    made = threading.Event()
    monkeypatch.setattr(overrun, "end", made.set)
    return made


class Closable:
    """A consumer that is closed when something has happened."""

    def __init__(self, happened: threading.Event | None = None) -> None:
        self.happened, self.closed = happened, False

    def close(self) -> None:
        assert self.happened is None or self.happened.wait(60)
        self.closed = True


def test_a_consumer_is_closed(ended: threading.Event) -> None:
    consumer: Any = Closable()
    closing.close(consumer, lambda: False)
    assert (consumer.closed, ended.is_set()) == (True, False)


def test_one_that_cannot_be_closed_takes_the_process_with_it(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "CLOSE_SECONDS", 0.01)
    consumer: Any = Closable(ended)
    closing.close(consumer, lambda: False)
    assert ended.is_set()


def test_one_that_waits_for_whom_it_calls_does_not(ended: threading.Event) -> None:
    looks = [False, False, False, True]
    closing.end_unless(lambda seconds: looks.pop(0), lambda: True)
    assert (looks, ended.is_set()) == ([], False)
