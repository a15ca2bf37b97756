"""Brings one thing to where it is wanted, step after step; what is wanted meanwhile comes next, and only the latest."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from ferryman.telemetry.redaction import redact

log = logging.getLogger(__name__)
W = TypeVar("W")


class Follower(Generic[W]):
    """``step`` is called with what is wanted now, or None for nothing, and never twice at once."""

    def __init__(self, name: str, step: Callable[[W | None], Awaitable[None]]) -> None:
        self.wanted: W | None = None
        self._name = name
        self._step = step
        self._reached: W | None = None
        self._again = False
        self._walk: asyncio.Task[None] | None = None

    def want(self, wanted: W | None) -> None:
        """From now on this is wanted; returns at once."""
        self.wanted = wanted
        self._go()

    def look_again(self) -> None:
        """Has a step made for what is wanted already."""
        self._again = True
        self._go()

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do."""
        return self._walk is None

    async def settle(self) -> None:
        """Waits until there is nothing to do."""
        while self._walk is not None:
            await asyncio.shield(self._walk)

    def _go(self) -> None:
        if self._walk is None and (self._again or self.wanted != self._reached):
            self._walk = asyncio.create_task(self._follow(), name=self._name)

    async def _follow(self) -> None:
        try:
            while self._again or self.wanted != self._reached:
                wanted, self._again = self.wanted, False
                try:
                    await self._step(wanted)
                except Exception as error:
                    log.exception("%s: %s", self._name, redact(str(error)))
                self._reached = wanted
        finally:
            self._walk = None
