"""How fast a run may read: a maximum of records a second, and the share of the time that its live connector can bear.
Pure, but for the clock that is handed in."""

from dataclasses import dataclass, field

from ferryman.runs.yielding import Yielding

MAX_REST_SECONDS = 30.0
"""Seconds of a rest at most."""


@dataclass
class Pace:
    """The pace of one task; a connector that is no run has no limit."""

    rate: float = 0.0
    """Records a second; 0 is without limit."""
    yielding: Yielding = field(default_factory=Yielding)
    """What it leaves to the live connector."""
    _due: float = 0.0
    _worked: tuple[float, float] = (0.0, 0.0)
    """When the last piece of work was done, and how long it took."""

    def limit(self, most: int) -> int:
        """How many records may be polled at once: those of a second."""
        return most if not self.rate else max(1, min(most, int(self.rate)))

    def polled(self, records: int, now: float) -> None:
        """So many were; the next are due when they have had their time."""
        if self.rate:
            self._due = max(self._due, now) + records / self.rate

    def wait(self, now: float) -> float:
        """Seconds until the next may be polled."""
        return max(0.0, self._due - now)

    def worked(self, seconds: float, now: float) -> None:
        """The sink has worked so long; what it has not rested for yet is still to be rested for."""
        ended, before = self._worked
        wanted = self._wanted(before)
        unrested = before * max(0.0, 1 - (now - seconds - ended) / wanted) if wanted > 0 else 0.0
        self._worked = (now, unrested + seconds)

    def rest(self, now: float) -> float:
        """Seconds until it may be given something again; what was decided of its share meanwhile counts."""
        ended, seconds = self._worked
        return max(0.0, ended + self._wanted(seconds) - now)

    def _wanted(self, seconds: float) -> float:
        return min(MAX_REST_SECONDS, seconds * (1 / self.yielding.share - 1))
