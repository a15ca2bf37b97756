"""Lets a limited number through at a time; one that takes long inside is no longer counted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SLOW_SECONDS = 3.0
"""Seconds inside after which one no longer keeps another out."""


class PatientSemaphore:
    """For up to ``most`` at a time, besides those that take long."""

    def __init__(self, most: int) -> None:
        self._free = asyncio.Semaphore(most)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """While inside; whoever came first is let in first."""
        await self._free.acquire()
        counts = True

        def leave() -> None:
            nonlocal counts
            if counts:
                counts = False
                self._free.release()

        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, leave)
        try:
            yield
        finally:
            slow.cancel()
            leave()
