"""How a task's loop and the rest of its process communicate: what the worker wants, and what the task reports.

The loop checks these wishes between two steps; the thread that receives the worker's messages sets them.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from ferryman.leases import lease
from ferryman.leases.lease import UNLIMITED, Lease
from ferryman.offsets.asking import Asking
from ferryman.task.crash_evidence.at_work import AtWork

Wish = Literal["run", "pause", "stop"]
LONGEST_MESSAGE = 1 << 20
"""Bytes that a task's message to its worker may have."""
POLL_SECONDS = 0.5
"""Seconds between two checks of the clock while a task is parked."""


@dataclass
class Control:
    """The worker's wishes for one task, and the way to send the worker events."""

    tell: Callable[[str, dict[str, Any]], None]
    """Sends an event with its facts to the worker."""
    lease: Lease = UNLIMITED
    """Until when the task may act."""
    at_work: AtWork = field(default_factory=AtWork)
    """Where the task notes what it works on."""
    offer: Callable[[str, dict[str, Any]], bool] = lambda event, facts: True
    """Sends the worker an event with its facts if there is room for it; says whether there was. It never waits."""
    asking: Asking = field(init=False)
    """Asks the worker for source offsets."""
    acting: bool = False
    """Whether a call of the connector's runs that may reach other systems."""
    _wish: Wish = "run"
    _stop_wished: float | None = None
    """When the task was first told to end, in monotonic seconds."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _seen: threading.local = field(default_factory=threading.local)
    """For each thread the wish when its last wait ended, in ``wish``."""
    _topics: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.asking = Asking(self.tell)

    def wish(self, wish: Wish) -> None:
        """The worker wants this now; stop is final."""
        with self._changed:
            if self._wish != "stop":
                self._wish = wish
                self._stop_wished = time.monotonic() if wish == "stop" else None
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether the task is to end."""
        return self._wish == "stop"

    @property
    def stopping_for(self) -> float:
        """Seconds since the task was told to end; 0 while it is not."""
        return 0.0 if self._stop_wished is None else time.monotonic() - self._stop_wished

    @property
    def pausing(self) -> bool:
        """Whether the task is to be paused."""
        return self._wish == "pause"

    def renew(self, granted: Lease) -> None:
        """The worker has renewed the lease."""
        with self._changed:
            self.lease = granted
            self._changed.notify_all()

    @property
    def parked(self) -> bool:
        """Whether the lease has ended: the task puts, sends and commits nothing until it is renewed."""
        return lease.now() >= self.lease.ends

    @property
    def over(self) -> bool:
        """Whether another worker may have the task."""
        return lease.now() >= self.lease.over

    @contextmanager
    def acting_now(self) -> Iterator[None]:
        """While this lasts, the connector may be reaching other systems."""
        self.acting = True
        try:
            yield
        finally:
            self.acting = False

    @property
    def halted(self) -> bool:
        """Whether nothing is to begin now, for either reason."""
        return self._wish == "pause" or lease.now() >= self.lease.ends

    def wait(self, seconds: float) -> bool:
        """Waits, at most so long, while the wish stays what it was when this thread last waited; true if the task is to
        stop."""
        # A pause may come when the loop has looked for one and is about to call a source, which then waits. If only
        # what comes within the wait ended it, the pause would be heard when the source has something, in a day perhaps.
        with self._changed:
            before = getattr(self._seen, "wish", "run")
            self._changed.wait_for(lambda: self._wish != before or self._wish == "stop", seconds)
            self._seen.wish = self._wish
            return self._wish == "stop"

    def may_act(self) -> bool:
        """Waits while the task is parked; false if it is to stop meanwhile."""
        while self.parked:
            with self._changed:
                if self._wish == "stop":
                    return False
                self._changed.wait(POLL_SECONDS)
        return True

    def forget_topics(self) -> None:
        """The record of used topics was reset: topics that are used from now on are reported again."""
        self._topics.clear()

    def used(self, topic: str) -> None:
        """The task reads or writes this topic (KIP-558); each is reported once."""
        if topic not in self._topics:
            self._topics.add(topic)
            self.tell("topic", {"topic": topic})
