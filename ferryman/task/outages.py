"""Failures of other systems that a task meets: judged by ``retry.outage``, reported to the worker, logged once a
minute."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ferryman.errors import RefusedError, RetriableError, TaskError
from ferryman.java.instants import utc_text
from ferryman.record import Coordinates
from ferryman.retry.outage import Outage, Step
from ferryman.telemetry import place
from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)

LOG_SECONDS = 60.0
"""Seconds between two lines of the log about one outage."""
CALM_SECONDS = 10.0
"""Seconds without work and without failures after which an outage is over."""
LONGEST_REASON = 2000
"""Letters of it in a status."""


@dataclass
class Outages:
    """The outages of one task, over its sessions."""

    outage: Outage
    tell: Callable[[str, dict[str, Any]], None]
    """Sends the worker a message: its kind, and facts."""
    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds."""
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    waits: int = 0
    """How often another try was waited for, since the process began."""
    _since: datetime | None = None
    _said: float | None = None
    _unsaid: int = 0
    _calm_since: float | None = None

    def met(self, error: RetriableError, waiting: Coordinates | None = None) -> float:
        """Seconds to wait before the next try, for the record ``waiting`` and what follows it. Raises TaskError when
        there is to be none."""
        self._calm_since = None
        decision = self.outage.failed(self.clock(), isinstance(error, RefusedError), error.after)
        if decision.step is Step.FAIL:
            raise TaskError(f"{decision.why}: {error}") from error
        self.waits += 1
        reason = redact(str(error))[:LONGEST_REASON]
        self._log(reason, decision.wait, waiting)
        self._since = self._since or self.now()
        facts: dict[str, Any] = {"since": _text(self._since), "reason": reason}
        facts |= {"next_try": _text(self.now(), decision.wait), "refuses": isinstance(error, RefusedError)}
        self.tell("refused" if decision.step is Step.SHOW else "away", facts)
        return decision.wait

    def recovered(self, success: bool = True) -> None:
        """Something went well; ``success`` says whether it was what the task is for (a put, a poll)."""
        first = success and not self.outage.succeeded
        was = self.outage.over(success)
        if first:
            self.tell("succeeded", {})
        if was:
            log.info("all is well again, after %s", self.now() - self._since if self._since else "a moment")
            self.tell("back", {})
        self._since, self._said, self._unsaid = None, None, 0

    def set_aside(self) -> None:
        """The task is paused and tries nothing: how long the other system was away before that counts no more."""
        if self.outage.over(success=False):
            self.tell("back", {})
        self._since, self._said, self._unsaid = None, None, 0

    def going_on(self) -> None:
        """Work goes on, but is not done; that ends an outage, but does not prove that the system no longer refuses."""
        if not self.outage.refused:
            self.recovered(success=False)

    def calm(self, idle: bool = True) -> None:
        """There is nothing to do, and nothing fails; when that has lasted a while, the trouble is over."""
        if self.outage.since is None or not idle:
            return
        self._calm_since = self.clock() if self._calm_since is None else self._calm_since
        if self.clock() - self._calm_since > CALM_SECONDS:
            self.recovered(success=False)

    def _log(self, reason: str, wait: float, waiting: Coordinates | None) -> None:
        now = self.clock()
        if self._said is not None and now - self._said < LOG_SECONDS:
            self._unsaid += 1
            return
        more = f", {self._unsaid} tries since the last message" if self._unsaid else ""
        more += f", {waiting} and what follows it wait" if waiting else ""
        extra = place.at(waiting) if waiting else {}
        log.warning("%s (try %d, again in %.1f s%s)", reason, self.outage.tries, wait, more, extra=extra)
        self._said, self._unsaid = now, 0


def _text(when: datetime, later: float = 0.0) -> str:
    return utc_text(when + timedelta(seconds=later))
