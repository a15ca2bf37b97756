"""How many messages may leave now, so that no more leave in a second than are allowed."""

import time
from collections.abc import Callable


class RateLimit:
    """A bucket that fills at ``rate`` messages a second and holds a tenth of a second's, at least one."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._clock = clock
        self._most = max(1.0, rate / 10)
        self._level, self._seen = self._most, clock()

    def ready(self, wanted: int) -> int:
        """How many of the wanted may leave now."""
        if not self._rate:
            return wanted
        now = self._clock()
        self._level = min(self._most, self._level + (now - self._seen) * self._rate)
        self._seen = now
        return min(wanted, int(self._level + 1e-9))

    def take(self, count: int) -> None:
        """So many leave."""
        self._level -= count

    @property
    def wait(self) -> float:
        """Seconds until the next may leave."""
        return max(0.0, (1 - self._level) / self._rate) if self._rate else 0.0
