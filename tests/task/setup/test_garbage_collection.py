"""The cycle collector runs when the loop says so, not more often than it must, and only if it was held back."""

import gc

import pytest

from ferryman.task.setup import garbage_collection
from ferryman.task.setup.garbage_collection import FEW
from tests.clock import Clock


def collections(monkeypatch: pytest.MonkeyPatch, made: int, seconds: int) -> list[float]:
    """When it collects, as seconds from the start, while so many objects are always more than at the last time."""
    clock, found = Clock(), list[float]()
    monkeypatch.setattr(garbage_collection, "time", clock)
    monkeypatch.setattr(garbage_collection, "_next", 0.0)
    monkeypatch.setattr(garbage_collection, "_next_at_last", 0.0)
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    monkeypatch.setattr(gc, "get_count", lambda: (made, 0, 0))
    began = clock.now
    monkeypatch.setattr(gc, "collect", lambda: found.append(clock.now - began))
    for _ in range(seconds):
        garbage_collection.collect_if_due()
        clock.pass_(1.0)
    return found


def test_it_collects_at_intervals_where_there_may_be_something(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collections(monkeypatch, FEW, 25) == [0.0, 5.0, 10.0, 15.0, 20.0]


def test_a_task_that_waits_collects_once_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    assert collections(monkeypatch, FEW - 1, 150) == [0.0, 60.0, 120.0]


def test_where_it_was_not_held_back_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "_next", 0.0)
    monkeypatch.setattr(gc, "isenabled", lambda: True)
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("Python does it by itself"))
    garbage_collection.collect_if_due()
