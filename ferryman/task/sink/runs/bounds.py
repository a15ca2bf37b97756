"""Which of what is polled a task is to take, and which partitions it has read to their end. Pure; the loop obeys it.

A connector has no bounds, and takes everything. A run (``ferryman.runs``) has ranges: what lies behind one is dropped,
what a time bound leaves out is passed over. The end of a range is a position: markers of transactions, or what was
compacted away, may be the last of it, so that no record tells that it was reached. Then the end of the partition does.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ferryman.api import Assigned
from ferryman.errors import TaskError
from ferryman.record import Polled, TopicPartition
from ferryman.runs.keys import RunKeys
from ferryman.runs.period import Period
from ferryman.runs.ranges import Range

log = logging.getLogger(__name__)
NOTHING = Range(0, 0)


@dataclass
class Bounds:
    """The bounds of one task, and how far it has read. Positions are next offsets."""

    run: RunKeys | None = None
    _read: dict[TopicPartition, int] = field(default_factory=dict)
    _oldest: dict[TopicPartition, int] = field(default_factory=dict)
    """The oldest record that is still there, of partitions that were assigned."""

    def __post_init__(self) -> None:
        self._period = Period() if self.run is None else self.run.period

    @property
    def topics(self) -> Collection[str]:
        """The topics that the run was made for."""
        return () if self.run is None else self.run.ranges.ids.keys()

    def placed(self, partitions: Sequence[Assigned]) -> Sequence[Assigned]:
        """Partitions that were assigned, each with where to start: the group's offset, or its range's first, or, where
        these are gone, the oldest record, but nothing behind the range. A run goes on behind what retention has
        removed, so a sink is told that nothing is: it keeps the offset that it has stored, and moves it from there.
        TaskError where a topic is not the one that the ranges are about."""
        return partitions if self.run is None else [self._placed(self.run, each) for each in partitions]

    def _placed(self, run: RunKeys, assigned: Assigned) -> Assigned:
        source, known = assigned.source, run.ranges.ids.get(assigned.source.topic)
        if known is not None and known != assigned.topic_id:
            raise TaskError(
                f"The topic {source.topic} has the id {assigned.topic_id}, but the run was made for a topic of "
                f"that name with the id {known}, whose records are gone. Make another run"
            )
        range_ = run.ranges.of.get(source, Range(assigned.end, assigned.end))
        wanted = range_.first if assigned.committed is None else assigned.committed.offset
        self._oldest[source] = assigned.beginning
        start = max(wanted, min(assigned.beginning, range_.behind))
        return replace(assigned, beginning=0, start=start)

    def begun(self, starts: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, int]:
        """The sink goes on at these positions; gives those at which reading begins: where retention has removed what
        follows, behind that."""
        if self.run is None:
            return starts
        begins = {source: max(start, self._oldest.get(source, start)) for source, start in starts.items()}
        for source, start in starts.items():
            if start < begins[source] and not self._range(source).is_over(start):
                log.warning(
                    "%s: the offsets from %d to %d are no longer there; the run continues after them",
                    *(source, start, begins[source]),
                )
        self._read.update(begins)
        return begins

    def gone(self, partitions: Iterable[TopicPartition]) -> None:
        """These partitions are no longer the task's."""
        for source in partitions:
            self._read.pop(source, None)
            self._oldest.pop(source, None)

    def cut(self, polled: Polled) -> Polled | None:
        """What of it the task is to take."""
        if self.run is None or polled.source not in self._read:
            return polled
        behind = self._range(polled.source).behind
        self.reached(polled.source, polled.offsets[-1] + 1)
        if polled.offsets[-1] < behind and not self._period.is_bounded:
            return polled
        times = zip(polled.offsets, polled.timestamps, strict=True)
        out = {at for at, (offset, time) in enumerate(times) if offset >= behind or not self._period.holds(time)}
        return polled.without(out) if out else polled

    def reached(self, source: TopicPartition, position: int) -> None:
        """Nothing that the task has not been given lies before this position: so far it has polled, or the partition
        ends there."""
        if source in self._read:
            self._read[source] = max(position, self._read[source])

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The offset behind all that was given or passed over, by partition, and never behind a range's end."""
        return {source: min(position, self._end(source, position)) for source, position in self._read.items()}

    def _end(self, source: TopicPartition, position: int) -> int:
        assert self.run is not None
        return self._range(source).behind if source in self.run.ranges.of else position

    @property
    def through(self) -> set[TopicPartition]:
        """The partitions of which nothing more is to be read."""
        return {source for source, position in self._read.items() if self._range(source).is_over(position)}

    @property
    def over(self) -> bool:
        """Whether all that is assigned has been read."""
        return bool(self._read) and len(self.through) == len(self._read)

    def _range(self, source: TopicPartition) -> Range:
        assert self.run is not None
        return self.run.ranges.of.get(source, NOTHING)
