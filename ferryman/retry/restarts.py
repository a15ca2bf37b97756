"""When a task that has failed is started again by itself; pure.

FAILED ── waits (doubled each time) ──► starts ──► runs for as long as the longest wait: all is forgotten
   ▲                                       │
   └──────────────── fails ◄───────────────┘   after ``most`` of these in a row it stays FAILED

A process that dies without a word is another matter (``breaker``): it has not failed, and goes on for ever.
"""

import random
from dataclasses import dataclass

SPREAD = 0.25
"""The part of a wait by which it may be shorter or longer, so that a crowd of tasks does not come back in step."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a config allows. Times are seconds."""

    most: int | None = 0
    """Restarts in a row; None is without end."""
    first: float = 30.0
    """The wait before the first of them, which is doubled for each that follows."""
    longest: float = 600.0


NEVER = Policy()
"""As in Kafka Connect: a task that has failed stays so."""


@dataclass
class Restarts:
    """The failures of one task, one after the other."""

    policy: Policy = NEVER
    failures: int = 0
    """Failures in a row, without a long life in between."""

    def failed(self, lived: float, may_recover: bool) -> float | None:
        """A process failed after ``lived`` seconds; the seconds to wait before the next one starts, None if none does.

        ``may_recover`` says whether a restart may get over the error.
        """
        if lived >= self.policy.longest:
            self.failures = 0
        self.failures += 1
        if not may_recover or (self.policy.most is not None and self.failures > self.policy.most):
            return None
        wait = min(self.policy.longest, self.policy.first * 2 ** min(self.failures - 1, 32))
        return float(wait * random.uniform(1 - SPREAD, 1 + SPREAD))  # noqa: S311
