"""Counts by size or time, of many at once. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Histogram:
    """Values by bucket. One thread counts, another may read."""

    bounds: Sequence[float]
    """Upper bounds of the buckets, ascending; the last one has none."""
    counts: list[int] = field(default_factory=list)
    """By bucket, not added up."""
    sum: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def observe(self, value: float, count: int = 1) -> None:
        """So many values of that size."""
        self.counts[bisect_left(self.bounds, value)] += count
        self.sum += value * count

    def observe_between(self, least: float, most: float, count: int) -> bool:
        """So many values from ``least`` to ``most``, if these are in one bucket; else nothing, and False. The sum takes
        them for evenly spread."""
        bucket = bisect_left(self.bounds, least)
        if bucket != bisect_left(self.bounds, most):
            return False
        self.counts[bucket] += count
        self.sum += count * (least + most) / 2
        return True

    @property
    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Each upper bound with how many values are not above it; the last is infinite."""
        total = 0
        for bound, count in zip((*self.bounds, float("inf")), self.counts, strict=True):
            total += count
            yield bound, total
