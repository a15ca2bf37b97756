"""How a sink task comes to rest when it is paused, and when the worker is told.

The order of events: the worker wants a pause → no put follows the one that runs → it ends → what it took is committed
→ the worker is told. A put without end, or a commit that its sink asks for again and again, holds that up for
``TELL_AFTER_SECONDS`` seconds at most.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ferryman.task.setup.control import Control

TELL_AFTER_SECONDS = 5.0
"""Seconds after which a pause is reported although a put is still running."""


class LeaseOver(Exception):
    """Another worker may have the task: its partitions are to go, and nothing more may be done for them here."""


@dataclass
class Pausing:
    """What the worker wants, and what was reported to it, about pauses."""

    control: Control
    request_commit: Callable[[], None]
    _since: float | None = None
    _stands: bool = False
    """Whether the last put is over, and the commit after it was asked for."""
    _told: bool = False
    _over: bool = False

    @property
    def over(self) -> bool:
        """Whether another worker may have had the task since the session began. What the session holds is worth nothing
        then, even if the lease comes back."""
        self._over = self._over or self.control.over
        return self._over

    def obey(self, busy: bool) -> None:
        """To be called in each round; ``busy`` says whether a call of the sink is running or a commit still to come.
        Raises LeaseOver."""
        if self.over:
            raise LeaseOver
        if self.control.pausing is self._told:
            self._since, self._stands = None, False
            return
        if self.control.pausing and not self._at_rest(busy):
            return
        self._told = self.control.pausing
        self._since, self._stands = None, False
        self.control.tell("paused" if self._told else "running", {})

    def _at_rest(self, busy: bool) -> bool:
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now >= self._since + TELL_AFTER_SECONDS:
            return True
        if busy:
            return False
        if not self._stands:
            self._stands = True
            self.request_commit()
            return False
        return True
