"""Whether a client's own thread is still alive.

Threads of librdkafka can wait for each other for ever: since 2.10, when a broker goes while the answer to an
OffsetForLeaderEpoch request is taken in (its issue 5476). The client then says nothing, fetches nothing, and cannot
even be closed. Its statistics come from that thread, whatever the brokers do; so they show that it lives.
"""

from dataclasses import dataclass, field
from typing import Any

EVERY_MS = 10_000
SILENT_SECONDS = 60.0
"""Without statistics for so long a client is taken for dead."""
LONGEST_LOOK = 1.0
"""Seconds between two polls that count at most: who did not poll for long, as in a process that was stopped, could not
have been told."""


@dataclass
class Pulse:
    """The pulse of one consumer, which its user polls."""

    _silent: float = 0.0
    _looked: float | None = field(default=None)

    @property
    def settings(self) -> dict[str, Any]:
        """What the consumer is to be configured with."""
        return {"statistics.interval.ms": EVERY_MS, "stats_cb": self._beat}

    def _beat(self, statistics: str) -> None:
        self._silent = 0.0

    def polled(self, now: float) -> None:
        """The consumer was polled just now, in monotonic seconds."""
        if self._looked is not None:
            self._silent += min(now - self._looked, LONGEST_LOOK)
        self._looked = now

    @property
    def dead(self) -> bool:
        """Whether it does not live any more."""
        return self._silent >= SILENT_SECONDS
