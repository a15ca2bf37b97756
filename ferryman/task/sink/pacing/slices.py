"""How many records a sink is given at once, learned from the time that it took for the last ones. Pure.

While a put runs nothing can be committed, and a pause, a stop or a revocation has to wait. So a sink is given as much
as it takes about ``AIM_SECONDS`` for: all that was polled if it is fast, one record if that alone takes a minute.
"""

from collections import deque
from dataclasses import dataclass, field
from itertools import combinations
from operator import attrgetter
from statistics import median

AIM_SECONDS = 0.5
"""Seconds that a slice should take, beyond what a put costs however little it is given; or as long as that costs, if it
is more: a put takes at most twice as long as the least that it could take, and half of its time is the records'."""
MOST_BYTES = 32 << 20
"""Bytes of keys and values in a slice, as consumed; a single record may have more."""
FIRST_RECORDS = 10
"""Records in the first slice, when nothing is known: a sink with 20 ms a record is through with them in 0.2 s."""
BEARABLE_SECONDS = 5.0
"""Seconds that a slice may take to find out what a put costs by itself."""
REMEMBERED_SLICES = 8
CHANGED_SINK_FACTOR = 8
"""A slice that took so many times as long as any of the last says that the sink is not what it was."""
CHEAP_GROWTH_SHARE = 0.25
"""The part of a slice's time that four times as many records may take where they cost hardly any."""
NOISE_FACTOR = 1.5
"""How many times as long as another a slice may take by chance."""
SLICES_BEFORE_GROWTH, MAX_SLICES_BEFORE_GROWTH = 5, 1024
"""Slices of one size before a larger one is tried; at most, where that was of no use before."""
GROWTH_WHEN_FAST, GROWTH_WHEN_FREE, GROWTH_WHEN_SLOW = 8, 4, 2
"""How many times as large as the last one a slice may be: after one that took next to no time; where more records have
cost hardly more time; after any other."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A slice that the sink has taken."""

    records: int
    """How many there were."""
    seconds: float
    """How long it took."""


_RECORDS, _SECONDS = attrgetter("records"), attrgetter("seconds")


@dataclass
class Slices:
    """Decides the size of the next slice."""

    most: int
    """Records in a slice at most."""
    aim: float = AIM_SECONDS
    """Seconds that a slice should take."""
    _size: int = FIRST_RECORDS
    _last: deque[Taken] = field(default_factory=lambda: deque(maxlen=REMEMBERED_SLICES))
    _by_itself: float | None = None
    """The seconds that a put costs however little it is given; None as long as nothing is known of that."""
    _is_new: bool = True
    """Whether no slice was too large yet, since the first or since the sink is not what it was."""
    _is_second: bool = False
    """Whether the next one follows the first of a sink, or of one that is not what it was."""
    _alike: int = 0
    """Slices of one size that have taken their time, since the last one of another."""
    _patience: int = SLICES_BEFORE_GROWTH
    """After how many of them a larger one is tried; twice as many when that was of no use."""

    @property
    def size(self) -> int:
        """Records in the next slice; at least one."""
        return max(1, min(self._size, self.most))

    def learn(self, records: int, seconds: float) -> None:
        """The sink has taken ``records`` in ``seconds``."""
        if records < 1:
            return
        self._remember(Taken(records, seconds))
        each = self._seconds_each()
        if self._by_itself is None:
            self._size = self._tried(records, seconds)
        else:
            largest = max(records, self.size) * self._growth(records, seconds, each)
            wanted = max(self.aim, self._by_itself) / each if each > 0 else largest
            self._is_new = self._is_new and wanted >= largest
            self._size = max(1, int(min(largest, wanted)))
        if self._size >= 4 * records:
            self._patience = SLICES_BEFORE_GROWTH
        if self._is_stuck(seconds) and self._size < records * GROWTH_WHEN_SLOW:
            self._size, self._alike = records * GROWTH_WHEN_SLOW, 0
            self._patience = min(2 * self._patience, MAX_SLICES_BEFORE_GROWTH)

    def _remember(self, taken: Taken) -> None:
        if taken.seconds > CHANGED_SINK_FACTOR * max(map(_SECONDS, self._last), default=0.0):
            self._last.clear()  # what held before would take several such slices to be outweighed
            self._by_itself, self._is_new, self._is_second = None, True, True
        elif self._is_second:
            if self._last[0].seconds > max(self.aim, NOISE_FACTOR * taken.seconds):
                self._last.clear()  # it may have made connections and tables, which none after it does
            self._is_second = False
        self._last.append(taken)

    def _tried(self, records: int, seconds: float) -> int:
        """How many are to tell the records' part of the time from the put's own: more than these, or, where more might
        take longer than can be borne, as few as take no longer than they should."""
        if seconds * GROWTH_WHEN_SLOW <= BEARABLE_SECONDS:
            return records * (GROWTH_WHEN_FAST if seconds * GROWTH_WHEN_FAST <= self.aim else GROWTH_WHEN_SLOW)
        return max(1, int(records * self.aim / seconds))

    def _growth(self, records: int, seconds: float, each: float) -> int:
        if seconds * GROWTH_WHEN_FAST <= self.aim:
            return GROWTH_WHEN_FAST
        return (
            GROWTH_WHEN_FREE
            if self._is_new and each * records * GROWTH_WHEN_FREE <= CHEAP_GROWTH_SHARE * seconds
            else GROWTH_WHEN_SLOW
        )

    def _is_stuck(self, seconds: float) -> bool:
        """Whether there were so many slices of one size, which nothing but their time keeps from growing, that a larger
        one is worth a try: what is held to be the records' time may be the put's own."""
        self._alike = self._alike + 1 if self._are_alike and seconds > self.aim / 2 else 0
        return self._alike >= self._patience

    @property
    def _are_alike(self) -> bool:
        most, least = max(map(_RECORDS, self._last)), min(map(_RECORDS, self._last))
        return bool(most < 2 * least)

    def _seconds_each(self) -> float:
        """The seconds that one more record costs.

        A put may cost something by itself (a request, a commit), and smaller slices would not make that less: a sink
        that needs a second for a request of any size would get one record a second. Where slices differed in size, the
        line through their times tells the two apart: the middle one of all that go through two of them (Theil and Sen),
        which one that took much longer, since it was refused and tried again say, does not change. Where they did not
        differ, what was known of the put's own cost holds, and what is beyond it is the records'.
        """
        latest = self._last[-1]
        if self._are_alike:
            return max(latest.seconds - (self._by_itself or 0.0), 0.0) / latest.records
        pairs = combinations(sorted(self._last, key=lambda taken: taken.records), 2)
        rises = [
            (more.seconds - less.seconds) / (more.records - less.records)
            for less, more in pairs
            if more.records > less.records
        ]
        # One that was slower than its neighbours must not make the line fall, nor exceed what the latest took in all.
        each = min(max(median(rises), 0.0), latest.seconds / latest.records)
        self._by_itself = max(median(taken.seconds - each * taken.records for taken in self._last), 0.0)
        return each
