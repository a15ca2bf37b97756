"""Starts task processes from a server that forks, watches them, and starts again those that died.

A task that fails says so and stays FAILED until somebody acts, as in Kafka Connect. A process that dies without a word
(killed, out of memory, a crash in a C library) is nobody's decision: it is started again as ``retry.breaker`` says.
Nothing here waits for a process: its end and its messages come as events, and what it does not read waits in a buffer.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from ferryman.facts.states import Outage, State
from ferryman.retry.breaker import HEALTHY, Breaker
from ferryman.task.setup import plugins
from ferryman.task.setup.control import LONGEST_MESSAGE
from ferryman.task.setup.lease import Lease
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.forks import Forked, Forks

log = logging.getLogger(__name__)

AFTER_KILL = 1.0
"""Seconds that a killed process may take to be gone, before it is no longer waited for."""
POLITE = 0.3
"""Seconds before a task goes on that somebody ended by SIGTERM: who ends the whole service sends it to the worker too,
and that may be about to arrive."""
UNREAD = 1 << 20
"""Bytes that may wait for a process that does not read; more is not written."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a task shows of itself."""

    state: State = State.UNASSIGNED
    trace: str | None = None
    """Why it has failed, if it has."""
    outage: Outage | None = None
    """The system that it waits for, if it does."""


def _nobody() -> None:
    """Listens to nothing."""


class _Deaf(asyncio.Protocol):
    """Has a transport write and never read. The socket is read by another transport, since one that cannot write any
    more, as the process has just ended, would throw away what the process said last."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Before the transport begins to read."""
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()


@dataclass
class TaskProcess:
    """One task, through all the processes that run it one after the other."""

    forks: Forks
    spec: TaskSpec
    topic_used: Callable[[str], None]
    """Called with each topic that the task uses."""
    changed: Callable[[], None] = _nobody
    """Called when what it shows is another."""
    shown: Shown = Shown()
    in_order: bool = True
    """Whether no process of it has ended without a word, or if one has, another has ended in order since."""
    _wish: str = "run"
    """What the process is to do: run or pause."""
    _process: Forked | None = None
    _voice: asyncio.WriteTransport | None = None
    """Over which the process is told something."""
    _watch: asyncio.Task[None] | None = None
    _breaker: Breaker = field(default_factory=Breaker)
    _said: State = State.UNASSIGNED
    _at_least: float = 0.0
    _refused: bool = False
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def state(self) -> State:
        """What the task is in."""
        return self.shown.state

    @property
    def pid(self) -> int | None:
        """The process that runs the task now; None between two of them."""
        return self._process.pid if self._process else None

    def start(self, wish: str = "run") -> None:
        """Begins to run the task; returns at once."""
        self._wish = wish
        self._watch = asyncio.create_task(self._run(), name=str(self))

    async def stop(self, grace: float) -> bool:
        """Ends the task, by force after ``grace`` seconds; returns when its process is gone, and whether it was asked
        in vain."""
        self._send("stop")
        if self._watch is None:
            return False
        ended, _ = await asyncio.wait({self._watch}, timeout=grace)
        if not ended:
            log.warning("task %s did not end within %.1f s and is killed", self, grace)
            if self._process is not None:
                self._process.kill()
            ended, _ = await asyncio.wait({self._watch}, timeout=AFTER_KILL)
            if not ended:
                log.error("the process of task %s cannot be killed; it is told to stop should it ever go on", self)
            self._show(State.UNASSIGNED, self.shown.trace)
            return True
        self._show(State.UNASSIGNED, self.shown.trace)
        return False

    async def gone(self) -> None:
        """Waits until no process of the task is left, however long the kernel takes to end it."""
        if self._watch is not None:
            await asyncio.wait({self._watch})

    def renew(self, lease: Lease) -> None:
        """The task may act until then."""
        self.spec = replace(self.spec, lease=lease.dump())
        self._write({"lease": lease.dump()})

    def pause(self) -> None:
        """Lets the task stand still."""
        self._send("pause")

    def resume(self) -> None:
        """Ends a pause; returns at once."""
        self._send("run")

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in the task's process."""
        self._write({"logger": logger, "level": level})

    def forget_topics(self) -> None:
        """Has the task tell again which topics it uses."""
        self._write({"forget": "topics"})

    def __str__(self) -> str:
        return f"{self.spec.connector}-{self.spec.task}"

    def _send(self, wish: str) -> None:
        self._wish = wish
        self._ended.set() if wish == "stop" else None
        self._write({"wish": wish})

    def _write(self, message: Mapping[str, Any]) -> None:
        voice = self._voice
        if voice is not None and not voice.is_closing() and voice.get_write_buffer_size() < UNREAD:
            voice.write(orjson.dumps(message) + b"\n")

    async def _run(self) -> None:
        while self._wish != "stop":
            began = time.monotonic()
            try:
                died = await self._process_life()
            except Exception as error:
                log.exception("task %s could not be started", self)
                died = f"the process of task {self} could not be started: {error}"
            if died is None or self._wish == "stop":
                return
            await self._again(died, time.monotonic() - began)

    async def _again(self, died: str, lived: float) -> None:
        wait = max(self._breaker.died(lived), self._at_least)
        self._at_least, self._refused, self._said = 0.0, False, State.UNASSIGNED
        if self._breaker.open:
            self._show(State.FAILED, f"{died}; it has died {self._breaker.deaths} times in a row")
        else:
            self._show(State.RESTARTING)
        log.error("%s; started again in %.1f s", died, wait)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), wait)

    async def _process_life(self) -> str | None:
        """Runs one process to its end. Returns how it died, or None if it ended with a word."""
        ours, theirs = socket.socketpair()
        try:
            process = await self.forks.fork(f"starting task {self}", theirs, plugins.modules(self.spec.plugins))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._process, self.in_order = process, False
        log.info("task %s runs as process %d", self, process.pid)
        voice, _ = await asyncio.get_running_loop().create_connection(_Deaf, sock=ours.dup())
        reader, ear = await asyncio.open_connection(sock=ours, limit=LONGEST_MESSAGE)
        self._voice = voice
        voice.write(self.spec.dump() + b"\n")
        if self._wish != "run":
            self._send(self._wish)
        said: list[str] = []
        listening = asyncio.create_task(self._listen(reader, said))
        healthy = asyncio.get_running_loop().call_later(HEALTHY, self._lives)
        code = await process.ended
        healthy.cancel()
        await asyncio.wait({listening}, timeout=AFTER_KILL)  # a grandchild may hold the other end open
        listening.cancel()
        voice.close()
        ear.close()
        self._process = self._voice = None
        self.in_order = bool(said)
        if said == ["stopped"] and self._wish != "stop":
            self._at_least = POLITE
            return f"the process of task {self} was ended by SIGTERM"
        return None if said else f"the process of task {self} {_exit_reason(code)}"

    def _lives(self) -> None:
        opened = self._breaker.open
        self._breaker.lives()
        if opened:
            self._show(self._said, outage=self.shown.outage)

    async def _listen(self, reader: asyncio.StreamReader, said: list[str]) -> None:
        try:
            while line := await reader.readline():
                self._heard(orjson.loads(line), said)
        except ConnectionError:
            return  # its process has ended without having read all that it was told
        except (OSError, ValueError) as error:
            log.error("task %s says what cannot be read and is killed: %s", self, error)
            if self._process is not None:
                self._process.kill()

    def _heard(self, message: dict[str, Any], said: list[str]) -> None:
        match message["event"]:
            case "running" | "paused":
                self._says(State(message["event"].upper()), self.shown.outage)
            case "away" | "refused":
                self._away(message)
            case "back":
                self._refused = False
                self._says(self._said, None)
            case "succeeded":
                self.spec = replace(self.spec, succeeded=True)  # its next process is to know
            case "failed":
                self._show(State.FAILED, message["trace"])
                said.append("failed")
            case "stopped":
                self._show(State.UNASSIGNED, self.shown.trace)
                said.append("stopped")
            case "topic":
                self.topic_used(message["topic"])

    def _show(self, state: State, trace: str | None = None, outage: Outage | None = None) -> None:
        before, self.shown = self.shown, Shown(state, trace, outage)
        if before != self.shown:
            self.changed()

    def _says(self, said: State, outage: Outage | None) -> None:
        """The state that the process is in, unless it counts as failed for another reason."""
        self._said = said
        if self._breaker.open or self._refused:
            self._show(self.shown.state, self.shown.trace, outage)
        else:
            self._show(said, outage=outage)

    def _away(self, message: Mapping[str, str]) -> None:
        outage = Outage(message["since"], message["reason"], message["next_try"])
        self._refused = self._refused or message["event"] == "refused"
        if self._refused:
            self._show(State.FAILED, message["reason"], outage)
        elif self._said is State.UNASSIGNED:
            self._says(State.PAUSED if self._wish == "pause" else State.RUNNING, outage)
        else:
            self._show(self.shown.state, self.shown.trace, outage)


def _exit_reason(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended without a word, with exit code {code}"
