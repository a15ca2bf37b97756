"""Brings one thing to where it is wanted, step after step; what is wanted meanwhile comes next, and only the latest."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import WORKER, Subject, about

log = logging.getLogger(__name__)
W = TypeVar("W")
Outcome = TypeVar("Outcome")


class Overtaken(Exception):
    """Something else is wanted than what a step is made for."""


class Follower(Generic[W]):
    """``step`` is called with what is wanted now, or None for nothing, and never twice at once."""

    def __init__(self, name: str, step: Callable[[W | None], Awaitable[None]], subject: Subject = WORKER) -> None:
        self.wanted: W | None = None
        self._name = name
        self._step = step
        self._subject = subject
        """Whom the log of the steps is about."""
        self._reached: W | None = None
        self._again = False
        self._following: W | None = None
        self._work: asyncio.Task[Any] | None = None
        """What the present step waits for only as long as it is wanted."""
        self._walk: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def want(self, wanted: W | None) -> None:
        """From now on this is wanted; returns at once."""
        self.wanted = wanted
        if self._work is not None and wanted != self._following:
            self._work.cancel()
        self._go()

    async def while_wanted(self, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Within a step: what some work comes to. It is given up, and Overtaken ends the step, as soon as something
        else is wanted; so a lookup that takes its time keeps nothing from being ended."""
        begun = asyncio.create_task(work)
        self._work = begun
        try:
            return await begun
        except asyncio.CancelledError:
            if self._walk is None or self._walk.cancelling():
                raise
            raise Overtaken from None
        finally:
            self._work = None

    def look_again(self, seconds: float) -> None:
        """Has a step made after so long for what is wanted already, unless another one comes first."""
        self._silence()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._look)

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()

    def _look(self) -> None:
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
            with about(*self._subject):
                self._walk = asyncio.create_task(self._follow(), name=self._name)

    async def _follow(self) -> None:
        try:
            while self._again or self.wanted != self._reached:
                wanted, self._again = self.wanted, False
                self._following = wanted
                self._silence()
                try:
                    await self._step(wanted)
                except Overtaken:
                    self._again = True
                    continue
                except Exception as error:
                    log.exception("%s: %s", self._name, redact(str(error)))
                self._reached = wanted
        finally:
            self._walk = None
