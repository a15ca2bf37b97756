"""Task processes that a test plays: they start, say, die and refuse to die as it tells them; no process is made."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import orjson


class PlayedProcess:
    """One process: the socket to its worker, and a sentinel that becomes readable when it dies."""

    def __init__(self, pipe: socket.socket) -> None:
        self._given = pipe
        self.pipe: socket.socket | None = None
        self.sentinel, self._alive = os.pipe()
        self.pid = self.sentinel
        self.exitcode: int | None = None
        self.mortal = True
        """Whether a kill ends it."""
        self.fails_to_start: Exception | None = None
        self._heard = b""

    def start(self) -> None:
        if self.fails_to_start is not None:
            raise self.fails_to_start
        self.pipe = self._given.dup()
        self.pipe.setblocking(False)

    def says(self, event: str, **facts: Any) -> None:
        """A message to the worker."""
        self.writes(orjson.dumps({"event": event, **facts}) + b"\n")

    def writes(self, text: bytes) -> None:
        assert self.pipe is not None
        self.pipe.sendall(text)

    def heard(self) -> list[dict[str, str]]:
        """What the worker has told it so far."""
        assert self.pipe is not None
        try:
            while found := self.pipe.recv(65536):
                self._heard += found
        except BlockingIOError:
            pass
        return [orjson.loads(line) for line in self._heard.split(b"\n")[:-1]]

    def dies(self, code: int = 0) -> None:
        """It ends; below zero by a signal."""
        if self.exitcode is None:
            self.exitcode = code
            if self.pipe is not None:
                self.pipe.close()
            os.close(self._alive)

    def kill(self) -> None:
        if self.mortal:
            self.dies(-signal.SIGKILL)

    def join(self) -> None:
        assert self.exitcode is not None

    def close(self) -> None:
        os.close(self.sentinel)


class PlayedContext:
    """Makes them, in place of a forkserver."""

    def __init__(self) -> None:
        self.processes: list[PlayedProcess] = []
        self.prepare: Callable[[PlayedProcess], None] = lambda process: None
        self.specs: list[bytes] = []

    def Process(self, target: Any, args: tuple[socket.socket, bytes], daemon: bool) -> PlayedProcess:  # noqa: N802
        made = PlayedProcess(args[0])
        self.prepare(made)
        self.processes.append(made)
        self.specs.append(args[1])
        return made

    async def started(self, number: int) -> PlayedProcess:
        """The process of that number (from 1), once it runs."""
        await true(lambda: len(self.processes) >= number and self.processes[number - 1].pipe is not None)
        return self.processes[number - 1]


async def true(condition: Callable[[], object]) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)
