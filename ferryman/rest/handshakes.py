"""Accepts connections that begin with a TLS handshake: how many at a time, and how long each may take.

Until its handshake is done a connection is none of ``rest.connections``. When too many are under way, the oldest makes
room, so that those who begin handshakes and do not end them keep nobody out.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

from ferryman.rest.connections import HEAD_SECONDS
from ferryman.tls import last_words

log = logging.getLogger(__name__)

MAX_HANDSHAKES = 128
"""Handshakes at a time."""
CLOSE_SECONDS = 1.0
"""Seconds that a client has to answer the end of a connection."""
RETRY_SECONDS = 1.0
"""Seconds before the next try to accept, when the process has no file left for a connection."""


class SecureListener:
    """Serves one socket, as an asyncio.Server does, and hands connections over when their handshake is done."""

    def __init__(self, bound: socket.socket, context: ssl.SSLContext, protocol: Callable[[], asyncio.Protocol]) -> None:
        self._bound, self._context, self._protocol = bound, context, protocol
        self._under_way: dict[asyncio.Task[None], None] = {}
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, _ = await loop.sock_accept(self._bound)
            except OSError as error:
                log.warning("no connection can be accepted: %s", error.strerror)
                await asyncio.sleep(RETRY_SECONDS)
                continue
            if len(self._under_way) >= MAX_HANDSHAKES:
                oldest = next(iter(self._under_way))
                self._under_way.pop(oldest)
                oldest.cancel()
            shaking = loop.create_task(self._shake(accepted))
            self._under_way[shaking] = None
            shaking.add_done_callback(lambda done: self._under_way.pop(done, None))

    async def _shake(self, accepted: socket.socket) -> None:
        try:
            line = accepted.dup()  # asyncio closes its own before it says that the handshake has failed
        except OSError as error:
            accepted.close()
            log.warning("no connection can be accepted: %s", error.strerror)
            return
        with line:
            await self._handshake(accepted, line)

    async def _handshake(self, accepted: socket.socket, line: socket.socket) -> None:
        said = last_words.listen()
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                accepted,
                ssl=self._context,
                ssl_handshake_timeout=HEAD_SECONDS,
                ssl_shutdown_timeout=CLOSE_SECONDS,
            )
        except OSError as error:  # ssl.SSLError is one
            log.debug("a TLS handshake failed: %s", error)
            if isinstance(error, ssl.SSLError):
                await _say(line, b"".join(said))

    def close(self) -> None:
        """Accepts no more; handshakes under way end."""
        self._accepting.cancel()
        for each in list(self._under_way):
            each.cancel()

    async def wait_closed(self) -> None:
        """Until nothing is under way."""
        await asyncio.gather(self._accepting, *self._under_way, return_exceptions=True)


async def _say(line: socket.socket, alert: bytes) -> None:
    """Tells a client why its handshake has failed, and gives it a moment to hang up: what it has sent and nobody reads
    would have the system throw the alert away."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await loop.sock_sendall(line, alert)
            line.shutdown(socket.SHUT_WR)
            while await loop.sock_recv(line, 4096):
                pass
