"""How many records a sink is given at once, learned from the time that it took for the last ones. Pure.

While a put runs nothing can be committed, and a pause, a stop or a revocation has to wait. So a sink is given as much
as it takes about ``AIM`` seconds for: all that was polled if it is fast, one record if that alone takes a minute.
"""

from collections import deque
from dataclasses import dataclass, field

AIM = 0.5
"""Seconds that a slice should take, beyond what a put costs however little it is given."""
MOST_BYTES = 32 << 20
"""Bytes of keys and values in a slice, as consumed; a single record may have more."""
FIRST = 10
"""Records in the first slice, when nothing is known: a sink with 20 ms a record is through with them in 0.2 s."""
REMEMBERED = 8
MANY = 8
"""A slice that took so many times as long as any of the last says that the sink is not what it was."""
QUICKLY, SLOWLY = 8, 2
"""How many times as large as the last one a slice may be: after one that took next to no time, after any other."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A slice that the sink has taken."""

    records: int
    """How many there were."""
    seconds: float
    """How long it took."""


@dataclass
class Slices:
    """Decides the size of the next slice."""

    most: int
    """Records in a slice at most."""
    aim: float = AIM
    """Seconds that a slice should take."""
    _size: int = FIRST
    _last: deque[Taken] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    @property
    def size(self) -> int:
        """Records in the next slice; at least one."""
        return max(1, min(self._size, self.most))

    def learn(self, records: int, seconds: float) -> None:
        """The sink has taken ``records`` in ``seconds``."""
        if records < 1:
            return
        if seconds > max((MANY * taken.seconds for taken in self._last), default=0.0):
            self._last.clear()  # what held before would take several such slices to be outweighed
        self._last.append(Taken(records, seconds))
        growth = QUICKLY if seconds * QUICKLY <= self.aim else SLOWLY
        largest = max(records, self.size) * growth
        each = self._seconds_each()
        self._size = max(1, int(min(largest, self.aim / each if each > 0 else largest)))

    def _seconds_each(self) -> float:
        """The seconds that one more record costs.

        A put may cost something by itself (a request, a commit), and smaller slices would not make that less: a sink
        that needs a second for a request of any size would get one record a second. Where slices differed in size, the
        line through their times tells the two apart (least squares); where they did not, all counts as the records'.
        """
        latest = self._last[-1]
        sizes = [taken.records for taken in self._last]
        if max(sizes) < 2 * min(sizes):
            return latest.seconds / latest.records
        middle = sum(sizes) / len(sizes)
        mean = sum(taken.seconds for taken in self._last) / len(sizes)
        spread = sum((size - middle) ** 2 for size in sizes)
        together = sum((taken.records - middle) * (taken.seconds - mean) for taken in self._last)
        # One that was slower than its neighbours must not make the line fall, nor exceed what the latest took in all.
        return min(max(together / spread, 0.0), latest.seconds / latest.records)
