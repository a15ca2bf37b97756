"""What a worker hears of a process, whose end of the connection is in the hands of the test."""

import asyncio
import json
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Any, cast

from ferryman.worker.forks.forked import Forked, Forks
from ferryman.worker.processes.supervised_process import LastMessage, SupervisedProcess

MESSAGES = 60_000


class PlayedForks:
    """Forks nothing: the connection of the process that there would be is the test's."""

    def __init__(self) -> None:
        self.process = Forked()
        self.theirs: asyncio.Future[socket.socket] = asyncio.get_running_loop().create_future()

    async def fork(self, role: str, stage: str, connection: socket.socket, modules: Sequence[str]) -> Forked:
        self.process.started.set_result(os.getpid())
        self.theirs.set_result(connection.dup())
        return self.process


class Heard:
    """Something that runs in a process, which says numbers and that it is done."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def first_messages(self) -> list[bytes]:
        return [b'{"you are":"a counter"}']

    def descriptor(self) -> None:
        pass

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        if message["event"] == "done":
            return "last"
        self.numbers.append(message["number"])
        return None

    async def restart_after_failure(self, lived: float) -> bool:
        return False

    async def crashed(self, how: str) -> bool:
        return False

    def died(self, failure: str | None) -> None:
        raise AssertionError(failure)

    def recovered(self) -> None:
        pass


def test_every_word_of_a_process_is_heard_however_fast_it_speaks() -> None:
    async def story() -> None:
        forks, heard = PlayedForks(), Heard()
        processes = SupervisedProcess(cast(Forks, forks), "connector", "a counter", (), heard, 1 << 20)
        processes.start()
        theirs = await forks.theirs
        await asyncio.to_thread(count, theirs)
        forks.process.ended.set_result(0)
        await processes.gone()
        assert heard.numbers == list(range(MESSAGES))

    asyncio.run(asyncio.wait_for(story(), 120))


def count(connection: socket.socket) -> None:
    """What the process does when it has been told what it is."""
    with connection:
        assert connection.recv(1000) == b'{"you are":"a counter"}\n'
        for number in range(MESSAGES):
            connection.sendall(json.dumps({"event": "number", "number": number}).encode() + b"\n")
        connection.sendall(b'{"event":"done"}\n')
