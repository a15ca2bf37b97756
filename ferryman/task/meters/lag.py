"""How far a sink is behind the ends of its partitions."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ferryman.record import TopicPartition

Places = Iterable[tuple[TopicPartition, int, int]]
"""Partitions, with the offset up to which records were delivered, and up to which they were read."""


@dataclass(slots=True)
class Lag:
    """The lag of one sink task. One thread updates it, another may read."""

    clock: Callable[[], float] = time.monotonic
    of: Mapping[TopicPartition, int] = field(default_factory=dict)
    """Records that each partition has beyond what was delivered."""
    _since: float | None = None
    """Since when there have been any."""

    def look(self, places: Places, ends: Mapping[TopicPartition, int], read_to: Mapping[TopicPartition, int]) -> None:
        """Takes stock. ``ends`` are the ends of partitions as far as known; ``read_to`` is where the consumer has met
        an end, behind all marks of transactions, which are offsets but no records."""
        self.of = {
            source: max(0, ends.get(source, 0) - self._reached(delivered, polled, read_to.get(source, 0)))
            for source, delivered, polled in places
        }
        if not any(self.of.values()):
            self._since = None
        elif self._since is None:
            self._since = self.clock()

    def _reached(self, delivered: int, polled: int, met: int) -> int:
        return max(delivered, met) if delivered >= polled else delivered

    @property
    def total(self) -> int:
        """The lag of all partitions together."""
        return sum(self.of.values())

    @property
    def most(self) -> int:
        """The lag of the partition that is furthest behind."""
        return max(self.of.values(), default=0)

    @property
    def seconds(self) -> float:
        """For how long there has been a lag; 0 if there is none."""
        return 0.0 if self._since is None else self.clock() - self._since
