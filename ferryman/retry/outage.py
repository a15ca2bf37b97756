"""What a failure of another system comes to: waiting, or a task that has failed. Pure; the clock is handed in.

Two things look alike from here. A system may be **away** (no connection, a timeout, overload): it comes back. Or it
**refuses** (wrong password, no such database, bucket or topic, no permission): then the config is wrong, or a password
is being rotated, or a failover has not come to its end.

            away                        refuses, before the first success   refuses, after it
 at first   wait                        wait                                wait
 then       wait, without end           after the grace: fail for good      after an hour: show FAILED, try every five
                                                                            minutes, and go on when it is let in again

``errors.retry.timeout``, where it is set, fails the task for good in every column.
"""

from dataclasses import dataclass
from enum import Enum, auto

from ferryman.retry import backoff

REFUSAL_GRACE_SECONDS = 60.0
"""Seconds that a system may refuse before the first success, where the config counts no tries."""
LONGEST_REFUSAL = 3600.0
"""Seconds that a system may refuse after the first success."""
SLOW_RETRY_SECONDS = 300.0
"""Seconds between two tries after that."""


class Step(Enum):
    """What a task does after a failure."""

    WAIT = auto()
    """Try again; the task counts as running."""
    SHOW = auto()
    """Try again; the task counts as failed until that goes well."""
    FAIL = auto()
    """The task is over until somebody acts."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a config puts up with other systems."""

    retrying: float | None = None
    """Seconds for which anything is tried (errors.retry.timeout); None is without end."""
    tries: int | None = None
    """Tries after a refusal before the first success (max.retries, connection.attempts); None is a minute of them."""
    longest_wait: float = 60.0
    """Seconds between two tries at most (errors.retry.delay.max.ms)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a failure comes to."""

    step: Step
    wait: float = 0.0
    """After how many seconds."""
    why: str = ""
    """For Step.FAIL, the words for the error."""


@dataclass
class Outage:
    """The failures of one task since its last success, over all of its sessions."""

    patience: Patience
    succeeded: bool = False
    """Whether the task has ever done what it is for."""
    since: float | None = None
    """When the first failure was; None while all is well."""
    tries: int = 0
    """Failures so far."""
    _refused_since: float | None = None
    """When a system first refused; None if none has."""
    _refusals: int = 0
    """How many of the failures were refusals."""

    @property
    def refused(self) -> bool:
        """Whether a system has refused since the last success."""
        return self._refused_since is not None

    def failed(self, now: float, refused: bool, after: float | None = None) -> Decision:
        """One more failure; ``after`` is the wait that the other system asked for."""
        self.since = now if self.since is None else self.since
        self.tries += 1
        if refused:
            self._refused_since = now if self._refused_since is None else self._refused_since
            self._refusals += 1
        wait = backoff.delay(self.tries, self.patience.longest_wait) if after is None else after
        if self.patience.retrying is not None and now - self.since >= self.patience.retrying:
            return Decision(Step.FAIL, why="gave up after errors.retry.timeout")
        if not refused or self._refused_since is None:
            return Decision(Step.WAIT, wait)
        return self._refused(now - self._refused_since, wait)

    def _refused(self, lasted: float, wait: float) -> Decision:
        if self.succeeded:
            return Decision(Step.SHOW, SLOW_RETRY_SECONDS) if lasted >= LONGEST_REFUSAL else Decision(Step.WAIT, wait)
        if self.patience.tries is not None:
            if self._refusals > self.patience.tries:
                return Decision(Step.FAIL, why=f"refused {self._refusals} times before anything went well")
            return Decision(Step.WAIT, wait)
        if lasted >= REFUSAL_GRACE_SECONDS:
            return Decision(Step.FAIL, why=f"refused for {lasted:.0f} s before anything went well")
        return Decision(Step.WAIT, min(wait, REFUSAL_GRACE_SECONDS - lasted))

    def over(self, success: bool = True) -> bool:
        """All is well; returns whether it was otherwise before. ``success``: the task has done what it is for, not
        merely begun."""
        self.succeeded |= success
        was, self.since = self.since is not None, None
        self.tries = self._refusals = 0
        self._refused_since = None
        return was
