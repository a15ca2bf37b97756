"""When invented records are due: at once, at random intervals, or so many a second. Pure."""

import random as entropy
from dataclasses import dataclass
from typing import Protocol

STEP = 0.05
"""Seconds: a steady pace hands over what has become due in such a while, not each record for itself."""


class Pace(Protocol):
    """A timetable; times are monotonic seconds."""

    def wait(self, now: float) -> float:
        """Seconds until something is due; 0 or less if something is."""

    def due(self, now: float, most: int) -> int:
        """How many records are due now, and are handed over with this."""


@dataclass
class AtOnce:
    """As many as possible."""

    def wait(self, now: float) -> float:
        """See Pace."""
        return 0.0

    def due(self, now: float, most: int) -> int:
        """See Pace."""
        return most


@dataclass
class Intervals:
    """Each record after a random part of ``longest`` seconds."""

    longest: float
    following: float

    def wait(self, now: float) -> float:
        """See Pace."""
        return self.following - now

    def due(self, now: float, most: int) -> int:
        """See Pace."""
        count = 0
        while self.following <= now and count < most:
            self.following += entropy.random() * self.longest  # noqa: S311
            count += 1
        return count


@dataclass
class Steady:
    """``rate`` records a second from ``began`` on; what could not be handed over in time follows at once."""

    rate: float
    began: float
    made: int = 0

    def wait(self, now: float) -> float:
        """See Pace."""
        return self.began + (self.made + max(1.0, self.rate * STEP)) / self.rate - now

    def due(self, now: float, most: int) -> int:
        """See Pace."""
        count = max(0, min(most, int((now - self.began) * self.rate) - self.made))
        self.made += count
        return count


def pace(throughput: float, longest: float, now: float) -> Pace:
    """The pace of ``throughput`` records a second if that is positive, else of intervals up to ``longest`` seconds."""
    if throughput > 0:
        return Steady(throughput, now)
    return Intervals(longest, now) if longest > 0 else AtOnce()
