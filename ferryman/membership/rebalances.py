"""How often, and for how long, a member has been part of a rebalance (Kafka Connect's WorkerRebalanceMetrics).

One begins when the member declares what it has, and ends when it knows what the leader wants.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ferryman.metrics.windows import Clock, Recent, Sampling

REST_PER_REBALANCE = 3
"""How many times as long as a rebalance has kept a worker busy it rests before it asks for one without haste: so they
take a quarter of its time at most, however many connectors there are, each of which every rebalance goes through."""


@dataclass(slots=True)
class Rebalances:
    """The rebalances of one member. The network's thread counts, another may read."""

    sampling: Sampling = field(default_factory=Sampling)
    completed: int = 0
    took: Recent = field(init=False)
    """Milliseconds."""
    cost: float = 0.0
    """Seconds that the last one has kept this worker itself busy."""
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
            self._began, self.cost = self._clock(), 0.0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While this lasts the worker is busy with one."""
        began = self._clock()
        try:
            yield
        finally:
            self.cost += self._clock() - began

    @property
    def rest(self) -> float:
        """Seconds until another one may be asked for that can wait."""
        return 0.0 if self._ended is None else max(0.0, self._ended + REST_PER_REBALANCE * self.cost - self._clock())

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
