"""Translates a group's offsets in a topic to offsets in a topic that was restored from its archive. Pure.

Of some records the original offset is known exactly; of others only that it is not below one number and not above
another, since an object's name says no more. No record that the group may not have read is skipped: where it is not
certain, the group reads some again.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Restored(NamedTuple):
    """A record of the restored topic."""

    partition: int
    offset: int
    original_partition: int
    original: int
    """Its offset in the original topic; where ``first`` is given, the lowest that it can have been."""
    first: int | None = None
    """The offset of the first record of its object, if only that is known."""
    last: int | None = None
    """An offset that no record of its object is behind."""


class Target(NamedTuple):
    """Where a group goes on in a partition of the restored topic."""

    offset: int
    again: int
    """How many records it may get a second time."""


@dataclass
class _Group:
    """The records of one object, or all of a partition whose offsets are exact, as they were met."""

    last: int | None = None
    original: "array[int]" = field(default_factory=lambda: array("q"))
    partition: "array[int]" = field(default_factory=lambda: array("q"))
    offset: "array[int]" = field(default_factory=lambda: array("q"))

    def bounds(self, first: int | None) -> Iterator[tuple[int, int | None, int, int]]:
        """The lowest and highest original offset of each record, and where it is now; None is without an end."""
        highest = max(self.original)
        for original, partition, offset in zip(self.original, self.partition, self.offset, strict=True):
            if first is None or original == first:
                upper: int | None = original
            else:
                upper = None if self.last is None else max(original, self.last - (highest - original))
            yield original, upper, partition, offset


def translated(records: Iterable[Restored], committed: Mapping[int, int]) -> dict[int, Target]:
    """By partition of the restored topic, where to go on; none where nothing lies that the group was reading.

    ``committed`` are the group's offsets in the original topic, by partition: the next record to read of each. Of a
    partition without one nothing counts as read, where its records lie among those of others.
    """
    groups: dict[tuple[int, int | None], _Group] = {}
    for each in records:
        group = groups.setdefault((each.original_partition, each.first), _Group())
        group.last = (
            each.last if group.last is None else min(group.last, group.last if each.last is None else each.last)
        )
        group.original.append(each.original)
        group.partition.append(each.partition)
        group.offset.append(each.offset)
    unread: dict[int, list[int]] = {}
    behind: dict[int, int] = {}
    certain: dict[int, list[int]] = {}
    for (number, first), group in groups.items():
        if number not in committed:
            for partition, offset in zip(group.partition, group.offset, strict=True):
                unread.setdefault(partition, []).append(offset)
            continue
        next_one = committed[number]
        for lowest, highest, partition, offset in group.bounds(first):
            behind[partition] = max(behind.get(partition, 0), offset + 1)
            if highest is None or highest >= next_one:
                unread.setdefault(partition, []).append(offset)
            if lowest < next_one:
                certain.setdefault(partition, []).append(offset)
    found = {}
    for partition, end in sorted(behind.items()):
        start = min(unread.get(partition, ()), default=end)
        found[partition] = Target(start, sum(offset >= start for offset in certain.get(partition, ())))
    return found
