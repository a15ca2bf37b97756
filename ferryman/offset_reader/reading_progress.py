"""How far a topic has been read, and which questions can be answered by now. Pure.

A question holds a fence: the end of each partition when it was put, of all that was written, committed or not. Readers
of committed records stand still where a transaction is open, and what was committed behind it is hidden until it ends.
So what lies between there and the fence is looked through without isolation: only where a record of the connector's own
is among it, committed or not, the question waits. Others' transactions are no hindrance by themselves, and it does not
matter which partitioner has put a key where it is.

Of one partition, with a question of connector ``c``; ``(`` begins a transaction that is open::

    c c x ( x x x          fence at 7, read up to 3, looked through up to 7: nothing of c is hidden, answered
    c c x ( x c x          c at 5 may be committed: waits until 6 is reached
    c c x ( x ? ?          looked through up to 5 only: waits
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Ends = Mapping[int, int]
"""By partition, the offset after its last record."""


@dataclass
class Hidden:
    """What was seen of a partition without isolation, behind what is committed."""

    seen_to: int = 0
    """All before that was looked through, from where committed records ended then."""
    last: dict[str, int] = field(default_factory=dict)
    """By connector, the offset of the last record among it."""


@dataclass
class ReadingProgress:
    """How far one topic has been read."""

    positions: dict[int, int] = field(default_factory=dict)
    """By partition, the offset before which everything committed was read."""
    at_end: set[int] = field(default_factory=set)
    """Partitions in which nothing more is committed for now."""
    hidden: dict[int, Hidden] = field(default_factory=dict)

    def begins(self, partition: int, beginning: int) -> None:
        """A partition is there whose first record is this one."""
        self.positions[partition] = beginning

    def read(self, partition: int, following: int) -> bool:
        """All before ``following`` was read. True if that is progress."""
        progress = following > self.positions[partition]
        self.positions[partition] = max(following, self.positions[partition])
        self.at_end.discard(partition)
        return progress

    def ended(self, partition: int, offset: int) -> bool:
        """There is nothing more that is committed, from this offset on. True if that is progress."""
        progress = self.read(partition, offset)
        self.at_end.add(partition)
        return progress

    def saw(self, partition: int, offset: int, connector: str | None) -> None:
        """A record was seen without isolation; None for one that is no connector's."""
        hidden = self.hidden.setdefault(partition, Hidden())
        hidden.seen_to = max(hidden.seen_to, offset + 1)
        if connector is not None:
            hidden.last[connector] = max(hidden.last.get(connector, -1), offset)

    def saw_all(self, partition: int, end: int) -> None:
        """All up to there was looked through."""
        hidden = self.hidden.setdefault(partition, Hidden())
        hidden.seen_to = max(hidden.seen_to, end)

    def unseen(self, fences: Iterable[Ends]) -> dict[int, tuple[int, int]]:
        """By partition what is to be looked through for these fences: from one offset up to another."""
        found: dict[int, tuple[int, int]] = {}
        for fence in fences:
            for partition in self.at_end & fence.keys():
                hidden = self.hidden.get(partition, Hidden())
                begins = max(self.positions[partition], hidden.seen_to)
                if begins < fence[partition]:
                    found[partition] = (begins, max(fence[partition], found.get(partition, (0, 0))[1]))
        return found

    def in_the_way(self, connector: str, fence: Ends) -> dict[int, int]:
        """The partitions in which the answer may still be on its way, and how far they were read. None: there it is."""
        return {
            partition: self.positions[partition]
            for partition, end in fence.items()
            if self.positions[partition] < end and not self._free(partition, connector, end)
        }

    def _free(self, partition: int, connector: str, end: int) -> bool:
        hidden = self.hidden.get(partition)
        if hidden is None or hidden.seen_to < end:
            return False
        return hidden.last.get(connector, -1) < self.positions[partition]

    def forget_what_shows(self) -> None:
        """What is not hidden any more need not be remembered."""
        for partition in [each for each, hidden in self.hidden.items() if hidden.seen_to <= self.positions[each]]:
            del self.hidden[partition]
