"""The end of a source that comes to one: what its task has handed over, and whether that is all. Pure."""

from dataclasses import dataclass, field, replace
from typing import Any

from ferryman.api import Source
from ferryman.offsets.source_offsets import canonical
from ferryman.runs import tallies
from ferryman.runs.pace import Pace
from ferryman.runs.tallies import Tally
from ferryman.task.source.delivery import Progress


@dataclass
class Ending:
    """The end of one session. What it says is committed with the offsets that it is about."""

    source: Source[Any]
    task: int
    tally: Tally | None = None
    """What is committed, or noted to be; None at the very beginning."""
    pace: Pace = field(default_factory=Pace)

    def begun(self) -> Progress:
        """What is to be committed before the task counts as running: from now on it is not at its end until it says so.
        It may have been there, and was resumed because there is more."""
        if self.tally is not None and not self.tally.complete:
            return {}
        return self._now(replace(self.tally or Tally(), complete=False))

    def handed(self, records: int, refused: int, last: bool) -> Progress:
        """Called after each poll: how many more records were handed over, how many of these were refused and are
        not sent; ``last`` if they are the rest of a poll."""
        before = self.tally or Tally()
        complete = last and self.source.at_end()
        return self._now(Tally(before.records + records, complete, before.refused + refused))

    def nothing(self) -> Progress:
        """A poll had nothing; empty if that says nothing new."""
        before = self.tally or Tally()
        return self._now(replace(before, complete=True)) if not before.complete and self.source.at_end() else {}

    @property
    def over(self) -> bool:
        """Whether the source has said that it is at its end."""
        return self.tally is not None and self.tally.complete

    def _now(self, tally: Tally) -> Progress:
        self.tally = tally
        partition = tallies.partition(self.task)
        return {canonical(partition): (partition, tally.offset())}
