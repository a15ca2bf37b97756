"""Reads one partition: its lanes together, so that records come by offset as far as the archive tells offsets."""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from ferryman.connectors.s3.restore.lane_reader import LaneReader
from ferryman.connectors.s3.restore.listing import Lane
from ferryman.connectors.s3.restore.object_bytes import bytes_ahead
from ferryman.connectors.s3.restore.records import Piece

Head = tuple[int, str]


class TakenRecords(NamedTuple):
    """Records of one object, and where they were."""

    lane: Lane
    key: str
    """The object's."""
    piece: Piece
    first: int | None
    """The offset of the object's first record."""
    last: int | None
    """An offset that none of its records is behind."""


@dataclass
class PartitionReader:
    """The lanes of a topic's partition, or of a folder where there are none.

    Where records tell their offsets, those of all lanes are merged. Else an object is read to its end, and the one that
    begins first comes first.
    """

    lanes: dict[Lane, LaneReader] = field(default_factory=dict)

    def next(self, limit: int, bounded: bool) -> TakenRecords | None:
        """The next records; None when nothing is there, or what comes next waits for its keys or headers."""
        while (chosen := self._first()) is not None:
            if chosen.incomplete(bounded):
                return None
            if chosen.head() is None:
                continue
            before = chosen.head()
            piece = chosen.peek(bytes_ahead(1 + sum(each.reads for each in self.lanes.values())))
            # The object may begin behind the offset in its name, or have no records: others may come first now.
            if piece is None or (piece.offsets is not None and chosen.head() != before):
                continue
            count = min(len(piece), limit, self._before_others(chosen, piece))
            lane, key = chosen.lane, chosen.current.listed.key if chosen.current else ""
            first, last = chosen.range()
            return TakenRecords(lane, key, chosen.take(count), first, last)
        return None

    def waits(self) -> str | None:
        """The object whose keys or headers are missing still; None if that is not what it waits for."""
        chosen = self._first()
        if chosen is None or not chosen.incomplete(bounded=False):
            return None
        return chosen.waiting[0].listed.key

    def _first(self) -> LaneReader | None:
        heads = [(head, number) for number, each in enumerate(self.lanes.values()) if (head := each.head()) is not None]
        return list(self.lanes.values())[min(heads)[1]] if heads else None

    def _before_others(self, chosen: LaneReader, piece: Piece) -> int:
        """How many records stand before those of all other lanes; at least one."""
        if piece.offsets is None or len(self.lanes) == 1:
            return len(piece)
        heads = [head for each in self.lanes.values() if each is not chosen and (head := each.head()) is not None]
        return max(1, bisect_left(piece.offsets, min(heads)[0])) if heads else len(piece)
