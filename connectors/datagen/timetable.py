"""When invented records are due: at once, at random intervals, or so many a second. Pure."""

import random as entropy
from dataclasses import dataclass
from typing import Protocol

STEP_SECONDS = 0.05
"""Seconds: a steady timetable hands over what has become due in such a while, not each record for itself."""


class Timetable(Protocol):
    """When records are due; times are monotonic seconds."""

    def wait(self, now: float) -> float:
        """Seconds until something is due; 0 or less if something is."""

    def due(self, now: float, most: int) -> int:
        """How many records are due now, and are handed over with this."""


@dataclass
class AtOnce:
    """A timetable without waits: as many records as possible."""

    def wait(self, now: float) -> float:
        """See Timetable."""
        return 0.0

    def due(self, now: float, most: int) -> int:
        """See Timetable."""
        return most


@dataclass
class Intervals:
    """Each record after a random part of ``longest`` seconds."""

    longest: float
    """Seconds at most between two records."""
    following: float
    """When the next record is due."""

    def wait(self, now: float) -> float:
        """See Timetable."""
        return self.following - now

    def due(self, now: float, most: int) -> int:
        """See Timetable."""
        count = 0
        while self.following <= now and count < most:
            self.following += entropy.random() * self.longest  # noqa: S311
            count += 1
        return count


@dataclass
class Steady:
    """So many records a second; what could not be handed over in time follows at once."""

    rate: float
    """Records a second."""
    began: float
    """When the first second began."""
    handed_over: int = 0
    """How many records have been."""

    def wait(self, now: float) -> float:
        """See Timetable."""
        return self.began + (self.handed_over + max(1.0, self.rate * STEP_SECONDS)) / self.rate - now

    def due(self, now: float, most: int) -> int:
        """See Timetable."""
        count = max(0, min(most, int((now - self.began) * self.rate) - self.handed_over))
        self.handed_over += count
        return count


def timetable(throughput: float, longest: float, now: float) -> Timetable:
    """The timetable of ``throughput`` records a second if that is positive, else of intervals up to ``longest``
    seconds."""
    if throughput > 0:
        return Steady(throughput, now)
    return Intervals(longest, now) if longest > 0 else AtOnce()
