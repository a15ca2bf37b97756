"""When the worker is told of a pause: after the last put and the commit that follows it, or after some patience."""

import pytest

from ferryman.task.setup.control import Control, Wish
from ferryman.task.sink import pausing as pausing_module
from ferryman.task.sink.pausing import TELL_AFTER_SECONDS, Pausing
from tests.clock import Clock


class Pause:
    """A task that obeys; what it asked for and told, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.events = Clock(), list[str]()
        monkeypatch.setattr(pausing_module, "time", self.clock)
        self.control = Control(lambda event, facts: self.events.append(event))
        self.pausing = Pausing(self.control, lambda: self.events.append("commit"))

    def obey(self, busy: bool = False, wish: Wish | None = None, later: float = 0.0) -> list[str]:
        """One round; all that has happened so far."""
        if wish is not None:
            self.control.wish(wish)
        self.clock.pass_(later)
        self.pausing.obey(busy)
        return self.events


@pytest.fixture
def pause(monkeypatch: pytest.MonkeyPatch) -> Pause:
    return Pause(monkeypatch)


def test_a_task_that_runs_tells_nothing(pause: Pause) -> None:
    assert pause.obey() == []
    assert pause.obey(busy=True, later=100) == []


def test_a_pause_is_told_after_the_put_that_runs_and_one_commit(pause: Pause) -> None:
    assert pause.obey(busy=True, wish="pause") == []
    assert pause.obey(busy=True, later=1) == []
    assert pause.obey() == ["commit"]
    assert pause.obey(busy=True) == ["commit"]
    assert pause.obey() == ["commit", "paused"]
    assert pause.obey(later=100) == ["commit", "paused"]


def test_a_put_without_end_holds_it_up_for_so_long_and_no_longer(pause: Pause) -> None:
    pause.obey(busy=True, wish="pause")
    assert pause.obey(busy=True, later=TELL_AFTER_SECONDS - 0.1) == []
    assert pause.obey(busy=True, later=0.1) == ["paused"]


def test_the_end_of_a_pause_is_told_at_once_and_the_next_one_begins_anew(pause: Pause) -> None:
    pause.obey(wish="pause")
    pause.obey()
    assert pause.obey(busy=True, wish="run") == ["commit", "paused", "running"]
    assert pause.obey(busy=True, wish="pause", later=100) == ["commit", "paused", "running"]
    assert pause.obey() == ["commit", "paused", "running", "commit"]
    assert pause.obey() == ["commit", "paused", "running", "commit", "paused"]


def test_a_pause_that_is_taken_back_before_it_was_told_is_forgotten(pause: Pause) -> None:
    pause.obey(busy=True, wish="pause")
    assert pause.obey(busy=True, wish="run", later=TELL_AFTER_SECONDS) == []
    assert pause.obey(busy=True, wish="pause") == []
    assert pause.obey(busy=True, later=TELL_AFTER_SECONDS - 0.1) == []
