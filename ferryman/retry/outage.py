"""How a loop goes through an outage: what it waits between two tries, and when it gives up."""

import logging
import time
from dataclasses import dataclass

from ferryman.errors import RetriableError, TaskError
from ferryman.retry import backoff

log = logging.getLogger(__name__)


@dataclass
class Outage:
    """One task's present outage, if there is one.

    ``longest_wait`` is the most seconds between two tries; ``give_up`` the seconds after which the task fails, None for
    never.
    """

    longest_wait: float
    give_up: float | None
    _since: float | None = None
    _failures: int = 0

    def failed(self, error: RetriableError) -> float:
        """Another try has failed; returns the seconds to wait. TaskError after errors.retry.timeout."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        self._failures += 1
        if self.give_up is not None and now - self._since >= self.give_up:
            raise TaskError(f"gave up after errors.retry.timeout: {error}") from error
        wait = error.after if error.after is not None else backoff.delay(self._failures, self.longest_wait)
        log.warning("%s (try %d, again in %.1f s)", error, self._failures, wait)
        return wait

    def over(self) -> None:
        """A try went well."""
        self._since, self._failures = None, 0
