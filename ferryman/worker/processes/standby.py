"""Processes that have answered for one connector and wait for the next, since to fork one costs more than to ask it."""

import asyncio
import socket

from ferryman.worker.forks.forked import Forked

WAIT_SECONDS = 1.0
"""Seconds without use after which one ends."""

Free = tuple[Forked, socket.socket]
"""A process, and the worker's end of its connection."""


class Standby:
    """The waiting processes of one worker. Each serves one connector at a time, so that none holds up another."""

    def __init__(self) -> None:
        self._free: list[Free] = []

    def leave(self, process: Forked, connection: socket.socket) -> None:
        """It has answered, and listens for what it is told next."""
        free = (process, connection)
        self._free.append(free)
        asyncio.get_running_loop().call_later(WAIT_SECONDS, self._dismiss, free)

    def take(self) -> Free | None:
        """One of them; None if there is none that lives."""
        while self._free:
            process, connection = self._free.pop()
            if not process.ended.done():
                return process, connection
            connection.close()
        return None

    def _dismiss(self, free: Free) -> None:
        if free in self._free:
            self._free.remove(free)
            free[1].close()  # it ends when the worker's end of its connection is closed
