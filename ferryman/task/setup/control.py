"""How a task's loop and the rest of its process talk: what the worker wants, and what the task has to tell.

The loop looks at the wishes between two steps; whoever receives the worker's messages sets them from another thread.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Wish = Literal["run", "pause", "stop"]
LONGEST_MESSAGE = 1 << 20
"""Bytes that a task's message to its worker may have."""


@dataclass
class Control:
    """The wishes of the worker towards one task, and the way to tell it something."""

    tell: Callable[[str, dict[str, Any]], None]
    """Sends an event with its facts to the worker."""
    _wish: Wish = "run"
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _topics: set[str] = field(default_factory=set)

    def wish(self, wish: Wish) -> None:
        """The worker wants this now; stop is final."""
        with self._changed:
            if self._wish != "stop":
                self._wish = wish
            self._changed.notify_all()

    @property
    def stopping(self) -> bool:
        """Whether the task is to end."""
        return self._wish == "stop"

    @property
    def pausing(self) -> bool:
        """Whether the task is to stand still."""
        return self._wish == "pause"

    def wait(self, seconds: float) -> bool:
        """Waits, at most so long, while the wish stays the same; true if the task is to stop."""
        with self._changed:
            before = self._wish
            self._changed.wait_for(lambda: self._wish != before or self._wish == "stop", seconds)
            return self._wish == "stop"

    def forget_topics(self) -> None:
        """The record of topics was reset: those that are used from now on are told again."""
        self._topics.clear()

    def used(self, topic: str) -> None:
        """The task reads or writes this topic (KIP-558); told once each."""
        if topic not in self._topics:
            self._topics.add(topic)
            self.tell("topic", {"topic": topic})
