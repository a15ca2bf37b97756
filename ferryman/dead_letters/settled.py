"""The records that a replay has: what other letters there are of the same refusal need no second one. Pure."""

from dataclasses import dataclass, field

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark


@dataclass(slots=True)
class Settled:
    """A kill leaves two letters of one record; if one is named and replayed, the other remains. A letter of a record
    that was refused again is another matter: it counts more attempts, or is younger than the replay. So is one that
    does not say when it was refused."""

    _found: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """By record how often it had been tried before, and when its letter was taken, in milliseconds."""

    def add(self, letter: DeadLetter, mark: Mark) -> None:
        """A letter that is marked."""
        record = letter.record
        if record is not None:
            found = letter.attempts, mark.at
            self._found[record] = max(found, self._found.get(record, found))

    def covers(self, letter: DeadLetter) -> bool:
        """Whether one that is not marked is of a refusal that was settled by another letter."""
        attempts, taken_at = self._found.get(letter.record or b"", (-1, 0))
        return letter.attempts <= attempts and letter.refused_at is not None and letter.refused_at <= taken_at
