"""For how long a task has been running or paused, as Kafka Connect's StateTracker has it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic


@dataclass(slots=True)
class StateClock:
    """Begins with the first state that a task reports; the time before does not count."""

    clock: Callable[[], float] = monotonic
    _state: str = ""
    _since: float = 0.0
    _spent: dict[str, float] = field(default_factory=dict)

    def told(self, event: str) -> None:
        """Called with each event that the task sends its worker; ``running`` and ``paused`` are states."""
        if event in ("running", "paused"):
            now = self.clock()
            if self._state:
                self._spent = {**self._spent, self._state: self._spent.get(self._state, 0.0) + now - self._since}
            self._state, self._since = event, now

    def part(self, state: str) -> float:
        """The part of its life that the task was in a state, from 0 to 1."""
        if not self._state:
            return 0.0
        now = self.clock() - self._since
        spent = self._spent.get(state, 0.0) + (now if state == self._state else 0.0)
        total = sum(self._spent.values()) + now
        return spent / total if total > 0 else float(state == self._state)
