"""How starts of connectors or tasks went (Kafka Connect's WorkerMetricsGroup). Pure."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from ferryman.facts.states import State
from ferryman.metrics.windows import Recent, Sampling

_BEGUN = frozenset({State.UNASSIGNED, State.RESTARTING})


@dataclass(slots=True)
class Startups:
    """The starts of one worker's connectors, or of its tasks. A start has gone well when it comes to any state but
    FAILED."""

    sampling: Sampling = field(default_factory=Sampling)
    succeeded: int = 0
    failed: int = 0
    recent: Recent = field(init=False)
    """1 for each that went well, 0 for another."""
    _up: dict[Hashable, bool] = field(default_factory=dict)
    """What has been started, and whether its start is over."""

    def __post_init__(self) -> None:
        self.recent = Recent(self.sampling)

    @property
    def attempts(self) -> int:
        """The starts whose outcome is known."""
        return self.succeeded + self.failed

    def shows(self, what: Hashable, state: State) -> None:
        """Something is in this state now."""
        if state in _BEGUN:
            self._up[what] = False
        elif not self._up.get(what, False):
            self._up[what] = True
            well = state is not State.FAILED
            self.succeeded += well
            self.failed += not well
            self.recent.record(well)

    def gone(self, what: Hashable) -> None:
        """What was started is not here any more."""
        self._up.pop(what, None)
