"""How much of its time a run may work beside a live connector, decided by how long records wait for that one. Pure.

Half as much when they wait too long, a little more each second while they do not: so it finds what live can bear, and
gives way much faster than it comes back. Live may be late for reasons of its own, so that giving way is of no use: when
even the least that a run does has not helped for a while, that delay is what live has by itself, and the run goes on
until it makes it worse. So a run always ends. Until something is known of live it works a fixed part of its time.
"""

from dataclasses import dataclass

from ferryman.runs.delays import Delay

MAX_DELAY_SECONDS = 1.0
"""Seconds that a record may wait for live, or as long as it did without the run's doing."""
TOLERATED_DELAY_FACTOR = 1.5
"""How many times that delay is too long."""
HALVING_SECONDS = 3.0
"""Seconds between two halvings: so long it may take until one shows."""
GROWTH_PER_SECOND = 1.05
"""The growth in a second; it doubles in 14."""
MIN_SHARE = 1 / 64
FIRST_SHARE = 1 / 4
"""The share while nothing is known of a live connector that may be there."""
OWN_DELAY_SECONDS = 30.0
"""Seconds at the least share after which the delay is live's own."""


@dataclass
class Yielding:
    """How much of its time one task of a run may work."""

    share: float = 1.0
    """The part of its time in which the task may work, from MIN_SHARE to 1."""
    _own: float = 0.0
    """Live's delay by itself, as far as known."""
    _halved: float | None = None
    """When it was halved last; as the others, in seconds of the caller's clock."""
    _heard: float = 0.0
    _least_since: float | None = None
    _begins: bool = False
    """Whether nothing was heard yet."""

    def begin(self) -> None:
        """There may be a live connector, of which will be heard."""
        self.share, self._begins = FIRST_SHARE, True

    @property
    def limit(self) -> float:
        """Seconds from which on the delay is too long."""
        return max(MAX_DELAY_SECONDS, TOLERATED_DELAY_FACTOR * self._own)

    def heard(self, delay: Delay | None, now: float) -> None:
        """What is known of live now; None if it reads nothing, so that there is nothing to give way to."""
        passed, self._heard = min(now - self._heard, HALVING_SECONDS), now
        begins, self._begins = self._begins, False
        if delay is None:
            self.share, self._own, self._least_since = 1.0, 0.0, None
        elif delay.longest > self.limit:
            self._late(delay, now)
        elif not delay.is_known:
            self.share = min(self.share, FIRST_SHARE)
        elif begins:
            self.share = 1.0
        else:
            self.share = min(1.0, self.share * GROWTH_PER_SECOND ** max(0.0, passed))
            self._own, self._least_since = min(self._own, delay.longest), None

    def _late(self, delay: Delay, now: float) -> None:
        if self.share <= MIN_SHARE:
            self._least_since = now if self._least_since is None else self._least_since
            if now - self._least_since >= OWN_DELAY_SECONDS:
                self._own, self._least_since = delay.longest, None
        elif (delay.news or 0.0) > self.limit and (self._halved is None or now - self._halved >= HALVING_SECONDS):
            self.share, self._halved = max(MIN_SHARE, self.share / 2), now
