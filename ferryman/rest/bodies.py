"""Reads requests' bodies: each within a size and a time, all of them within a sum of memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from ferryman.errors import RequestError

MAX_BODY_BYTES = 4 << 20
"""Bytes of one body. A config with several certificates inside is far below."""
MAX_TOTAL_BYTES = 16 << 20
"""Bytes of all bodies that are being read or answered. Parsed, they take several times as much."""
GRANTED_BODY_BYTES = 64 << 10
"""Bytes that each body may have whatever the others hold, so that stalled uploads do not keep ordinary requests out."""
BODY_SECONDS = 30.0
"""Seconds for one body."""


class AbortedUpload(Exception):
    """The client went away before its request was complete."""


@dataclass
class Bodies:
    """The bodies of all requests that are under way."""

    largest: int = MAX_BODY_BYTES
    """Bytes that one body may have."""
    all: int = MAX_TOTAL_BYTES
    """Bytes that all of them may have together."""
    patience: float = BODY_SECONDS
    """Seconds in which a body must arrive."""
    held: int = 0
    """Bytes that they hold now."""

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """A request's body; its memory counts until the block ends.

        Raises RequestError 408 when it does not arrive in time, 413 when it is too large, 503 when all bodies together
        are; AbortedUpload when the client goes away.
        """
        content = bytearray()
        self._check_size(int(request.headers.get("content-length") or 0))  # whose digits the server has checked
        try:
            try:
                async with asyncio.timeout(self.patience):
                    async for piece in request.stream():
                        self.held += len(piece)
                        content += piece
                        self._check(len(content))
            except TimeoutError:
                raise RequestError(408, f"The request's body did not arrive within {self.patience:.0f} s") from None
            except ClientDisconnect:
                raise AbortedUpload(f"the client went away after {len(content)} bytes of its body") from None
            yield bytes(content)
        finally:
            self.held -= len(content)

    def _check_size(self, size: int) -> None:
        if size > self.largest:
            raise RequestError(413, f"The request is larger than {self.largest} bytes")

    def _check(self, size: int) -> None:
        self._check_size(size)
        if size > GRANTED_BODY_BYTES and self.held > self.all:
            raise RequestError(503, f"The requests under way hold more than {self.all} bytes; try again")
