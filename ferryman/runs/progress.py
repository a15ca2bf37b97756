"""How far a run is, from what its group has committed. Pure, but for the clock that is handed in."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferryman.record import TopicPartition
from ferryman.runs.keys import RunKeys

WINDOW = 60.0
"""Seconds over which the rate is taken."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. Records are counted as offsets; markers, and what was compacted away, count too."""

    of: str
    """The live connector."""
    begins: str
    """The time bounds, as they were given."""
    ends: str
    records_done: int
    records_total: int
    partitions_done: int
    partitions_total: int
    rate: float | None
    """Records a second, lately; None while that is not known."""
    left: float | None
    """Seconds until it is complete, at that rate."""
    complete: bool
    pace: float = 1.0
    """The part of its time in which it works; less than 1 where it gives way to the live connector."""


@dataclass
class Watch:
    """Follows one run. ``look`` is called now and then with what its group has committed."""

    keys: RunKeys
    latest: Progress | None = None
    """What was seen last."""
    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    """When how much was done."""

    def look(self, committed: Mapping[TopicPartition, int], now: float, pace: float = 1.0) -> Progress:
        """The progress now; ``now`` in seconds of any clock that only goes forward, ``pace`` as it was noted with these
        offsets."""
        ranges = self.keys.ranges
        done = sum(each.done(committed.get(source)) for source, each in ranges.of.items())
        over = sum(each.is_over(committed.get(source)) for source, each in ranges.of.items())
        complete = ranges.are_over(committed)
        rate = self._rate(now, done)
        self.latest = Progress(
            of=self.keys.ferryman_run_of,
            begins=self.keys.ferryman_run_from,
            ends=self.keys.ferryman_run_to,
            records_done=done,
            records_total=ranges.size,
            partitions_done=over,
            partitions_total=len(ranges.of),
            rate=rate,
            left=None if complete or not rate else (ranges.size - done) / rate,
            complete=complete,
            pace=1.0 if complete else pace,
        )
        return self.latest

    def _rate(self, now: float, done: int) -> float | None:
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # its offsets were moved back
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - WINDOW:
            self._seen.popleft()
        began, before = self._seen[0]
        return (done - before) / (now - began) if now > began else None
