"""The lease of a task: until when it may act on other systems without hearing from its worker again.

A worker that is stopped or cut off does not take its tasks with it: they are processes of their own. By the time that
its group counts it as gone, another worker may run the same tasks. So a task puts, sends and commits only while it
holds a lease, which the worker renews for as long as it knows that its tasks are still its own.

The order of events, with the times of one lease::

    renewed            ends                        over
       |----------------|---------------------------|----------
             acts          parked: nothing begins      what was begun before and has not come back ends with
                                                       its process, as does a sink, whose consumer leaves its group;
                                                       from here on another worker may own the task

Times are seconds of a clock that goes on while the machine sleeps, and is the same for all processes of a machine.
"""

import math
import time
from dataclasses import dataclass

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def now() -> float:
    """Seconds on the clock of leases."""
    return time.clock_gettime(_CLOCK)


@dataclass(frozen=True, slots=True)
class Lease:
    """Times on the clock of leases."""

    ends: float = math.inf
    """From then on the task is parked."""
    over: float = math.inf
    """From then on another worker may have the task; never, if there is no other worker."""

    def dump(self) -> list[float | None]:
        """The lease for a JSON message."""
        return [None if math.isinf(each) else each for each in (self.ends, self.over)]

    @classmethod
    def load(cls, message: list[float | None]) -> "Lease":
        """The inverse of ``dump``."""
        ends, over = (math.inf if each is None else each for each in message)
        return cls(ends, over)


UNLIMITED = Lease()
"""The lease of a task that no other worker could run."""
