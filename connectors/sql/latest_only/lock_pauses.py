"""How long a run keeps its live connector waiting, and how long it lets that one be in return.

While a run holds the offset rows of its live connector, nothing gets into the table for that one. So after each time
it holds none for a multiple of that time; and before each it rests for as long as it has worked since the last rest,
since both may share a processor and do share the database. Only as long as there is somebody who moves those offsets.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PAUSE_PER_LOCK_TIME = 3.0
"""So many times as long as they were held nobody holds them: live waits for a quarter of the time at most."""
LONGEST_PAUSE_SECONDS = 0.25
"""Seconds of a rest at most: whatever has kept the database from letting go, the task is to be heard."""


@dataclass
class LockPauses:
    """The pauses of one task; the clock and the waiting are of ``time``, if nothing else is given."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    live_moves: bool = False
    """Whether live has moved its offsets between the last two looks."""
    _locked: float | None = None
    """Since when they are held, in seconds of the clock; None if they are not."""
    _due: float = 0.0
    """Not before then are they held again."""
    _rested: float | None = None
    """When the last rest ended."""

    def rest(self) -> None:
        """Before anything is looked up for the next time."""
        now = self.clock()
        worked = 0.0 if self._rested is None else now - self._rested
        rest = min(LONGEST_PAUSE_SECONDS, max(self._due - now, worked))
        if rest > 0 and self.live_moves:
            self.wait(rest)
        self._rested = self.clock()

    @contextlib.contextmanager
    def locking(self) -> Iterator[None]:
        """A time in which they will be held, from ``on_locked`` to its end."""
        try:
            yield
        finally:
            if self._locked is not None:
                now = self.clock()
                self._due, self._locked = now + PAUSE_PER_LOCK_TIME * (now - self._locked), None

    def on_locked(self) -> None:
        """The rows of offsets are held from now on."""
        self._locked = self.clock() if self._locked is None else self._locked
