"""A TCP proxy between two systems that can be made as bad as networks are.

Each fault holds for the connections that are open when it begins and for those that are made while it lasts:

- ``slow``: every piece arrives later.
- ``throttled``: bytes arrive in small pieces with pauses between them.
- ``cut``: connections are reset, new ones too.
- ``half-open``: connections stay open and new ones are accepted, but nothing arrives and nothing answers. When it
  heals, they are reset, as by a host or a firewall that has forgotten them.
- ``closing slowly``: what the server closes is closed for the client only after a while. What is open, it closes now.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, get_args

Fault = Literal["slow", "throttled", "cut", "half-open", "closing slowly"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
_DELAY, _CLOSING = 0.1, 0.5
_PIECE, _PAUSE = 256, 0.002
_RESET = struct.pack("ii", 1, 0)


@dataclass(eq=False)
class Connection:
    """A client's connection, and the proxy's own to the server, if it has one."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter | None = None
    forgotten: bool = False
    """Whether what comes is swallowed, for ever."""

    def reset(self) -> None:
        """Ends both sides at once: with RST towards the client."""
        self.reset_client()
        if self.server is not None:
            _reset(self.server)

    def reset_client(self) -> None:
        """Ends the client's side only."""
        _reset(self.client)


def _reset(side: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        side.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    side.transport.abort()


@dataclass(eq=False)
class Proxy:
    """Listens on a port of its own for one server; runs in a thread of its own."""

    target: tuple[str, int] = ("127.0.0.1", 0)
    fault: Fault | None = None
    felt: int = 0
    """How often the present fault was met: a piece delayed or swallowed, a connection reset or left open."""
    port: int = 0
    _open: set[Connection] = field(default_factory=set)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def address(self) -> str:
        """Where clients connect to."""
        return f"127.0.0.1:{self.port}"

    def suffer(self, fault: Fault) -> None:
        """The fault begins."""
        self._run(self._begin(fault))

    def heal(self) -> None:
        """The fault ends."""
        self._run(self._end())

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(60)

    async def _begin(self, fault: Fault) -> None:
        self.fault, self.felt = fault, 0
        for connection in list(self._open):
            if fault == "cut":
                self.felt += 1
                connection.reset()
            elif fault == "half-open":
                connection.forgotten = True
            elif fault == "closing slowly" and connection.server is not None:
                connection.server.transport.abort()

    async def _end(self) -> None:
        self.fault = None
        for connection in list(self._open):
            if connection.forgotten:
                connection.reset()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer, forgotten=self.fault == "half-open")
        self._open.add(connection)
        try:
            await self._connect(connection, reader)
        except OSError:
            connection.reset()
        finally:
            self._open.discard(connection)
            for side in (writer, connection.server):
                if side is not None:
                    side.close()

    async def _connect(self, connection: Connection, reader: asyncio.StreamReader) -> None:
        if self.fault == "cut":
            self.felt += 1
            connection.reset()
            return
        if connection.forgotten:
            self.felt += 1  # a client that waits for a greeting says nothing first
            await self._pump(connection, reader, connection.client)
            return
        answers, connection.server = await asyncio.open_connection(*self.target)
        await asyncio.gather(
            self._pump(connection, reader, connection.server), self._pump(connection, answers, connection.client)
        )

    async def _pump(self, connection: Connection, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        """One direction, to its end. A forgotten connection's end is not told to anybody."""
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                await self._pass(connection, data, sink)
        if self.fault == "closing slowly" and sink is connection.client:
            self.felt += 1
            await asyncio.sleep(_CLOSING)
        if not connection.forgotten and not sink.is_closing():
            with contextlib.suppress(OSError):
                sink.write_eof()

    async def _pass(self, connection: Connection, data: bytes, sink: asyncio.StreamWriter) -> None:
        if connection.forgotten:
            self.felt += 1
            return
        pieces = [data]
        if self.fault == "slow":
            self.felt += 1
            await asyncio.sleep(_DELAY)
        elif self.fault == "throttled":
            self.felt += 1
            pieces = [data[start : start + _PIECE] for start in range(0, len(data), _PIECE)]
        for piece in pieces:
            sink.write(piece)
            await sink.drain()
            if len(pieces) > 1 and self.fault == "throttled":
                await asyncio.sleep(_PAUSE)


P = TypeVar("P", bound=Proxy)


@contextmanager
def proxy(address: str = "127.0.0.1:0") -> Iterator[Proxy]:
    """A proxy to ``host:port``, while the block runs; its target can be given later."""
    host, _, port = address.rpartition(":")
    with serving(Proxy((host, int(port)))) as made:
        yield made


@contextmanager
def serving(made: P) -> Iterator[P]:
    """The proxy serves on a port that it chooses, while the block runs."""
    server = made._loop.run_until_complete(asyncio.start_server(made._serve, "127.0.0.1", 0))
    made.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=made._loop.run_forever, name=f"proxy {made.port}")
    thread.start()
    try:
        yield made
    finally:
        made._loop.call_soon_threadsafe(made._loop.stop)
        thread.join()
        made._loop.run_until_complete(_shut(made, server))
        made._loop.close()


async def _shut(made: Proxy, server: asyncio.Server) -> None:
    server.close()
    for connection in list(made._open):
        connection.reset()
    waiting = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
