"""How long records wait for a live connector, seen from outside: from its offsets and the ends of its partitions. Pure.

Where a partition ended is remembered with the time; what lies at the live connector's offset has been there since the
first time that the end lay behind it. No record is read for that, and no clock of a producer believed.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferryman.record import TopicPartition

UNKNOWN_DELAY_SECONDS = 3600.0
"""Seconds that a connector may gather records before its offset moves, as long as it has not been seen to move."""
STILL_SECONDS = 15.0
"""Seconds without a step, though there are records, after which a partition counts as one that nobody reads."""
MAX_GAPS = 4
"""Moves of which is remembered how long they were apart."""
MAX_ENDS = 1_000
"""Ends that are remembered of a partition; of more every second one is."""


@dataclass(frozen=True, slots=True)
class Delay:
    """What a look has found."""

    longest: float
    """The seconds for which the oldest record waits that live has not taken, as far as is known."""
    news: float | None
    """The same, of the partitions about which something new is known; None if there are none."""
    is_known: bool = True
    """False while records wait, and none of its offsets has been seen to move: they tell nothing before that."""


@dataclass(slots=True)
class _Partition:
    position: int
    read_at: float
    """When live has last made a step, or had nothing to read; at first, when it was looked at first. Had it to show a
    step before it counts, a run that leaves it no room at all would never know of it."""
    ends: deque[tuple[float, int]] = field(default_factory=deque)
    """When the partition was seen to end where: those ends that live has not reached."""
    told: float = 0.0
    """The delay, when it was last known."""
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_GAPS))
    """The seconds between its last moves, while there was something to read."""
    has_moved: bool = False
    """Whether it was seen to move; how long it had gathered before that nobody knows."""

    def waits(self, now: float) -> float:
        """Seconds since something that live has not taken was seen first."""
        return now - self.ends[0][0] if self.ends else 0.0


@dataclass
class Delays:
    """How long records wait for one live connector."""

    late: float = 0.0
    """Seconds by which its offsets may come later than what it does: the time between two commits. Between two of them
    nobody knows where it is, so the delay is taken when they move."""
    learns: bool = False
    """Whether that time is not known, but seen: each partition's offset moves when enough has been gathered."""
    _partitions: dict[TopicPartition, _Partition] = field(default_factory=dict)

    def look(
        self, now: float, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> Delay | None:
        """Takes its next offsets and the ends of its partitions; ``now`` in seconds of a clock that only goes forward.
        None if it reads nothing: it is stopped, paused, or stands still for another reason."""
        longest, news, silent = list[float](), list[float](), False
        for source, position in positions.items():
            if source not in ends:
                continue
            known = self._partitions.setdefault(source, _Partition(position, now))
            is_new = self._seen(known, now, position, max(ends[source], position))
            if now - known.read_at > STILL_SECONDS + 2 * self._late(known):
                continue
            longest.append(known.told)
            news += [known.told] if is_new else []
            silent = silent or (bool(known.ends) and self._late(known) > 0)
        is_known = not silent or any(each.has_moved for each in self._partitions.values())
        return Delay(max(longest), max(news, default=None), is_known) if longest else None

    def oldest(self, now: float) -> tuple[TopicPartition, int] | None:
        """The partition in which something waits longest, and live's next offset there."""
        waiting = [(each.waits(now), source, each.position) for source, each in self._partitions.items() if each.ends]
        return None if not waiting else max(waiting)[1:]

    def _seen(self, known: _Partition, now: float, position: int, end: int) -> bool:
        """Whether the delay is known anew."""
        moved, known.position = position != known.position, position
        if not known.ends or known.ends[-1][1] < end:
            known.ends.append((now, end))
        while known.ends and known.ends[0][1] <= position:
            known.ends.popleft()
        if len(known.ends) > MAX_ENDS:
            known.ends = deque(list(known.ends)[::2])
        if moved or not known.ends:
            if moved and known.has_moved:
                known.gaps.append(now - known.read_at)
            known.has_moved = known.has_moved or moved
            known.read_at, known.told = now, known.waits(now)
            return True
        late = self._late(known)
        before, known.told = known.told, max(known.told, known.waits(now) - 2 * late)
        return known.told > before or not late

    def _late(self, known: _Partition) -> float:
        if not self.learns:
            return self.late
        return max(self.late, max(known.gaps)) if known.gaps else max(self.late, UNKNOWN_DELAY_SECONDS)
