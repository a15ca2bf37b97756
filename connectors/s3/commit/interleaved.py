"""The records of one poll, of several schemas and kinds that lie between one another, in the order of their offsets.

To take them one after the other would cost hundreds of microseconds each. So they stay in their groups, and what must
be found record by record (where a file ends) is found in lists of numbers and paths.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ferryman.connectors.s3.commit.ready_group import ReadyGroup
from ferryman.connectors.s3.layout.partitioners import Paths
from ferryman.errors import DataError

_FIRST_LOOK = 64
"""Records that are looked through first for the end of a stretch; then twice as many each time."""


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Records of one partition."""

    groups: Sequence[ReadyGroup]
    members: Sequence[int]
    """The number of the group of each record."""
    places: Sequence[Sequence[int]]
    """For each group, where its records stand among all."""
    offsets: Sequence[int]
    """The offset of each record."""
    paths: Paths
    """The encoded partition of each record, or of all."""
    times: Sequence[int] | None
    """The time of each record in milliseconds, where paths or rotation need it."""

    @classmethod
    def of(cls, groups: Sequence[ReadyGroup]) -> "Interleaved":
        """The records of these groups, at least one."""
        if len(groups) == 1:
            (only,) = groups
            count = len(only.offsets)
            return cls(groups, [0] * count, [range(count)], only.offsets, only.paths, only.times)
        order = sorted(
            (offset, number, at) for number, group in enumerate(groups) for at, offset in enumerate(group.offsets)
        )
        places: list[list[int]] = [[] for _ in groups]
        for place, (_, number, _) in enumerate(order):
            places[number].append(place)
        timed = [group.times for group in groups if group.times is not None]
        return cls(
            groups,
            [number for _, number, _ in order],
            places,
            [offset for offset, _, _ in order],
            _paths(groups, order),
            [timed[number][at] for _, number, at in order] if timed else None,
        )

    def __len__(self) -> int:
        return len(self.offsets)

    def first(self, start: int, stop: int, found: Callable[[ReadyGroup, str], bool]) -> int:
        """The first place from start on for whose group and path this is true; stop if there is none. It is asked once
        for each group and path, in the order in which they are met.

        Raises the DataError that it raises for the record at start; at others a DataError counts as true.
        """
        asked, look = set[tuple[int, str]](), _FIRST_LOOK
        while start < stop:
            end = min(stop, start + look)
            ways = list(self._ways(start, end))
            for way in dict.fromkeys(ways):
                if way in asked:
                    continue
                try:
                    ends = found(self.groups[way[0]], way[1])
                except DataError:
                    if not asked:
                        raise
                    ends = True
                if ends:
                    return start + ways.index(way)
                asked.add(way)
            start, look = end, 2 * look
        return stop

    def _ways(self, start: int, stop: int) -> Iterator[tuple[int, str]]:
        members = self.members[start:stop]
        if isinstance(self.paths, str):
            path = self.paths
            return ((number, path) for number in members)
        return zip(members, self.paths[start:stop], strict=True)

    def parts(self, start: int, stop: int) -> Iterator[tuple[ReadyGroup, range, Sequence[int]]]:
        """Each group that has records there, which of its records these are, and their places."""
        for group, places in zip(self.groups, self.places, strict=True):
            first, last = bisect_left(places, start), bisect_left(places, stop)
            if first < last:
                yield group, range(first, last), places[first:last]


def _paths(groups: Sequence[ReadyGroup], order: Sequence[tuple[int, int, int]]) -> Paths:
    first = groups[0].paths
    if isinstance(first, str) and all(group.paths == first for group in groups):
        return first
    return [groups[number].path(at) for _, number, at in order]
