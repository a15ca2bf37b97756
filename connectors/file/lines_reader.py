"""Bytes cut into lines that end in a line feed, a carriage return or both, with the position after each. Pure."""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple


class Lines(NamedTuple):
    """Whole lines without their ends, and for each the position in bytes after its end."""

    texts: list[str]
    positions: list[int]

    def up_to(self, position: int | None) -> "Lines":
        """The lines that end at this position or before; None is no bound."""
        if position is None or not self.positions or self.positions[-1] <= position:
            return self
        count = bisect_right(self.positions, position)
        return Lines(self.texts[:count], self.positions[:count])


class LineCutter:
    """Takes bytes in pieces of any size, gives the lines that are complete.

    A line without an end is held back, and so is one that ends in a carriage return at the end of what is there: a line
    feed may follow. Bytes that are no UTF-8 become U+FFFD, as Java reads them.
    """

    def __init__(self, position: int) -> None:
        """Starts at a position in bytes, which must be the beginning of a line."""
        self.position = position
        """Behind the last line that was given."""
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> Lines:
        """The lines that these bytes complete."""
        pending_return = bool(self._pieces) and self._pieces[-1].endswith(b"\r")
        if not pending_return and b"\n" not in data and b"\r" not in data:
            # A very long line is joined once, when its end comes, not again with every piece.
            if data:
                self._pieces.append(data)
            return Lines([], [])
        whole = b"".join((*self._pieces, data))
        end = _complete(whole)
        self._pieces = [whole[end:]] if end < len(whole) else []
        return self._cut(whole[:end])

    def _cut(self, whole: bytes) -> Lines:
        if not whole:
            return Lines([], [])
        lengths = map(len, whole.splitlines(keepends=True))
        positions = list(accumulate(lengths, initial=self.position))[1:]
        self.position = positions[-1]
        text = whole.decode("utf-8", "replace")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return Lines(text[:-1].split("\n"), positions)


def _complete(whole: bytes) -> int:
    """How many of the bytes belong to complete lines."""
    certain = len(whole) - 1 if whole.endswith(b"\r") else len(whole)
    return max(whole.rfind(b"\n", 0, certain), whole.rfind(b"\r", 0, certain)) + 1
