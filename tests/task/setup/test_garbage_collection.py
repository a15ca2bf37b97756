"""The cycle collector runs when the loop says so, not more often than it must, and only if it was held back."""

import gc

import pytest

from ferryman.task.setup import garbage_collection
from tests.clock import Clock


@pytest.fixture
def collections(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When it collected; the clock is patched in too."""
    clock, found = Clock(), list[float]()
    monkeypatch.setattr(garbage_collection, "time", clock)
    monkeypatch.setattr(garbage_collection, "_next", 0.0)
    monkeypatch.setattr(gc, "isenabled", lambda: False)
    monkeypatch.setattr(gc, "collect", lambda: found.append(clock.now))
    for _ in range(25):
        garbage_collection.collect_if_due()
        clock.pass_(1.0)
    return found


def test_it_collects_at_intervals(collections: list[float]) -> None:
    assert collections == [1000.0, 1005.0, 1010.0, 1015.0, 1020.0]


def test_where_it_was_not_held_back_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage_collection, "_next", 0.0)
    monkeypatch.setattr(gc, "isenabled", lambda: True)
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("Python does it by itself"))
    garbage_collection.collect_if_due()
