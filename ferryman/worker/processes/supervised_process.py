"""The processes that run one thing, one after the other: forked, told what they are, heard, ended, and followed by the
next when one dies without a word.

A process that fails says so, and its owner decides whether another one starts. A process that dies without a word
(killed, out of memory, a crash in a C library) is nobody's decision: it is started again as ``retry.breaker`` says.
Nothing here waits for a process: its end and its messages come as events, and what it does not read waits in a buffer.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import orjson

from ferryman.retry.breaker import HEALTHY_SECONDS, Breaker
from ferryman.telemetry import recent
from ferryman.worker.forks.forked import Forked, Forks, exit_reason
from ferryman.worker.forks.server import Role
from ferryman.worker.processes import memory
from ferryman.worker.processes.standby import Standby

log = logging.getLogger(__name__)

AFTER_KILL = 1.0
"""Seconds that a killed process may take to be gone, before it is no longer waited for."""
SIGTERM_PAUSE_SECONDS = 0.3
"""Seconds before a process that was ended by SIGTERM is followed by the next: when the whole service is ended, the
worker gets the signal too, and that may be about to arrive."""
CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE})
"""Signals by which a process ends itself."""
BLANK = b" "
"""What a descriptor comes with; it may stand before any message."""
MAX_UNREAD_BYTES = 1 << 20
"""Bytes that may wait for a process that does not read; more is not written."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended."""

    how: str = ""
    """Behind its name: ``was killed by SIGKILL``. Empty if it had its last word."""
    at_least: float = 0.0
    """Seconds that there must be before the next one."""
    crash: bool = False
    """Whether it died of what it did itself."""


LastMessage = Literal["last", "free"]
"""Free: the process has nothing to do with this any more, and may serve another connector."""


class Supervised(Protocol):
    """What runs in these processes."""

    def first_messages(self) -> Sequence[bytes]:
        """The messages that a new process is told before all others."""

    def descriptor(self) -> int | None:
        """A descriptor that a new process gets with its first message; it is closed here when it is sent."""

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        """The process has said something. A word, if it was its last: it has not died, but is done or has failed."""

    async def restart_after_failure(self, lived: float) -> bool:
        """A process has ended with its last word after so many seconds. Returns, when it is time, whether there is to
        be another one."""

    async def crashed(self, how: str) -> bool:
        """A process has died of what it did itself: of a signal such as SIGSEGV, or over its memory. True if it has
        failed by that, and ``restart_after_failure`` decides; else it has died as any other."""

    def died(self, failure: str | None) -> None:
        """A process has died, and another will follow; ``failure`` is the reason once too many have."""

    def recovered(self) -> None:
        """A process has lived long enough for those that died before it not to count as a failure any more."""


async def _voice(connection: socket.socket) -> asyncio.WriteTransport:
    """A transport that writes and never reads. The socket is read by another one, since one that cannot write any more,
    as the process has just ended, would throw away what the process said last."""
    # Told while it is being made, it would read all the same with earlier releases of Python 3.11 (3.11.2 is Debian's),
    # and what it reads is lost. Until it is told here there is nothing to be read: a process says nothing before it has
    # been told what it is.
    voice, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=connection)
    voice.pause_reading()
    return voice


@dataclass
class SupervisedProcess:
    """The processes of one task or connector, called ``name``."""

    forks: Forks
    role: Role
    name: str
    modules: Sequence[str]
    """What all processes to come may share of what this needs."""
    supervised: Supervised
    longest: int
    """Bytes that a message of a process may have."""
    memory: int = 0
    """Bytes that a process may take; 0 is without limit."""
    standby: Standby | None = None
    """Where processes wait that are free, if they may be shared."""
    breaker: Breaker = field(default_factory=Breaker)
    stopping: bool = False
    """Whether there is to be no process any more."""
    in_order: bool = True
    """Whether no process has ended without a word, or if one has, another has ended in order since."""
    process: Forked | None = None
    """The one that lives now; None between two of them."""
    _voice: asyncio.WriteTransport | None = None
    """Over which the process is told something."""
    _watch: asyncio.Task[None] | None = None
    _condemned: str = ""
    """Why the process that lives now was killed, if that was our doing."""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def start(self) -> None:
        """Begins; returns at once."""
        self._watch = asyncio.create_task(self._run(), name=self.name)

    @property
    def is_over(self) -> bool:
        """Whether there is no process, and will be none."""
        return self._watch is None or self._watch.done()

    async def stop(self, grace: float) -> bool:
        """Ends it, by force after ``grace`` seconds; returns when the process is gone, and whether it was asked in
        vain."""
        self.stopping = True
        self._ended.set()
        self.tell({"wish": "stop"})
        if self._watch is None:
            return False
        ended, _ = await asyncio.wait({self._watch}, timeout=grace)
        if ended:
            return False
        log.warning("%s did not end within %.1f s and is killed", self.name, grace)
        self.kill()
        ended, _ = await asyncio.wait({self._watch}, timeout=AFTER_KILL)
        if not ended:
            log.error("the process of %s cannot be killed; it is told to stop should it ever go on", self.name)
        return True

    async def gone(self) -> None:
        """Waits until no process is left, however long the kernel takes to end it."""
        if self._watch is not None:
            await asyncio.wait({self._watch})

    def kill(self) -> None:
        """Ends the process that lives now by force."""
        if self.process is not None:
            self.process.kill()

    def tell(self, message: Mapping[str, Any]) -> None:
        """Says something to the process that lives now."""
        voice = self._voice
        if voice is not None and not voice.is_closing() and voice.get_write_buffer_size() < MAX_UNREAD_BYTES:
            voice.write(orjson.dumps(message) + b"\n")

    async def _run(self) -> None:
        while not self.stopping:
            began = time.monotonic()
            try:
                end = await self._process_life()
            except Exception as error:
                log.exception("%s could not be started", self.name)
                end = End(f"could not be started: {error}")
            lived = time.monotonic() - began
            if self.stopping:
                return
            failed = not end.how or (end.crash and await self.supervised.crashed(end.how))
            if self.stopping:
                return
            if not failed:
                await self._again(f"the process of {self.name} {end.how}", lived, end.at_least)
            elif not await self.supervised.restart_after_failure(lived):
                return

    def end(self) -> None:
        """Ends it by force; returns at once."""
        self.stopping = True
        self._ended.set()
        self.kill()

    async def _again(self, died: str, lived: float, at_least: float) -> None:
        wait = max(self.breaker.died(lived), at_least)
        text = f"{died}; it has died {self.breaker.deaths} times in a row"
        self.supervised.died(text if self.breaker.open else None)
        log.error("%s; started again in %.1f s", died, wait)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), wait)

    async def _process_life(self) -> End:
        """Runs one process to its end, or until it is free."""
        process, ours = (self.standby and self.standby.take()) or await self._forked()
        self.process, self.in_order, self._condemned = process, False, ""
        log.info("%s runs as process %d", self.name, process.pid)
        with closing(ours):
            said = await self._talk(process, ours)
            self.process = self._voice = None
            self.in_order = bool(said)
            if not process.ended.done():
                assert self.standby is not None
                self.standby.leave(process, ours.dup())
                return End()
        code = process.ended.result()
        if said & {"last", "free"}:
            return End()
        if "stopped" in said or code == -signal.SIGTERM:
            return End("was ended by SIGTERM", SIGTERM_PAUSE_SECONDS)
        return End(self._condemned or exit_reason(code), crash=bool(self._condemned) or -code in CRASHES)

    async def _forked(self) -> tuple[Forked, socket.socket]:
        ours, theirs = socket.socketpair()
        try:
            self._hand_over(ours)
            return await self.forks.fork(self.role, f"starting {self.name}", theirs, self.modules), ours
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()

    def _hand_over(self, ours: socket.socket) -> None:
        descriptor = self.supervised.descriptor()
        if descriptor is not None:
            socket.send_fds(ours, [BLANK], [descriptor])
            os.close(descriptor)

    async def _talk(self, process: Forked, ours: socket.socket) -> set[str]:
        """Tells and hears a process until it has ended, or is free. Returns what it has said of its end: stopped, last,
        free."""
        voice = await _voice(ours.dup())
        reader, ear = await asyncio.open_connection(sock=ours.dup(), limit=self.longest)
        self._voice = voice
        for message in self.supervised.first_messages():
            voice.write(message + b"\n")
        if self.stopping:
            self.tell({"wish": "stop"})
        said: set[str] = set()
        listening = asyncio.create_task(self._listen(process, reader, said))
        healthy = asyncio.get_running_loop().call_later(HEALTHY_SECONDS, self.alive)
        guarding = asyncio.create_task(self._guard(process))
        either: set[asyncio.Future[Any]] = {listening, process.ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if "free" not in said:
            await process.ended
            await asyncio.wait({listening}, timeout=AFTER_KILL)  # a grandchild may hold the other end open
        guarding.cancel()
        healthy.cancel()
        listening.cancel()
        voice.close()
        ear.close()
        return said

    async def _guard(self, process: Forked) -> None:
        """Ends a process that takes too much memory."""
        if self.memory:
            taken = await memory.exceeds(process.pid, self.memory)
            self._condemned = (
                f"took {taken:,} bytes of memory and was ended: ferryman.task.memory.max.bytes is {self.memory:,}"
            )
            process.kill()

    def alive(self) -> None:
        """The present process has lived for HEALTHY seconds."""
        opened = self.breaker.open
        self.breaker.lives()
        if opened:
            self.supervised.recovered()

    async def _listen(self, process: Forked, reader: asyncio.StreamReader, said: set[str]) -> None:
        try:
            while line := await reader.readline():
                message = orjson.loads(line)
                if message["event"] == recent.EVENT:
                    recent.KEPT.heard(message)
                    continue
                if (word := self.supervised.on_message(message)) is not None:
                    said.add(word)
                elif message["event"] == "stopped":
                    said.add("stopped")
                if word == "free":
                    return
        except ConnectionError:
            return  # its process has ended without having read all that it was told
        except (OSError, ValueError) as error:
            log.error("%s sent something unreadable and is killed: %s", self.name, error)
            process.kill()
