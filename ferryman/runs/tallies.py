"""How far each task of a source is that comes to an end: tallies among its source offsets, committed with them. Pure.

A tally is the offset of a partition of Ferryman's own, which the source never sees. It moves in the transaction that
moves the source's offsets, so that it tells neither too much nor too little, whatever was killed when.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from ferryman.record import Offset, Partition

TASK, RECORDS, COMPLETE, REFUSED = "ferryman.run.task", "records", "complete", "refused"


@dataclass(frozen=True, slots=True)
class Tally:
    """How far one task is."""

    records: int = 0
    """What it has handed over since its beginning."""
    complete: bool = False
    """Whether nothing more comes."""
    refused: int = 0
    """How many of the records errors.tolerance has passed over."""

    def offset(self) -> Offset:
        """The tally as a source offset."""
        return {RECORDS: self.records, COMPLETE: self.complete, REFUSED: self.refused}

    @classmethod
    def parse(cls, offset: Mapping[str, Any]) -> Self:
        """The inverse of ``offset``; what cannot be understood counts for nothing."""
        records, refused = (each if type(each) is int else 0 for each in map(offset.get, (RECORDS, REFUSED)))
        return cls(records, offset.get(COMPLETE) is True, refused)


def partition(task: int) -> Partition:
    """The source partition of a task's tally."""
    return {TASK: task}


def is_tally(of: Mapping[str, Any] | None) -> bool:
    """Whether a source partition is that of a tally."""
    return of is not None and set(of) == {TASK}


def tallies_by_task(offsets: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> dict[int, Tally]:
    """The tallies among source offsets, by task."""
    return {int(of[TASK]): Tally.parse(offset) for of, offset in offsets if is_tally(of) and type(of[TASK]) is int}
