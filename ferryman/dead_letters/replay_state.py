"""What became of a dead letter: nothing yet, or a replay that is under way or over. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark


class ReplayState(StrEnum):
    """What became of one letter. A record that is refused again has a new letter, which is open; the one before stays
    replayed, so that no record is open twice."""

    OPEN = "open"
    """Nobody has taken it."""
    REPLAYING = "replaying"
    """A run has it that has not come to its end."""
    REPLAYED = "replayed"
    """A run had it that is over or gone, or it was sent to its topic."""
    LEFT = "left"
    """A run had it that was deleted before it came to it."""
    DOUBLE = "doubles"
    """Another letter of the same record counts instead."""


@dataclass(frozen=True, slots=True)
class ReplayStates:
    """What became of the letters of one topic."""

    marks: Mapping[str, Mark]
    """By letter."""
    under_way: Collection[str] = ()
    """The runs that have not come to their end."""
    reached: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """How far deleted runs had come, as far as that is known: the next offset by partition of the letters."""
    unread: str = ""
    """Why the marks are not known; empty if they are."""

    def of(self, letter: DeadLetter) -> ReplayState | None:
        """None if that is not known. An open letter may still turn out to be a double."""
        mark = self.marks.get(letter.id)
        if self.unread:
            return None
        if mark is None:
            return ReplayState.OPEN
        if mark.instead is not None:
            return ReplayState.DOUBLE
        if mark.run in self.under_way:
            return ReplayState.REPLAYING
        reached = self.reached.get(mark.run or "")
        is_left = reached is not None and reached.get(letter.at.partition, 0) <= letter.at.offset
        return ReplayState.LEFT if is_left else ReplayState.REPLAYED
