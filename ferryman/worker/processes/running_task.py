"""A task as its worker sees it, across all processes that run it: its states, its wishes, its failures.

A task that fails says so, and is started again as ``retry.restarts`` says, or stays FAILED until somebody acts.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from ferryman.facts.states import Outage, Restart, State
from ferryman.java.instants import utc_text
from ferryman.leases.lease import Lease
from ferryman.metrics import registry
from ferryman.plugins import named
from ferryman.retry.restarts import Restarts
from ferryman.task.crash_evidence.at_work import Note
from ferryman.task.setup.control import LONGEST_MESSAGE
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.forks.forked import Forks
from ferryman.worker.processes.crashes import Crashes
from ferryman.worker.processes.offset_readers import Asker, OffsetReaders
from ferryman.worker.processes.supervised_process import LastMessage, SupervisedProcess

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a task shows of itself."""

    state: State = State.UNASSIGNED
    trace: str | None = None
    """Why it has failed, if it has."""
    outage: Outage | None = None
    """The system that it waits for, if it does."""
    restart: Restart | None = None
    """When it is started again, if it has failed and is to be."""


def _nobody() -> None:
    """Listens to nothing."""


@dataclass
class RunningTask:
    """One task, through all the processes that run it one after the other."""

    forks: Forks
    spec: TaskSpec
    topic_used: Callable[[str], None]
    """Called with each topic that the task uses."""
    changed: Callable[[], None] = _nobody
    """Called when what it shows is another."""
    shown: Shown = Shown()
    restarts: Restarts = field(default_factory=Restarts)
    """When it is started again if it has failed."""
    memory: int = 0
    """Bytes that its process may take; 0 is without limit."""
    readers: OffsetReaders | None = None
    """Who reads source offsets for it, and for others; None for one that is by itself."""
    processes: SupervisedProcess = field(init=False)
    lines: dict[str, str] = field(default_factory=dict)
    """The metrics that its process has sent, by family. Those of one that has failed stay, as far as they do not say
    what is now."""
    told: float | None = None
    """When it last sent them, in monotonic seconds."""
    starts: int = 0
    """Processes that were started."""
    _wish: str = "run"
    """What the process is to do: run or pause."""
    _said: State = State.UNASSIGNED
    _refused: bool = False
    _refuses: bool = False
    """Whether what it waits for is a system that answers and refuses."""
    _may_recover: bool = False
    """Whether a restart may get over why it has failed."""
    _wished: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by each wish."""

    def __post_init__(self) -> None:
        self._crashes = Crashes(self.forks, self.memory)
        modules = named.modules(self.spec.plugins)
        self.processes = SupervisedProcess(
            self.forks, "task", f"task {self}", modules, self, LONGEST_MESSAGE, self.memory
        )
        self._readers = self.readers or OffsetReaders(self.forks, {})
        self._asker = Asker(self.spec.connector, self.spec.worker, self.spec.references, self.processes.tell)

    @property
    def state(self) -> State:
        """What the task is in."""
        return self.shown.state

    @property
    def may_want_other_secrets(self) -> bool:
        """Whether it tries in vain what it might do with another password than it has."""
        return self._refuses or self.shown.restart is not None

    @property
    def in_order(self) -> bool:
        """Whether no process of it has ended without a word, or if one has, another has ended in order since."""
        return self.processes.in_order

    @property
    def pid(self) -> int | None:
        """The process that runs the task now; None between two of them."""
        return self.processes.process.pid if self.processes.process else None

    def start(self, wish: str = "run") -> None:
        """Begins to run the task; returns at once."""
        self._wish = wish
        self.processes.start()

    async def stop(self, grace: float) -> bool:
        """Ends the task, by force after ``grace`` seconds; returns when its process is gone, and whether it was asked
        in vain."""
        self._wish = "stop"
        self._wished.set()
        self._crashes.end()
        in_vain = await self.processes.stop(grace)
        self._readers.release(self._asker)
        self._show(State.UNASSIGNED, self.shown.trace)
        return in_vain

    async def gone(self) -> None:
        """Waits until no process of the task is left, however long the kernel takes to end it."""
        await self.processes.gone()

    def renew(self, lease: Lease) -> None:
        """The task may act until then."""
        self.spec = replace(self.spec, lease=lease.dump())
        self.processes.tell({"lease": lease.dump()})

    def pause(self) -> None:
        """Lets the task stand still."""
        self._send("pause")

    def resume(self) -> None:
        """Ends a pause; returns at once."""
        self._send("run")

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in the task's process, and in those that follow it."""
        self.spec = replace(self.spec, levels={**self.spec.levels, logger: level})
        self.processes.tell({"logger": logger, "level": level})

    def forget_topics(self) -> None:
        """Has the task report again which topics it uses."""
        self.processes.tell({"forget": "topics"})

    def __str__(self) -> str:
        return f"{self.spec.connector}-{self.spec.task}"

    def _send(self, wish: str) -> None:
        if not self.processes.stopping:
            self._wish = wish
            self._wished.set()
            self.processes.tell({"wish": wish})

    # What its processes tell; see ``supervised_process.Supervised``.

    def first_messages(self) -> list[bytes]:
        """What a new process is told."""
        self.lines, self.told, self.starts = {}, None, self.starts + 1
        wish = [] if self._wish == "run" else [orjson.dumps({"wish": self._wish})]
        return [self.spec.dump(), *wish]

    def descriptor(self) -> int:
        """Memory for a new process to note in what it is at work on."""
        return self._crashes.descriptor()

    async def crashed(self, how: str) -> bool:
        """A process has crashed; if it was one record's doing, the next is told which."""
        if not self.processes.breaker.open:
            self.died(None)
        found = await self._crashes.examined(self.spec, how)
        if isinstance(found, str):
            self._may_recover = True
            self._show(State.FAILED, found)
            return True
        if isinstance(found, Note):
            self.spec = replace(self.spec, suspect=[list(each) for each in found.ranges])
        elif found:
            rows: list[Sequence[str | int]] = [list(each) for each in found]
            self.spec = replace(self.spec, guilty=[*self.spec.guilty, *rows])
            self.processes.breaker.lives()
        return False

    async def restart_after_failure(self, lived: float) -> bool:
        """A process has failed. Waits for the next try, if there is to be one; a paused task is not tried before it is
        resumed."""
        wait = self.restarts.failed(lived, self._may_recover)
        if wait is None:
            if self._may_recover and self.restarts.policy.most:
                log.error("task %s has failed %d times in a row and stays FAILED", self, self.restarts.failures)
            return False
        log.warning("task %s has failed and is started again in %.1f s, unless somebody acts first", self, wait)
        self._show(State.FAILED, self.shown.trace, restart=Restart(self.restarts.failures, _in(wait)))
        await self._until(lambda: self._wish != "run", wait)
        if self._wish == "pause":
            self._show(State.FAILED, self.shown.trace)
            await self._until(lambda: self._wish != "pause", None)
        self.spec = replace(self.spec, failed=True)
        if not self.processes.stopping:
            self.died(None)
        return True

    async def _until(self, holds: Callable[[], bool], seconds: float | None) -> None:
        """Waits for a wish with which something holds; at most so long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not holds():
                    self._wished.clear()
                    await self._wished.wait()

    def died(self, failure: str | None) -> None:
        """A process has died."""
        self._refused, self._refuses, self._said = False, False, State.UNASSIGNED
        self.lines, self.told = {}, None
        self._show(State.RESTARTING) if failure is None else self._show(State.FAILED, failure)

    def recovered(self) -> None:
        """A process has lived for long enough."""
        self._show(self._said, outage=self.shown.outage)

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        """The process has said something."""
        match message["event"]:
            case "running" | "paused":
                self._says(State(message["event"].upper()), self.shown.outage)
            case "away" | "refused":
                self._away(message)
            case "back":
                self._refused = self._refuses = False
                self._says(self._said, None)
            case "offsets":
                self._readers.ask(self._asker, message)
            case "succeeded":
                self.spec = replace(self.spec, succeeded=True)  # its next process is to know
            case "failed":
                self._may_recover = message.get("may_recover", False)
                self.lines, self.told = registry.outliving(self.lines), None
                self._show(State.FAILED, message["trace"])
                return "last"
            case "stopped":
                self._show(State.UNASSIGNED, self.shown.trace)
            case "metrics":
                self.lines.update(message["lines"])
                self.told = time.monotonic()
            case "topic":
                self.topic_used(message["topic"])
        return None

    def _show(
        self, state: State, trace: str | None = None, outage: Outage | None = None, restart: Restart | None = None
    ) -> None:
        before, self.shown = self.shown, Shown(state, trace, outage, restart)
        if before != self.shown:
            self.changed()

    def _says(self, said: State, outage: Outage | None) -> None:
        """The state that the process is in, unless it counts as failed for another reason."""
        self._said = said
        if self.processes.breaker.open or self._refused:
            self._show(self.shown.state, self.shown.trace, outage)
        else:
            self._show(said, outage=outage)

    def _away(self, message: Mapping[str, Any]) -> None:
        self._refuses = message.get("refuses", False)
        outage = Outage(message["since"], message["reason"], message["next_try"])
        self._refused = self._refused or message["event"] == "refused"
        if self._refused:
            self._show(State.FAILED, message["reason"], outage)
        elif self._said is State.UNASSIGNED:
            self._says(State.PAUSED if self._wish == "pause" else State.RUNNING, outage)
        else:
            self._show(self.shown.state, self.shown.trace, outage)


def _in(seconds: float) -> str:
    when = datetime.now(UTC) + timedelta(seconds=seconds)
    return utc_text(when)
