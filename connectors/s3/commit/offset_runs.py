"""Which offsets a file holds: runs of consecutive ones, small also for files that got every other record. Pure."""

import zlib
from array import array
from base64 import b64decode, b64encode
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from operator import sub


class Offsets:
    """A growing set of offsets, added in ascending order."""

    def __init__(self, bounds: "array[int] | None" = None) -> None:
        self._bounds: array[int] = array("q") if bounds is None else bounds
        self.count = sum(self._bounds[1::2]) - sum(self._bounds[::2])

    def add(self, offsets: Sequence[int]) -> None:
        """Adds offsets, all larger than those there are."""
        self.count += len(offsets)
        if offsets[-1] - offsets[0] + 1 == len(offsets):
            self._extend(offsets[0], offsets[-1] + 1)
        else:
            # Where files take turns there is a gap behind each record, so this is done without a loop of our own.
            gaps = [index for index, (one, next) in enumerate(pairwise(offsets), 1) if next != one + 1]
            self._extend(offsets[0], offsets[gaps[0] - 1] + 1)
            runs = array("q", bytes(16 * len(gaps)))
            runs[::2] = array("q", [offsets[index] for index in gaps])
            runs[1::2] = array("q", [offsets[index - 1] + 1 for index in (*gaps[1:], len(offsets))])
            self._bounds += runs

    def _extend(self, start: int, stop: int) -> None:
        if self._bounds and self._bounds[-1] == start:
            self._bounds[-1] = stop
        else:
            self._bounds.extend((start, stop))

    @property
    def held_bytes(self) -> int:
        """Bytes in memory."""
        return 8 * len(self._bounds)

    @property
    def first(self) -> int:
        """The smallest."""
        return self._bounds[0]

    @property
    def last(self) -> int:
        """The largest."""
        return self._bounds[-1] - 1

    def __contains__(self, offset: int) -> bool:
        return bisect_right(self._bounds, offset) % 2 == 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Offsets) and self._bounds == other._bounds

    __hash__ = None  # type: ignore[assignment]

    def without(self, other: "Offsets") -> int:
        """How many of these the other lacks."""
        pairs = zip(self._bounds[::2], self._bounds[1::2], strict=True)
        return sum(offset not in other for start, stop in pairs for offset in range(start, stop))

    def text(self) -> str:
        """The offsets as text, about one byte for each gap."""
        steps = self._bounds[:1] + array("q", map(sub, self._bounds[1:], self._bounds))
        return b64encode(zlib.compress(steps.tobytes(), 1)).decode()

    @classmethod
    def from_text(cls, text: str) -> "Offsets":
        """The offsets of a text."""
        bounds = array("q")
        bounds.frombytes(zlib.decompress(b64decode(text)))
        return cls(array("q", accumulate(bounds)))
