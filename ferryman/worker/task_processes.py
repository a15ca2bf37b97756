"""Starts task processes from a forkserver, watches them, and starts again those that died.

A task that fails says so and stays FAILED until somebody acts, as in Kafka Connect. A process that dies without a word
(killed, out of memory, a crash in a C library) is nobody's decision: it is started again, with back-off.
"""

import asyncio
import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess

import orjson

from ferryman.retry import backoff
from ferryman.task import process as task_process
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.herder import State

log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
HEALTHY = 60.0
"""Seconds without dying after which a process counts as healthy again."""


@dataclass
class TaskProcess:
    """One task, through all the processes that run it one after the other."""

    context: ForkServerContext
    spec: TaskSpec
    topic_used: Callable[[str], None]
    state: State = State.UNASSIGNED
    trace: str | None = None
    _wish: str = "run"
    _process: ForkServerProcess | None = None
    _pipe: Connection | None = None
    _watch: asyncio.Task[None] | None = None
    _deaths: int = 0
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def pid(self) -> int | None:
        """The present process."""
        return self._process.pid if self._process else None

    def start(self, wish: str = "run") -> None:
        """Begins to run the task; returns at once."""
        self._wish = wish
        self._watch = asyncio.create_task(self._run(), name=f"{self.spec.connector}-{self.spec.task}")

    async def stop(self, grace: float) -> None:
        """Ends the task, by force after ``grace`` seconds; returns when its process is gone."""
        self._send("stop")
        if self._watch is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(self._watch), grace)
        except TimeoutError:
            log.warning(
                "task %s-%d did not end within %.1f s and is killed", self.spec.connector, self.spec.task, grace
            )
            if self._process is not None:
                self._process.kill()
            await self._watch
        self.state = State.UNASSIGNED

    def pause(self) -> None:
        """Lets the task stand still."""
        self._send("pause")

    def resume(self) -> None:
        """Lets it go on."""
        self._send("run")

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in the task's process."""
        self.spec = TaskSpec.parse(self.spec.dump())
        self._write({"logger": logger, "level": level})

    def _send(self, wish: str) -> None:
        self._wish = wish
        self._ended.set() if wish == "stop" else None
        self._write({"wish": wish})

    def _write(self, message: dict[str, str]) -> None:
        if self._pipe is None:
            return
        try:
            self._pipe.send_bytes(orjson.dumps(message))
        except OSError:
            log.debug("task %s-%d is gone already", self.spec.connector, self.spec.task)

    async def _run(self) -> None:
        while self._wish != "stop":
            began = time.monotonic()
            died = await self._process_life()
            if not died or self._wish == "stop":
                return
            self._deaths = 1 if time.monotonic() - began > HEALTHY else self._deaths + 1
            wait = 0.0 if self._deaths == 1 else backoff.delay(self._deaths - 1, LONGEST_WAIT)
            self.state, self.trace = State.FAILED, died
            log.error("%s; started again in %.1f s", died, wait)
            try:
                await asyncio.wait_for(self._ended.wait(), wait)
            except TimeoutError:
                continue

    async def _process_life(self) -> str | None:
        """Runs one process to its end. Returns how it died, or None if it ended with a word."""
        loop = asyncio.get_running_loop()
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=task_process.main, args=(theirs, self.spec.dump()), daemon=False)
        await asyncio.to_thread(process.start)
        theirs.close()
        self._pipe, self._process = ours, process
        log.info("task %s-%d runs as process %d", self.spec.connector, self.spec.task, process.pid)
        if self._wish != "run":
            self._send(self._wish)
        closed = asyncio.Event()
        said: list[str] = []
        loop.add_reader(ours.fileno(), self._receive, ours, said, closed)
        await closed.wait()
        await asyncio.to_thread(process.join)
        self._pipe = None
        ours.close()
        code = process.exitcode or 0
        process.close()
        self._process = None
        return None if said else f"the process of task {self.spec.connector}-{self.spec.task} {_described(code)}"

    def _receive(self, pipe: Connection, said: list[str], closed: asyncio.Event) -> None:
        try:
            while pipe.poll():
                self._heard(orjson.loads(pipe.recv_bytes()), said)
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            closed.set()

    def _heard(self, message: dict[str, str], said: list[str]) -> None:
        match message["event"]:
            case "running":
                self.state, self.trace = State.RUNNING, None
            case "paused":
                self.state = State.PAUSED
            case "failed":
                self.state, self.trace = State.FAILED, message["trace"]
                said.append("failed")
            case "stopped":
                self.state = State.UNASSIGNED
                said.append("stopped")
            case "topic":
                self.topic_used(message["topic"])


def _described(code: int) -> str:
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended without a word, with exit code {code}"
