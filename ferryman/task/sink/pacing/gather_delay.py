"""How long records may gather after a put before the next ones are taken. Pure.

Whatever a put costs by itself (a fetch, a transaction, a share of the broker's and the database's time) it costs for
one record as for a thousand. A loop that takes the next records as soon as the last are written makes as many puts as
there is time for: a faster machine does the same with more of them, and on a busy one they keep each other waiting.
So after a put that took long for few records comes a rest of the same length. A quick put has none, and so keeps its
latency; neither has a poll that brought as much as is worth its put, so that a backlog is gone through at full speed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from ferryman.record import Polled

QUICK_PUT_SECONDS = 0.005
"""Seconds of a put that call for no rest."""
MAX_DELAY_SECONDS = 0.05
"""Seconds of a rest at most: what a record may be later by."""
WORTHWHILE_RECORDS, WORTHWHILE_BYTES = 1_000, 250_000
"""Records, or bytes of them, that are worth a put at once."""
_SIZE = attrgetter("size")


@dataclass
class GatherDelay:
    """The rests of one loop; all times are monotonic seconds."""

    limit: int = WORTHWHILE_RECORDS
    """Records a poll at most: more would not come for waiting."""
    _polled_at: float | None = None
    """When the records arrived that are being put; None if there are none, or many."""
    _until: float = 0.0

    def polled(self, found: Sequence[Polled], now: float) -> None:
        """Records have come."""
        count = sum(map(len, found))
        few = 0 < count < min(self.limit, WORTHWHILE_RECORDS) and sum(map(_SIZE, found)) < WORTHWHILE_BYTES
        self._polled_at = now if few else None

    def put(self, now: float) -> None:
        """All that had come is written now."""
        if self._polled_at is not None:
            self._until = now + min(MAX_DELAY_SECONDS, max(0.0, now - self._polled_at - QUICK_PUT_SECONDS))
            self._polled_at = None

    def left(self, now: float) -> float:
        """Seconds until the next records are to be taken."""
        return max(0.0, self._until - now)
