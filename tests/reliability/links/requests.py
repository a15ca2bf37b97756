"""A proxy in front of a broker that sees single requests, and lets one go astray.

What befalls a request, and the connection that it came over is reset each time:

- ``lost``: the broker never sees it.
- ``unanswered``: the broker does what it asks for, and nobody hears of it.
- ``late``: the broker sees it when it is released, long after the client has given it up.
"""

import asyncio
from dataclasses import dataclass
from typing import Literal, get_args

from tests.reliability.links.proxy import Connection, Proxy

Astray = Literal["lost", "unanswered", "late"]
ASTRAY: tuple[Astray, ...] = get_args(Astray)
APIS = {"Produce": 0, "AddPartitionsToTxn": 24, "EndTxn": 26}
_SIZE = 4


@dataclass(eq=False)
class RequestProxy(Proxy):
    """As any, and one request of a kind can go astray."""

    gone_astray: bool = False
    """Whether the request that was aimed at has come."""
    arrived: bool = False
    """Whether the broker has answered the one that was late."""
    _aim: tuple[int, Astray] | None = None
    _late: tuple[Connection, bytes] | None = None
    _unanswered: Connection | None = None

    def aim(self, api: str, astray: Astray) -> None:
        """This befalls the next request of this kind."""
        self.gone_astray = self.arrived = False
        self._aim = APIS[api], astray

    def release(self) -> None:
        """What is late gets to the broker."""
        self._run(self._release())

    async def _release(self) -> None:
        assert self._late is not None, "nothing is late"
        connection, request = self._late
        assert connection.server is not None
        connection.server.write(request)
        await connection.server.drain()

    async def _pump(self, connection: Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        if sink is not connection.server:
            await super()._pump(connection, source, sink)
            return
        try:
            while True:
                size = await source.readexactly(_SIZE)
                await self._ask(connection, size + await source.readexactly(int.from_bytes(size)), sink)
        except (asyncio.IncompleteReadError, ConnectionError):
            if not connection.forgotten and not self._is_late(connection) and not sink.is_closing():
                sink.write_eof()

    async def _ask(self, connection: Connection, request: bytes, server: asyncio.StreamWriter) -> None:
        api, astray = self._aim or (None, "lost")
        if api != int.from_bytes(request[_SIZE : _SIZE + 2]):
            await self._pass(connection, request, server)
            return
        self._aim, self.gone_astray = None, True
        if astray == "lost":
            connection.reset()
        elif astray == "unanswered":
            self._unanswered = connection
            await self._pass(connection, request, server)
        else:
            self._late = connection, request
            connection.reset_client()

    def _is_late(self, connection: Connection) -> bool:
        return self._late is not None and self._late[0] is connection

    async def _pass(self, connection: Connection, data: bytes, sink: asyncio.StreamWriter) -> None:
        if sink is connection.client and connection is self._unanswered:
            self._unanswered = None
            connection.reset()
        elif sink is connection.client and self._is_late(connection):
            self.arrived, self._late = True, None
            connection.reset()
        else:
            await super()._pass(connection, data, sink)
