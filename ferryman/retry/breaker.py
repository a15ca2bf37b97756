"""When a task's process that died is started again, and when its dying counts as a failure; pure.

closed ── dies ──► waiting (back-off) ── starts ──► closed       state RESTARTING while it waits
closed ── dies the fifth time without a minute's life in between ──► open
open   ── starts, once a minute at most; lives for a minute ──► closed       state FAILED until then
"""

from dataclasses import dataclass

from ferryman.retry import backoff

HEALTHY_SECONDS = 60.0
"""Seconds of life after which earlier deaths are forgotten."""
MAX_DEATHS = 5
LONGEST_WAIT = 60.0


@dataclass
class Breaker:
    """The deaths of one task's processes, one after the other."""

    deaths: int = 0

    @property
    def open(self) -> bool:
        """Whether the task counts as failed, though it is tried again."""
        return self.deaths >= MAX_DEATHS

    def died(self, lived: float) -> float:
        """A process died after ``lived`` seconds; returns the seconds to wait before the next one starts."""
        if lived >= HEALTHY_SECONDS:
            self.deaths = 0
        self.deaths += 1
        if self.open:
            return LONGEST_WAIT
        return 0.0 if self.deaths == 1 else backoff.delay(self.deaths - 1, LONGEST_WAIT)

    def lives(self) -> None:
        """The present process has lived for HEALTHY_SECONDS seconds."""
        self.deaths = 0
