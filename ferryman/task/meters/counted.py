"""Things that are counted: how many there were, and how many a second."""

from dataclasses import dataclass, field

from ferryman.metrics.windows import Recent, Sampling


@dataclass(slots=True)
class Counted:
    """One kind of things. One thread counts, another may read."""

    sampling: Sampling
    total: int = 0
    _recent: Recent = field(init=False)

    def __post_init__(self) -> None:
        self._recent = Recent(self.sampling)

    def add(self, count: int) -> None:
        """So many more."""
        self.total += count
        self._recent.record(count)

    @property
    def rate(self) -> float:
        """A second, recently."""
        return self._recent.rate
