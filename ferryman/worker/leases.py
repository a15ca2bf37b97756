"""Renews the leases of this worker's tasks, for as long as it knows that they are its own."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from ferryman.leases import lease
from ferryman.leases.lease import Lease

log = logging.getLogger(__name__)

LEASE_SECONDS = 10.0
"""Seconds that the tasks of a standalone worker go on without hearing from it."""
RENEWAL_SECONDS = 2.0
"""Seconds between two renewals."""


def own_life() -> Lease:
    """While the worker lives and answers; there is nobody else who could have its tasks."""
    return Lease(ends=lease.now() + LEASE_SECONDS)


class Leases:
    """Grants leases to tasks that start, and renews those of all that run."""

    def __init__(self, renew: Callable[[Lease], None], granted: Callable[[], Lease] = own_life) -> None:
        self._renew, self._granted = renew, granted
        self._renewals: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to renew, until the loop ends."""
        self._renewals = asyncio.create_task(self._go_on(), name="leases")

    async def stop(self) -> None:
        """Renews no more."""
        if self._renewals is not None:
            self._renewals.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._renewals

    async def _go_on(self) -> None:
        while True:
            try:
                self._renew(self._granted())
            except Exception:
                log.exception("leases could not be renewed")  # and without the next renewal all tasks would stand still
            await asyncio.sleep(RENEWAL_SECONDS)
