"""Tasks whose loops a test goes through by hand."""

import pytest

from tests.task.sink.hand_driven import HandDriven
from tests.task.sink.recording_sink import FlushingSink


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task whose sink has no part in commits."""
    return HandDriven(monkeypatch)


@pytest.fixture
def flushing(monkeypatch: pytest.MonkeyPatch) -> HandDriven:
    """A task whose sink says itself what is durable."""
    return HandDriven(monkeypatch, FlushingSink)
