"""The processes that the fork server has made for this worker: their starts and ends, as events on the loop."""

import asyncio
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from threading import Lock
from typing import Any

import orjson

from ferryman.worker.forks.server import ForkServer, Role
from ferryman.worker.pool import Pool

GONE = "the server that forks processes has ended"


class Forked:
    """A process that was forked, or is about to be."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[int] = loop.create_future()
        """Its pid; OSError if there is none."""
        self.ended: asyncio.Future[int] = loop.create_future()
        """Its exit code; below zero the signal that ended it."""

    @property
    def pid(self) -> int:
        return self.started.result()

    def kill(self) -> None:
        """Ends it by force, unless it has ended."""
        if not self.ended.done():
            with suppress(ProcessLookupError):  # it has ended, and the event is on its way
                os.kill(self.pid, signal.SIGKILL)


def exit_reason(code: int) -> str:
    """How a process has ended that has not said why; to be put after its name."""
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended without an error, with exit code {code}"


class Forks:
    """Has processes forked. A server that has died, and its processes with it, is replaced at the next fork."""

    def __init__(self, server: ForkServer) -> None:
        self._server: ForkServer | None = server
        self._watched: ForkServer | None = None
        self._asking = Lock()
        """Held by the thread that asks the server."""
        self._pool = Pool("starts", 4, 1 << 20)
        self._numbers = count()
        self._forked: dict[int, Forked] = {}
        self._text = b""
        """The beginning of an event whose end has not come yet."""

    async def fork(self, role: Role, stage: str, connection: socket.socket, modules: Sequence[str]) -> Forked:
        """A process for this role, with its end of the connection to the worker.

        ``modules`` are imported before, and so shared by all processes to come. ``stage`` is for the pool that waits.
        Raises OSError if it cannot be.
        """
        number, forked = next(self._numbers), Forked()
        self._forked[number] = forked
        try:
            if self._server is not None:
                self._watch(self._server)
            server = await self._pool.run(stage, lambda: self._ask(number, role, modules, connection), within=None)
            self._watch(server)
            await forked.started
        except BaseException:
            self._forked.pop(number, None)
            raise
        return forked

    def _ask(self, number: int, role: Role, modules: Sequence[str], connection: socket.socket) -> ForkServer:
        with self._asking:
            if self._server is None:
                self._server = ForkServer()
            self._server.ask(number, role, modules, connection)
            return self._server

    def _watch(self, server: ForkServer) -> None:
        if self._watched is not server:
            self._watched = server
            asyncio.get_running_loop().add_reader(server.events, self._listen, server)

    def _listen(self, server: ForkServer) -> None:
        try:
            found = server.events.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            found = b""
        if not found:
            self._lose(server)
        *events, self._text = (self._text + found).split(b"\n")
        for event in events:
            self._hear(orjson.loads(event))

    def _hear(self, event: dict[str, Any]) -> None:
        forked = self._forked.get(event["number"])
        if forked is None:
            return  # it is no longer waited for; its connection is closed, so that it ends by itself
        if "pid" in event:
            forked.started.set_result(event["pid"])
        elif "error" in event:
            forked.started.set_exception(OSError(event["error"]))
        else:
            self._forked.pop(event["number"])
            forked.ended.set_result(event["code"])

    def _lose(self, server: ForkServer) -> None:
        asyncio.get_running_loop().remove_reader(server.events)
        self._server = self._watched = None
        self._text = b""
        server.close()
        lost, self._forked = self._forked, {}
        for forked in lost.values():
            if forked.started.done():
                forked.ended.set_result(-signal.SIGKILL)  # which the kernel sends when their parent ends
            else:
                forked.started.set_exception(OSError(GONE))
