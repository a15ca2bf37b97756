"""How fast a run may read. Pure, but for the clock that is handed in."""

from dataclasses import dataclass


@dataclass
class Pace:
    """Lets so many records a second through; a connector that is no run has no limit."""

    rate: float = 0.0
    """Records a second; 0 is without limit."""
    _due: float = 0.0

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
