"""The network between a worker and everything else: it delays, loses and cuts, as the story of a simulation says."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.worker.simulation.machine import Host

USUAL = 0.002
"""Seconds that a message takes on a good day."""

NOTICED = (0.1, 2.0, 15.0)
"""Seconds until an end of a broken connection notices that it is."""


@dataclass
class Link:
    """One worker's way to Kafka, or to the other workers."""

    worker: Host
    world: Host
    source: random.Random
    delay: float = USUAL
    """Seconds that a message takes at most."""
    lost: float = 0.0
    """How many of the requests are lost, from 0 to 1."""
    unanswered: float = 0.0
    """How many of the answers are lost: what was asked for is done, and nobody knows."""
    cut: bool = False
    """Whether nothing arrives."""
    count: dict[str, int] = field(default_factory=dict)
    """How often each thing happened."""
    unnoticed: int = 0
    """How many messages were lost of which the worker's end does not know yet that their connection is broken."""

    @property
    def good(self) -> bool:
        """Whether all arrives, in time."""
        return not (self.cut or self.lost or self.unanswered) and self.delay <= 1.0

    def heals(self) -> None:
        """From now on all is well."""
        self.delay, self.lost, self.unanswered, self.cut = USUAL, 0.0, 0.0, False

    def sends(self, arrives: Callable[[], None], breaks: Callable[[], None] | None = None) -> None:
        """A message of the worker's; whether it arrives is seen when it goes. If it does not, ``breaks`` is called
        after a while: its connection is found to be broken."""
        if self.cut or self.source.random() < self.lost:
            self._counts("lost requests")
            self._loses(breaks)
        else:
            self.world.loop.call_later(self._takes(), arrives)

    def answers(self, arrives: Callable[[], None], breaks: Callable[[], None] | None = None) -> None:
        """A message to the worker: it waits for one that sleeps, and one that is dead does not get it."""
        if self.cut or self.source.random() < self.unanswered:
            self._counts("lost answers")
            self._loses(breaks)
        else:
            self.world.loop.call_later(self._takes(), self._reaches, arrives)

    def _loses(self, breaks: Callable[[], None] | None) -> None:
        if breaks is not None:
            self.unnoticed += 1
            self.world.loop.call_later(self.source.choice(NOTICED), self._noticed, breaks)

    def _noticed(self, breaks: Callable[[], None]) -> None:
        self.unnoticed -= 1
        self._reaches(breaks)

    def _reaches(self, arrives: Callable[[], None]) -> None:
        if not self.worker.dead:
            self.worker.loop.call_soon(arrives)

    def _takes(self) -> float:
        return self.source.uniform(self.delay / 10, self.delay)

    def _counts(self, what: str) -> None:
        self.count[what] = self.count.get(what, 0) + 1
