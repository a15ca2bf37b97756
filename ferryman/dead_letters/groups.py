"""The groups that dead letters fall into, and how many of each are still to be replayed. Pure."""

from collections import Counter
from dataclasses import dataclass, field
from heapq import heappush, heappushpop

from ferryman.dead_letters.letter import DeadLetter
from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.replay_state import ReplayState
from ferryman.dead_letters.settled import Settled


@dataclass(slots=True)
class Group:
    """Letters that were refused for the same reason: the same stage, error and field."""

    connector: str | None
    stage: str | None
    exception: str | None
    field: str | None
    states: Counter[ReplayState]
    """How many of them are open, and so on; none where that is not known."""
    letters: int = 0
    first: int | None = None
    """The earliest record's time, in milliseconds."""
    last: int | None = None
    first_refused: int | None = None
    """When the first was refused of those that say when, in milliseconds."""
    last_refused: int | None = None
    latest: str = ""
    """The id of the letter that was written last."""
    message: str | None = None
    """The message of that letter."""


Place = tuple[int, int, int]
"""Which of two letters counts as the later one."""


@dataclass(slots=True)
class Groups:
    """Groups letters as they are read: those of a partition in order, the partitions in any.

    Of two partitions the later letter is the one up to which its partition has the newer time: when the record was
    refused, or its own time for letters that do not say that.
    """

    most: int = 0
    """How many single letters are kept, the newest."""
    _found: dict[tuple[str | None, ...], Group] = field(default_factory=dict)
    _places: dict[tuple[str | None, ...], Place] = field(default_factory=dict)
    """The places of the groups' latest letters."""
    _times: dict[int, int] = field(default_factory=dict)
    """The newest time so far, by partition."""
    _newest: list[tuple[Place, DeadLetter]] = field(default_factory=list)
    _open: dict[bytes, tuple[DeadLetter, Group]] = field(default_factory=dict)
    """By record, the open letter of it that counts, and the group that it is in."""
    _settled: Settled = field(default_factory=Settled)

    def add(self, letter: DeadLetter, state: ReplayState | None) -> None:
        """One more letter. None is a state that is not known."""
        reason = (letter.connector, letter.stage, letter.exception, letter.field)
        group, place = self._found.setdefault(reason, Group(*reason, Counter())), self._place(letter)
        group.letters += 1
        self._count(letter, state, group)
        if place > self._places.get(reason, ()):
            self._places[reason] = place
            group.latest, group.message = letter.id, letter.message
        if len(self._newest) < self.most:
            heappush(self._newest, (place, letter))
        elif self._newest:
            heappushpop(self._newest, (place, letter))
        group.first, group.last = _around(group.first, group.last, letter.timestamp)
        group.first_refused, group.last_refused = _around(group.first_refused, group.last_refused, letter.refused_at)

    def _count(self, letter: DeadLetter, state: ReplayState | None, group: Group) -> None:
        if state is not None:
            group.states[state] += 1
        record = letter.record if state is ReplayState.OPEN else None
        if record is None:
            return
        # Of several open letters of a record one is open, as one would be replayed, or none if another has been.
        found, other = (letter, group), self._open.get(record)
        if self._settled.covers(letter):
            _is_double(group)
            return
        if other is not None:
            _is_double(min(found, other, key=lambda each: each[0].place)[1])
        self._open[record] = found if other is None else max(found, other, key=lambda each: each[0].place)

    def settle(self, letter: DeadLetter, mark: Mark) -> None:
        """Takes note that a replay has a letter, whether or not that is added: others of the same refusal are its
        doubles."""
        self._settled.add(letter, mark)
        other = self._open.get(letter.record or b"")
        if other is not None and self._settled.covers(other[0]):
            _is_double(other[1])
            del self._open[letter.record or b""]

    def _place(self, letter: DeadLetter) -> Place:
        known = letter.timestamp if letter.refused_at is None else letter.refused_at
        partition, time = letter.at.partition, -1 if known is None else known
        newest = self._times[partition] = max(time, self._times.get(partition, -1))
        return newest, partition, letter.at.offset

    def newest_first(self) -> list[DeadLetter]:
        """The letters that are kept."""
        return [letter for _, letter in sorted(self._newest, key=lambda each: each[0], reverse=True)]

    def largest_first(self) -> list[Group]:
        """All of them, those with most open letters first."""
        return sorted(self._found.values(), key=lambda group: (-group.states[ReplayState.OPEN], -group.letters))

    @property
    def states(self) -> Counter[ReplayState]:
        """The states of all letters."""
        return sum((group.states for group in self._found.values()), Counter[ReplayState]())


def _is_double(group: Group) -> None:
    """One letter that was counted as open counts as a double."""
    group.states[ReplayState.OPEN] -= 1
    group.states[ReplayState.DOUBLE] += 1


def _around(first: int | None, last: int | None, time: int | None) -> tuple[int | None, int | None]:
    if time is None:
        return first, last
    return time if first is None else min(first, time), time if last is None else max(last, time)
