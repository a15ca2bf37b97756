"""How often, and for how long, a member has been part of a rebalance (Kafka Connect's WorkerRebalanceMetrics).

One begins when the member declares what it has, and ends when it knows what the leader wants.
"""

from dataclasses import dataclass, field

from ferryman.metrics.windows import Clock, Recent, Sampling


@dataclass(slots=True)
class Rebalances:
    """Those of one member. The network's thread counts, another may read."""

    sampling: Sampling = field(default_factory=Sampling)
    completed: int = 0
    took: Recent = field(init=False)
    """Milliseconds."""
    _began: float | None = None
    _ended: float | None = None

    def __post_init__(self) -> None:
        self.took = Recent(self.sampling)

    @property
    def _clock(self) -> Clock:
        return self.sampling.clock

    def begins(self) -> None:
        """The member joins."""
        if self._began is None:
            self._began = self._clock()

    def ends(self) -> None:
        """The leader has told it what to run."""
        now = self._clock()
        if self._began is not None:
            self.took.record(1000 * (now - self._began))
        self._began, self._ended = None, now
        self.completed += 1

    @property
    def under_way(self) -> bool:
        """Whether the member is in one now."""
        return self._began is not None

    @property
    def since(self) -> float:
        """Milliseconds since the last one; infinite before the first, as in Kafka Connect."""
        return float("inf") if self._ended is None else 1000 * (self._clock() - self._ended)
