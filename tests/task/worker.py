"""The worker's side of a task's control, with wishes that come between two rounds of the task's loop."""

from collections.abc import Iterator, Mapping
from typing import Any

from ferryman.task.setup.control import Control

STATES = ("running", "paused", "failed", "stopped")


class Worker(Control):
    """The worker's side: its wishes come between two rounds of the loop, as a story tells them."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.story: Iterator[None] = iter(())
        super().__init__(lambda event, facts: self.told.append((event, facts)))

    @property
    def stopping(self) -> bool:
        """Asked by the loop before each round; when the story is over, the task is to stop."""
        try:
            next(self.story)
        except StopIteration:
            self.wish("stop")
        return super().stopping

    @property
    def states(self) -> list[str]:
        """What the worker was told of the task's state, how it gets on with other systems left out."""
        return [event for event, _ in self.told if event in STATES]
