"""Connections of REST clients: how many, and how long each may take over what it sends and what it reads.

        ┌── request's head in time ──────► answering ──► kept alive for KEEP_ALIVE ──┐
 new ───┤                                     │  ▲                                    ├──► the next head in time
        └── not in time: closed               └──┘ its body: rest.bodies             └── nothing comes: closed

A client that sends a byte now and then gains no time by it. When there are too many connections, the one that has been
idle for longest makes room, so that those who only hold connections open keep nobody out.
"""

import asyncio
import logging
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

MAX_CONNECTIONS = 512
"""Connections at a time; a request that comes beyond them, while none is idle, is not answered."""
HEAD_SECONDS = 10.0
"""Seconds for a request's head."""
KEEP_ALIVE = 30
"""Seconds that a connection may wait for its next request."""
READ_SECONDS = 30.0
"""Seconds that a client may make no progress while it reads an answer."""

_open: dict["LimitedConnection", None] = {}
"""All connections of the process, those that have been idle for longest first."""


class LimitedConnection(H11Protocol):
    """uvicorn's connection, with deadlines and a limit to their number."""

    _head: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(_open) >= MAX_CONNECTIONS:
            _make_room()
        _open[self] = None
        self._expect(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        _open.pop(self, None)
        for timer in (self._head, self._reading):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.busy and self._head is not None:
            self._head.cancel()
            self._head = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and not self.busy:
            _open.pop(self, None)
            _open[self] = None
            self._expect(KEEP_ALIVE + HEAD_SECONDS)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reading = self.loop.call_later(READ_SECONDS, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _unsupported_upgrade_warning(self) -> None:
        """A client that would go on by another protocol, HTTP/2 say, is answered by this one."""

    @property
    def busy(self) -> bool:
        """Whether a request is being answered."""
        cycle: Any = self.cycle
        return cycle is not None and not cycle.response_complete

    def _expect(self, seconds: float) -> None:
        if self._head is not None:
            self._head.cancel()
        self._head = self.loop.call_later(seconds, self._abort)

    def _abort(self) -> None:
        log.debug("a client took too long over its request or its answer; its connection is closed")
        self.transport.abort()


def _make_room() -> None:
    oldest = next((each for each in _open if not each.busy), None)
    if oldest is not None:
        _open.pop(oldest)
        oldest.transport.abort()
