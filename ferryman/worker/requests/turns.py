"""Requests that change a connector take turns: one at a time for each connector, and none for one that is not there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ferryman.errors import RequestError
from ferryman.worker import askers
from ferryman.worker.control.plane import CLOSING, Plane


class Turns:
    """The turns of one worker."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane
        self._busy: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """By connector, held while it is changed."""

    @asynccontextmanager
    async def of(self, name: str, gone: RequestError | None = None) -> AsyncIterator[None]:
        """A context in which nothing else changes the connector. ``gone`` is raised if there is none, also if whoever
        had it before has deleted it while we waited. RequestError 503 when the worker ends, 409 when whoever asked did
        not wait until it was their turn."""
        await self._plane.journal.read()
        self._look_for(name, gone)
        lock = self._busy.setdefault(name, asyncio.Lock())
        waits = lock.locked()
        async with lock:
            if waits:
                await askers.look()
            if self._plane.closing:
                raise RequestError(503, CLOSING)
            self._look_for(name, gone)
            yield

    def _look_for(self, name: str, gone: RequestError | None) -> None:
        if gone is not None and self._plane.journal.facts.of(name).properties is None:
            raise gone
