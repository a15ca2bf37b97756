"""How many records a run has refused, by partition: those before an offset count when that is committed. Pure."""

from collections import deque
from dataclasses import dataclass, field

from ferryman.record import TopicPartition


@dataclass
class Refusals:
    """The records that one task has refused. The sink's thread adds, the loop counts."""

    _noted: deque[tuple[TopicPartition, int]] = field(default_factory=deque)
    """What was refused lately, as it came."""
    _ahead: dict[TopicPartition, set[int]] = field(default_factory=dict)
    """Offsets that were refused and are not committed; one that comes again after an error counts once."""
    _before: dict[TopicPartition, int] = field(default_factory=dict)

    def begin(self, source: TopicPartition, before: int) -> None:
        """A partition has come, of which so many were refused before."""
        self._before[source], self._ahead[source] = before, set()

    def refused(self, source: TopicPartition, offset: int) -> None:
        """One more."""
        self._noted.append((source, offset))

    def before(self, source: TopicPartition, offset: int) -> int:
        """How many of the partition lie before an offset that is about to be committed."""
        while self._noted:
            where, at = self._noted.popleft()
            self._ahead.setdefault(where, set()).add(at)
        ahead = self._ahead.setdefault(source, set())
        passed = {at for at in ahead if at < offset}
        ahead -= passed
        self._before[source] = self._before.get(source, 0) + len(passed)
        return self._before[source]
