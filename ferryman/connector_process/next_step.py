"""What a connector's thread does next: what its worker wants, what the connector has asked for, and when.

Other threads set wishes; the connector's own waits for the next step. One answer is on its way to the worker at a time:
while the worker has not taken it, further requests wait, and come to one.
"""

import math
import threading
import time
from collections.abc import Callable
from typing import Literal

from ferryman.leases import lease
from ferryman.leases.lease import UNLIMITED, Lease

Step = Literal["ask", "stop"]
MIN_SECONDS_BETWEEN_REQUESTS = 1.0
"""Seconds between two requests that the connector itself makes; faster ones are answered together."""
POLL_SECONDS = 0.5
"""Seconds between two checks of the lease."""


class NextStep:
    """The wishes for one connector object."""

    def __init__(self, granted: Lease = UNLIMITED, clock: Callable[[], float] = time.monotonic) -> None:
        self.lease = granted
        self._clock = clock
        self._changed = threading.Condition()
        self._ends = False
        self._wanted = True
        self._on_the_way = False
        self._asked = -math.inf
        """When task_configs was asked last, on the clock."""

    def stop(self) -> None:
        """The connector is to end. Nothing undoes that."""
        with self._changed:
            self._ends = True
            self._changed.notify_all()

    @property
    def ends(self) -> bool:
        """Whether it is to end."""
        return self._ends

    def request(self) -> None:
        """The tasks' configs are to be made again."""
        with self._changed:
            self._wanted = True
            self._changed.notify_all()

    def taken(self) -> None:
        """The worker has what was made last."""
        with self._changed:
            self._on_the_way = False
            self._changed.notify_all()

    def renew(self, granted: Lease) -> None:
        """The worker has renewed the lease."""
        with self._changed:
            self.lease = granted
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Waits up to so long; true at once when it is to end."""
        with self._changed:
            return self._changed.wait_for(lambda: self._ends, max(0.0, seconds))

    def leased(self) -> bool:
        """Waits for a lease that holds. False if it is to end meanwhile."""
        with self._changed:
            while not self._ends and lease.now() >= self.lease.ends:
                self._changed.wait(POLL_SECONDS)
            return not self._ends

    def next(self) -> Step:
        """Waits for what is to be done next."""
        with self._changed:
            while not self._ends:
                due = self._asked + MIN_SECONDS_BETWEEN_REQUESTS - self._clock()
                if self._wanted and not self._on_the_way and due <= 0:
                    self._wanted, self._on_the_way, self._asked = False, True, self._clock()
                    return "ask"
                waits = self._wanted and not self._on_the_way
                self._changed.wait(due if waits else None)
            return "stop"
