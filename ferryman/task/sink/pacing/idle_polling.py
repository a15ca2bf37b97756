"""How a task waits for records when none have come for a while: by polls alone, as long as nothing else is to be done.

A round of the loop costs several times as much as a poll that brings nothing, and there are five a second, so that the
loop sees soon what the worker wants. After a while of silence only that is looked at between polls. Pure but for the
clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

IDLE_AFTER_SECONDS = 5.0
"""Seconds without a record."""
MAX_STRETCH_SECONDS = 5.0
"""How long, in seconds, polls follow one another at most; as often as the metrics of an idle task are looked at."""


@dataclass
class IdlePolling:
    """The waiting of one loop."""

    disturbed: Callable[[], bool]
    """Whether something is to be done now."""
    worked: float = 0.0
    """When records came last, or the session began, in monotonic seconds."""

    def quiet(self, until: float) -> Callable[[], bool]:
        """Whether another poll may follow one that brought nothing; ``until``: when something is due, in monotonic
        seconds."""
        now = time.monotonic()
        end = min(until, now + MAX_STRETCH_SECONDS) if now >= self.worked + IDLE_AFTER_SECONDS else 0.0
        return lambda: time.monotonic() < end and not self.disturbed()
