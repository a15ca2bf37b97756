"""Task processes that a test plays: they start, say, die and refuse to die as it tells them; no process is made."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.forks.server import Role


class PlayedProcess:
    """One process, with its end of the connection to the worker."""

    def __init__(self, connection: socket.socket, modules: Sequence[str]) -> None:
        self.connection = connection.dup()
        self.connection.setblocking(False)
        self.modules = list(modules)
        self.pid = self.connection.fileno()
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.mortal = True
        """Whether a kill ends it."""
        self.first = b""
        """What it was told first."""
        self.descriptors: list[int] = []
        """What it was handed with that."""
        self._wishes: list[dict[str, str]] = []
        self._rest = b""
        self._spec: TaskSpec | None = None

    @property
    def spec(self) -> TaskSpec | None:
        """What its task is, once it was told."""
        if self._spec is None and self.first:
            self._spec = TaskSpec.parse(self.first)
        return self._spec

    def says(self, event: str, **facts: Any) -> None:
        """A message to the worker."""
        self.writes(orjson.dumps({"event": event, **facts}) + b"\n")

    def writes(self, text: bytes) -> None:
        self.connection.sendall(text)

    def heard(self) -> list[dict[str, str]]:
        """What the worker has told it so far, after the spec."""
        try:
            while found := self._received():
                self._rest += found
        except BlockingIOError:
            pass
        *lines, self._rest = self._rest.split(b"\n")
        if lines and not self.first:
            self.first = lines.pop(0)
        self._wishes += [orjson.loads(line) for line in lines]
        return list(self._wishes)

    def _received(self) -> bytes:
        found, descriptors, _, _ = socket.recv_fds(self.connection, 65536, 1)
        self.descriptors += descriptors
        return found

    def dies(self, code: int = 0) -> None:
        """It ends; below zero by a signal."""
        if not self.ended.done():
            self.ended.set_result(code)
            for each in self.descriptors:
                os.close(each)
            self.connection.close()

    def kill(self) -> None:
        if self.mortal:
            self.dies(-signal.SIGKILL)


class PlayedForks:
    """Makes them, in place of a server that forks."""

    def __init__(self) -> None:
        self.processes: list[PlayedProcess] = []
        self.fails: Exception | None = None
        """Raised instead of the next fork."""

    async def fork(self, role: Role, stage: str, connection: socket.socket, modules: Sequence[str]) -> PlayedProcess:
        error, self.fails = self.fails, None
        if error is not None:
            raise error
        made = PlayedProcess(connection, modules)
        self.processes.append(made)
        return made

    async def started(self, number: int) -> PlayedProcess:
        """The process of that number (from 1), once it runs."""
        await true(lambda: len(self.processes) >= number)
        return self.processes[number - 1]


async def true(condition: Callable[[], object]) -> None:
    """Waits until a condition holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)
