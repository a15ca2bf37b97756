"""Reads one partition: its lanes together, so that records come by offset as far as the archive tells offsets."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple

from ferryman.connectors.s3.restore.contents import Archived
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
    begins first comes first. A partition may have very many lanes, so none but those that are next are looked at.

    A sink that goes on makes the objects of several folders visible one after the other, and a listing goes through the
    folders one after the other too:

        the listing                            the sink, with offsets 0 to 9, of which 4 is a tombstone
                                               makes orders/partition=0/orders+0+0000000000.avro
        topics/orders/partition=0/: 0 to 9
        topics/orders/tombstone/: nothing
                                               makes orders/tombstone/orders+0+0000000004.avro

    So behind a gap in the offsets nothing is taken of an object that only just appeared. What belongs into the gap is
    there with a later look; if it is not, the gap is one that the topic has too, as a compacted one has.
    """

    lanes: dict[Lane, LaneReader] = field(default_factory=dict)
    _heads: list[tuple[Head, Lane]] | None = None
    """A heap of the lanes that have something, by what comes next; None if it is to be made anew."""
    _open: set[Lane] = field(default_factory=set)
    """The lanes of which an object is being read."""
    _moved: dict[Lane, LaneReader] = field(default_factory=dict)
    _following: int = 0
    """The offset behind the last record that was taken."""
    holds: bool = False
    """Whether records are there that stand behind a gap, and wait for another look."""

    def offered(self, reader: LaneReader, objects: list[Archived], began: float, now: float) -> None:
        """Gives a lane, a new one or one that is known, what a listing found of it; see ``LaneReader.take_listing``."""
        self.lanes[reader.lane] = reader
        reader.take_listing(objects, began, now)
        if reader.position is not None:
            self._following = max(self._following, reader.position.following or 0)
        self._heads = None

    def forget(self) -> None:
        """After an error: what was read ahead is read again."""
        for lane in self._open:
            self.lanes[lane].forget()
        self._open.clear()
        self._heads = None

    def moved(self) -> Iterator[LaneReader]:
        """The lanes that may be further than when they were last asked for."""
        found, self._moved = self._moved, {}
        yield from found.values()

    def next(self, limit: int, bounded: bool) -> TakenRecords | None:
        """The next records; None when nothing is there, or what comes next waits for something that may appear. Nothing
        waits for that where ``bounded`` says that there is no other look."""
        self.holds = False
        while (chosen := self._first()) is not None:
            try:
                if chosen.incomplete(bounded):
                    return None
                found = None if chosen.head() is None else self._taken(chosen, limit, bounded)
            finally:
                self._put_back(chosen)
            if found is not None or self.holds:
                return found
        return None

    def waits(self) -> str | None:
        """The object whose keys or headers are missing still; None if that is not what it waits for."""
        chosen = self._first()
        if chosen is None or not chosen.incomplete(bounded=False):
            return None
        return chosen.waiting[0].listed.key

    def _taken(self, chosen: LaneReader, limit: int, bounded: bool) -> TakenRecords | None:
        before = chosen.head()
        piece = chosen.peek(bytes_ahead(1 + len(self._open)))
        # The object may begin behind the offset in its name, or have no records: others may come first now.
        if piece is None or (piece.offsets is not None and chosen.head() != before):
            return None
        count = min(len(piece), limit, self._before_others(piece))
        if piece.offsets is not None:
            count = count if bounded or chosen.settled else self._before_gap(piece.offsets[:count])
            self.holds = count == 0
            if self.holds:
                return None
            self._following = max(self._following, piece.offsets[count - 1] + 1)
        key = chosen.current.listed.key if chosen.current else ""
        first, last = chosen.range()
        return TakenRecords(chosen.lane, key, chosen.take(count), first, last)

    def _first(self) -> LaneReader | None:
        if self._heads is None:
            self._heads = [(head, lane) for lane, each in self.lanes.items() if (head := each.head()) is not None]
            heapify(self._heads)
        return self.lanes[self._heads[0][1]] if self._heads else None

    def _put_back(self, chosen: LaneReader) -> None:
        """Puts the lane that was first, and was read on, where it belongs now."""
        self._moved[chosen.lane] = chosen
        (self._open.add if chosen.reads else self._open.discard)(chosen.lane)
        if not self._heads:
            return
        head = chosen.head()
        if head is None:
            heappop(self._heads)
        else:
            heapreplace(self._heads, (head, chosen.lane))

    def _before_others(self, piece: Piece) -> int:
        """How many records of the lane that is first stand before those of all others; at least one."""
        others = (self._heads or [])[1:3]
        if piece.offsets is None or not others:
            return len(piece)
        (offset, _), _ = min(others)
        return max(1, bisect_left(piece.offsets, offset))

    def _before_gap(self, offsets: Sequence[int]) -> int:
        """How many of the next records have no gap before them."""
        expected = self._following
        if offsets[0] <= expected and offsets[-1] - offsets[0] == len(offsets) - 1:
            return len(offsets)
        for place, offset in enumerate(offsets):
            if offset > expected:
                return place
            expected = max(expected, offset + 1)
        return len(offsets)
