"""What a sink's session reads: of a run no more than its bounds and its pace allow, of others all there is."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ferryman.api import Assigned, Committed
from ferryman.record import Polled, TopicPartition
from ferryman.runs import note
from ferryman.runs.note import Note
from ferryman.runs.pace import Pace
from ferryman.task.sink.group import Group
from ferryman.task.sink.offset_ledger import OffsetLedger
from ferryman.task.sink.runs.bounds import Bounds
from ferryman.task.sink.runs.refusals import Refusals
from ferryman.task.sink.runs.replayed_records import ReplayedRecords


@dataclass
class Reading:
    """Stands between the group and the ledger."""

    ledger: OffsetLedger = field(default_factory=OffsetLedger)
    bounds: Bounds = field(default_factory=Bounds)
    pace: Pace = field(default_factory=Pace)
    letters: ReplayedRecords | None = None
    """The letters that are the task's own if it is a replay."""
    refusals: Refusals = field(default_factory=Refusals)
    _closed: bool = False
    """Whether the sink was told that no more comes of what is assigned."""

    def wait(self) -> float:
        """Seconds until more may be read."""
        return self.pace.wait(time.monotonic())

    def polled(self, group: Group, limit: int, wait: float, quiet: Callable[[], bool]) -> list[Polled]:
        """What the task is to take of the next poll; it stands in the ledger."""
        taken = []
        for polled in group.poll(self.pace.limit(limit), wait, quiet):
            self.pace.polled(len(polled), time.monotonic())
            kept = self.bounds.cut(polled)
            if kept is not None and self.letters is not None:
                kept = self.letters.records(kept)
            if kept is not None and self.ledger.polled(kept.source, kept.offsets[-1] + 1):
                taken.append(kept)
        if self.bounds.run is not None:
            while group.ends.news:
                self.bounds.reached(*group.ends.news.popitem())
            group.read_no_more(self.bounds.through)
        return taken

    def all_delivered(self) -> None:
        """Nothing that was read waits to be delivered: what was passed over counts as well."""
        for source, position in self.bounds.positions.items():
            self.ledger.passed(source, position)

    def placed(self, partitions: Sequence[Assigned]) -> Sequence[Assigned]:
        """Partitions that have come, with where to start."""
        self._closed = False
        return self.bounds.placed([self._without_note(each) for each in partitions])

    def noted(self, offsets: Mapping[TopicPartition, Committed]) -> Mapping[TopicPartition, Committed]:
        """What is to be committed, of a run with a note of how it goes."""
        return {source: replace(each, metadata=self._with_note(source, each)) for source, each in offsets.items()}

    def _with_note(self, source: TopicPartition, committed: Committed) -> str:
        refused = self.refusals.before(source, committed.offset)
        return note.dump(Note(self.pace.yielding.share, refused), committed.metadata)

    def _without_note(self, assigned: Assigned) -> Assigned:
        """The note is no sink's."""
        noted, own = note.load(None if assigned.committed is None else assigned.committed.metadata)
        self.refusals.begin(assigned.source, noted.refused)
        if assigned.committed is None:
            return assigned
        return replace(assigned, committed=replace(assigned.committed, metadata=own))

    def gone(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions go; what of them was read and not delivered does not count."""
        self.bounds.gone(partitions)

    def ends_now(self) -> bool:
        """Whether all that is assigned was read, and nobody was told yet; said once. For when all is delivered."""
        ends = not self._closed and self.bounds.over
        self._closed = self._closed or ends
        return ends
