"""How many records a sink is given at once, learned from the time that it took for the last ones. Pure.

While a put runs nothing can be committed, and a pause, a stop or a revocation has to wait. So a sink is given as much
as it takes about ``AIM`` seconds for: all that was polled if it is fast, one record if that alone takes a minute.
"""

from collections import deque
from dataclasses import dataclass, field

AIM = 0.5
"""Seconds that a slice should take, beyond what a put costs however little it is given; or as long as that costs, if it
is more: a put takes at most twice as long as the least that it could take, and half of its time is the records'."""
MOST_BYTES = 32 << 20
"""Bytes of keys and values in a slice, as consumed; a single record may have more."""
FIRST = 10
"""Records in the first slice, when nothing is known: a sink with 20 ms a record is through with them in 0.2 s."""
REMEMBERED = 8
MANY = 8
"""A slice that took so many times as long as any of the last says that the sink is not what it was."""
LONGEST = 1024
"""Slices of one size at most before a larger one is tried, where that was of no use before."""
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
    _by_itself: float = 0.0
    """The seconds that a put costs however little it is given, as far as is known."""
    _alike: int = 0
    """Slices of one size that have taken too long, since the last one of another."""
    _patience: int = REMEMBERED
    """After how many of them a larger one is tried; twice as many when that was of no use."""

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
            self._by_itself = 0.0
        self._last.append(Taken(records, seconds))
        growth = QUICKLY if seconds * QUICKLY <= self.aim else SLOWLY
        largest = max(records, self.size) * growth
        each = self._seconds_each()
        self._size = max(1, int(min(largest, max(self.aim, self._by_itself) / each if each > 0 else largest)))
        if self._size >= 4 * records:
            self._patience = REMEMBERED
        if self._is_stuck(seconds):
            self._size, self._alike = records * SLOWLY, 0
            self._patience = min(2 * self._patience, LONGEST)

    def _is_stuck(self, seconds: float) -> bool:
        """Whether slices of one size have taken too long for so many times that a larger one is worth a try."""
        self._alike = self._alike + 1 if self._are_alike and seconds > self.aim else 0
        return self._alike >= self._patience

    @property
    def _are_alike(self) -> bool:
        sizes = [taken.records for taken in self._last]
        return max(sizes) < 2 * min(sizes)

    def _seconds_each(self) -> float:
        """The seconds that one more record costs.

        A put may cost something by itself (a request, a commit), and smaller slices would not make that less: a sink
        that needs a second for a request of any size would get one record a second. Where slices differed in size, the
        line through their times tells the two apart (least squares); where they did not, what was known of the put's
        own cost holds, and what is beyond it is the records'.
        """
        latest = self._last[-1]
        if self._are_alike:
            return max(latest.seconds - self._by_itself, 0.0) / latest.records
        sizes = [taken.records for taken in self._last]
        middle = sum(sizes) / len(sizes)
        mean = sum(taken.seconds for taken in self._last) / len(sizes)
        spread = sum((size - middle) ** 2 for size in sizes)
        together = sum((taken.records - middle) * (taken.seconds - mean) for taken in self._last)
        # One that was slower than its neighbours must not make the line fall, nor exceed what the latest took in all.
        each = min(max(together / spread, 0.0), latest.seconds / latest.records)
        least = min(taken.seconds for taken in self._last)
        self._by_itself = min(max(mean - each * middle, 0.0), least)
        return each
