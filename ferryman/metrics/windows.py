"""Figures about the recent past, as Kafka's metrics have them (its SampledStat): two windows of thirty seconds, the
older one forgotten as a third begins. Pure; the clock is handed in.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How far back a figure looks."""

    window: float = 30.0
    """Seconds of one window (metrics.sample.window.ms)."""
    samples: int = 2
    """Windows that count (metrics.num.samples)."""
    clock: Clock = monotonic
    """Monotonic seconds."""


@dataclass(slots=True)
class _Window:
    began: float
    sum: float = 0.0
    count: int = 0
    most: float = -math.inf
    least: float = math.inf


@dataclass(slots=True)
class Recent:
    """What has been recorded of one thing. One thread records, another may read."""

    sampling: Sampling = Sampling()
    _windows: list[_Window] = field(default_factory=list)

    def record(self, value: float, count: int = 1) -> None:
        """Something was ``value``; or so many things were, together."""
        sampling, windows = self.sampling, self._windows
        now = sampling.clock()
        if not windows or now - windows[-1].began >= sampling.window:
            # Replaced, not changed: a concurrent reader has the old list.
            windows = self._windows = [*windows, _Window(now)][-sampling.samples :]
        window = windows[-1]
        window.sum += value
        window.count += count
        if value > window.most:
            window.most = value
        if value < window.least:
            window.least = value

    def _live(self, now: float) -> list[_Window]:
        oldest = now - self.sampling.samples * self.sampling.window
        return [window for window in self._windows if window.began > oldest]

    @property
    def rate(self) -> float:
        """The sum a second; 0 if nothing was recorded. As in Kafka's Rate, which takes all windows but the present one
        for full ones, so that the first second has no peak."""
        now = self.sampling.clock()
        live = self._live(now)
        if not live:
            return 0.0
        elapsed = now - live[0].began
        full, needed = int(elapsed // self.sampling.window), self.sampling.samples - 1
        elapsed += max(0, needed - full) * self.sampling.window
        return sum(window.sum for window in live) / max(elapsed, self.sampling.window)

    @property
    def mean(self) -> float:
        """NaN if nothing was recorded."""
        live = self._live(self.sampling.clock())
        count = sum(window.count for window in live)
        return sum(window.sum for window in live) / count if count else math.nan

    @property
    def most(self) -> float:
        """The largest; NaN if nothing was recorded."""
        return max((each.most for each in self._live(self.sampling.clock()) if each.count), default=math.nan)

    @property
    def least(self) -> float:
        """The smallest; NaN if nothing was recorded."""
        return min((each.least for each in self._live(self.sampling.clock()) if each.count), default=math.nan)

    @property
    def share(self) -> float:
        """The part that was 1 of what was recorded as 1 or 0; 0 if nothing was recorded, as in Kafka's Frequencies."""
        mean = self.mean
        return 0.0 if math.isnan(mean) else mean

    @property
    def others(self) -> float:
        """The part that was 0 of what was recorded as 1 or 0; 0 if nothing was recorded."""
        mean = self.mean
        return 0.0 if math.isnan(mean) else 1 - mean
