"""Which dead letters are asked for, and the groups that they fall into. Pure."""

from dataclasses import dataclass, field
from heapq import heappush, heappushpop

from ferryman.dead_letters.letter import DeadLetter


@dataclass(frozen=True, slots=True)
class Choice:
    """Letters that are like this; None says nothing."""

    connector: str | None = None
    """Letters that do not say whose they are count as everybody's."""
    stage: str | None = None
    exception: str | None = None
    """A class name, or the part after its last dot."""
    field: str | None = None
    since: int | None = None
    """From this record's time on, in milliseconds; records without a time are left out."""
    until: int | None = None
    """Before this one."""

    def takes(self, letter: DeadLetter) -> bool:
        """Whether a letter is one of them."""
        return (
            (self.connector is None or letter.connector in (None, self.connector))
            and self.stage in (None, letter.stage)
            and (self.exception is None or _is_called(letter.exception, self.exception))
            and self.field in (None, letter.field)
            and (self.since is None or (letter.timestamp is not None and letter.timestamp >= self.since))
            and (self.until is None or (letter.timestamp is not None and letter.timestamp < self.until))
        )


@dataclass(slots=True)
class Group:
    """Letters that were refused for the same reason: the same stage, error and field."""

    connector: str | None
    stage: str | None
    exception: str | None
    field: str | None
    letters: int = 0
    first: int | None = None
    """The earliest record's time, in milliseconds."""
    last: int | None = None
    latest: str = ""
    """The id of the letter that was written last."""
    message: str | None = None
    """The message of that letter."""


Place = tuple[int, int, int]
"""Which of two letters counts as the later one."""


@dataclass(slots=True)
class Groups:
    """Groups letters as they are read: those of a partition in order, the partitions in any.

    Nothing tells when a letter was written, only when its record was. So of two partitions the later letter is the one
    up to which its partition has the newer record.
    """

    most: int = 0
    """How many single letters are kept, the newest."""
    _found: dict[tuple[str | None, ...], Group] = field(default_factory=dict)
    _places: dict[tuple[str | None, ...], Place] = field(default_factory=dict)
    """Those of the groups' latest letters."""
    _times: dict[int, int] = field(default_factory=dict)
    """The newest record so far, by partition."""
    _newest: list[tuple[Place, DeadLetter]] = field(default_factory=list)

    def add(self, letter: DeadLetter) -> None:
        """One more letter."""
        reason = (letter.connector, letter.stage, letter.exception, letter.field)
        group, place = self._found.setdefault(reason, Group(*reason)), self._place(letter)
        group.letters += 1
        if place > self._places.get(reason, ()):
            self._places[reason] = place
            group.latest, group.message = letter.id, letter.message
        if len(self._newest) < self.most:
            heappush(self._newest, (place, letter))
        elif self._newest:
            heappushpop(self._newest, (place, letter))
        if letter.timestamp is not None:
            group.first = _earliest(group.first, letter.timestamp)
            group.last = max(group.last or letter.timestamp, letter.timestamp)

    def _place(self, letter: DeadLetter) -> Place:
        partition, time = letter.at.partition, -1 if letter.timestamp is None else letter.timestamp
        newest = self._times[partition] = max(time, self._times.get(partition, -1))
        return newest, partition, letter.at.offset

    def newest_first(self) -> list[DeadLetter]:
        """The letters that are kept."""
        return [letter for _, letter in sorted(self._newest, key=lambda each: each[0], reverse=True)]

    def largest_first(self) -> list[Group]:
        """All of them."""
        return sorted(self._found.values(), key=lambda group: -group.letters)


def _is_called(name: str | None, wanted: str) -> bool:
    return name is not None and (name == wanted or name.rpartition(".")[2] == wanted)


def _earliest(known: int | None, time: int) -> int:
    return time if known is None else min(known, time)
