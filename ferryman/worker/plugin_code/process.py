"""One process in which plugins' code runs, as its worker has it: asked one thing at a time, and ended by it."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ferryman.plugin_process.spec import PluginSpec
from ferryman.telemetry import recent
from ferryman.worker.forks.forked import Forked, Forks, exit_reason
from ferryman.worker.processes import memory

log = logging.getLogger(__name__)

MAX_ANSWER_BYTES = 64 << 20
"""Bytes that an answer may have."""
MOST_MEMORY = 1 << 30
"""Bytes that such a process may take."""


class Died(Exception):
    """The process has ended instead of answering; says how."""


class PluginProcess:
    """A process, from its fork on."""

    def __init__(self, forked: Forked, connection: socket.socket, modules: Sequence[str]) -> None:
        self.modules = frozenset(modules)
        """Modules of ours that it needs not import any more."""
        self.asked = 0
        """How often it was asked."""
        self._forked, self._connection = forked, connection
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    @classmethod
    async def forked(cls, forks: Forks, stage: str, spec: PluginSpec, modules: Sequence[str]) -> "PluginProcess":
        """A new one, which shares what the server has imported of these modules. OSError if there can be none."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                made = cls(await forks.fork("plugins", stage, theirs, modules), ours, modules)
            made._reader, made._writer = await asyncio.open_connection(sock=ours, limit=MAX_ANSWER_BYTES)
            made._writer.write(spec.dump() + b"\n")
        except BaseException:
            ours.close()
            raise
        return made

    @property
    def pid(self) -> int:
        return self._forked.pid

    @property
    def lives(self) -> bool:
        return not self._forked.ended.done()

    async def ask(self, question: str, levels: Mapping[str, str]) -> str:
        """Its answer. Died if there is none: it has ended, or was ended because it took too much memory."""
        assert self._writer is not None
        self.asked += 1
        self._writer.write(orjson.dumps({"question": question, "levels": levels}) + b"\n")
        listening = asyncio.create_task(self._answer())
        watching = asyncio.create_task(memory.exceeds(self.pid, MOST_MEMORY))
        either: set[asyncio.Future[Any]] = {listening, watching}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not listening.done():
                raise Died(f"took {watching.result():,} bytes of memory and was ended")
            return listening.result()
        finally:
            listening.cancel()
            watching.cancel()

    async def _answer(self) -> str:
        assert self._reader is not None
        try:
            while line := await self._reader.readline():
                message = orjson.loads(line)
                if message["event"] == "answer":
                    answer: str = message["answer"]
                    return answer
                if message["event"] == recent.EVENT:
                    recent.KEPT.heard(message)
        except (OSError, ValueError) as error:
            log.debug("a process for plugins' code sent something unreadable: %s", error)
        self._forked.kill()  # it may have closed its end only
        await asyncio.wait({self._forked.ended})
        raise Died(exit_reason(self._forked.ended.result()))

    def end(self) -> None:
        """Ends it by force; returns at once."""
        self._forked.kill()
        if self._writer is not None:
            self._writer.close()
