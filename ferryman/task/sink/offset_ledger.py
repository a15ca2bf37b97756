"""The delivery ledger of a sink task: which offsets were polled, delivered and committed. Pure; the sink loop obeys it.

For each partition of the current assignment the ledger holds ``committed <= delivered <= polled``. Every entry carries
the epoch of the assignment it came from. A task may stall, lose its partitions and be given the same ones again; what
it computed before the stall carries the old epoch and is refused, otherwise it would commit past records that the new
assignment has not delivered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ferryman.record import TopicPartition


@dataclass(slots=True)
class Position:
    """Where one partition stands, as next offsets; the ledger's own."""

    epoch: int
    """The assignment that it belongs to."""
    polled: int
    """All before it has come from the broker."""
    delivered: int
    """All before it was put, or judged and left out."""
    committed: int | None
    """What the group holds; None until it has one of ours."""
    start: int = 0
    """Where reading began in this assignment."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Offsets on their way to the group."""

    epoch: int
    """The assignment in which they were computed; refused in any later one."""
    offsets: Mapping[TopicPartition, int]


class OffsetLedger:
    """The ledger. Invariant 1: nothing is committed that was not delivered. Invariant 2: offsets only go forward."""

    def __init__(self) -> None:
        self.epoch = 0
        self._positions: dict[TopicPartition, Position] = {}

    @property
    def partitions(self) -> Sequence[TopicPartition]:
        """The partitions of the current assignment."""
        return tuple(self._positions)

    def position(self, source: TopicPartition) -> Position | None:
        """Where a partition stands, or None if it is not ours."""
        return self._positions.get(source)

    def assigned(self, starts: Mapping[TopicPartition, int], committed: Mapping[TopicPartition, int | None]) -> None:
        """Partitions have come to the task; reading starts at ``starts``."""
        self.epoch += 1
        for source, start in starts.items():
            self._positions[source] = Position(self.epoch, start, start, committed.get(source), start)
        for position in self._positions.values():
            position.epoch = self.epoch

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        """Partitions have gone. What was polled of them and not delivered must be dropped."""
        self.epoch += 1
        for source in partitions:
            self._positions.pop(source, None)
        for position in self._positions.values():
            position.epoch = self.epoch

    def polled(self, source: TopicPartition, following: int) -> bool:
        """Records up to (not including) ``following`` were read. False: the partition is not ours, drop them."""
        position = self._positions.get(source)
        if position is None or following <= position.polled:
            return False
        position.polled = following
        return True

    def passed(self, source: TopicPartition, following: int) -> None:
        """Nothing that is wanted lies before ``following``, and nothing that was polled waits to be delivered."""
        position = self._positions.get(source)
        if position is not None and following > position.delivered:
            position.polled, position.delivered = max(following, position.polled), following

    def delivered(self, source: TopicPartition, following: int) -> None:
        """The sink has taken (or the dead letter queue has, or a transform dropped) all before ``following``."""
        position = self._positions.get(source)
        if position is not None and position.delivered < following <= position.polled:
            position.delivered = following

    def committable(self) -> Mapping[TopicPartition, int]:
        """The next offset of each partition after everything delivered."""
        return {source: position.delivered for source, position in self._positions.items()}

    def commit(self, wanted: Mapping[TopicPartition, int]) -> Commit:
        """What may be committed of what the sink wants: our partitions, not past what was delivered."""
        allowed = {
            source: offset
            for source, offset in wanted.items()
            if (position := self._positions.get(source)) is not None and offset <= position.delivered
        }
        return Commit(self.epoch, allowed)

    def valid(self, commit: Commit) -> bool:
        """Whether a commit was computed in the present assignment."""
        return commit.epoch == self.epoch

    def committed(self, commit: Commit) -> None:
        """The group has accepted a commit."""
        if not self.valid(commit):
            return
        for source, offset in commit.offsets.items():
            position = self._positions[source]
            if position.committed is None or offset > position.committed:
                position.committed = offset

    def places(self) -> list[tuple[TopicPartition, int, int]]:
        """Each partition with what was delivered and what was polled of it."""
        return [(source, each.delivered, each.polled) for source, each in self._positions.items()]

    def active(self) -> int:
        """Records polled whose offsets are not committed yet, counted as Kafka Connect counts them: by offsets."""
        return sum(each.polled - max(each.start, each.committed or 0) for each in self._positions.values())

    def lag(self) -> int:
        """Records polled and not yet delivered."""
        return sum(position.polled - position.delivered for position in self._positions.values())
