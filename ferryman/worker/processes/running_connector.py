"""A connector as its worker sees it, through all the processes that run its code: what it has made, why it cannot.

A connector without an object is asked once, and its process ends; one with an object has a process as long as it runs.
Which of them it is, the process says.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ferryman.connector_process.reports import MAX_MESSAGE_BYTES
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.facts.config_records import Properties
from ferryman.facts.states import State
from ferryman.java.instants import utc_text
from ferryman.leases.lease import Lease
from ferryman.plugins import named
from ferryman.worker.forks.forked import Forks
from ferryman.worker.processes.offset_readers import Asker, OffsetReaders
from ferryman.worker.processes.running_task import Shown
from ferryman.worker.processes.standby import Standby
from ferryman.worker.processes.supervised_process import LastMessage, SupervisedProcess


def _now() -> str:
    return utc_text(datetime.now(UTC))


@dataclass
class RunningConnector:
    """One connector, through all the processes that run it one after the other."""

    forks: Forks
    spec: ConnectorSpec
    standby: Standby
    """Where processes wait that have answered."""
    grace: float
    """Seconds that it has to end after it has failed."""
    news: Callable[["RunningConnector"], None]
    """Called when it has made something, or shows something else."""
    shown: Shown
    readers: OffsetReaders
    """Who reads source offsets for it, and for others."""
    made: Sequence[Properties] | None = None
    """The configs of its tasks, until they are taken."""
    failed: bool = False
    """Whether it has said that it cannot go on."""
    may_recover: bool = False
    """Whether that may go away by itself."""
    stays: bool = False
    """Whether it has an object, which goes on after it has made something."""
    made_at: float | None = None
    """When it made something for the first time, on the loop's clock."""
    word: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has made something, has failed, or a process of it has died: when the outcome is known."""
    processes: SupervisedProcess = field(init=False)
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())
    """On the loop's clock."""
    _began_at: str = field(default_factory=_now)
    _begun: list[Properties] = field(default_factory=list)
    """The configs so far of an answer that is not complete."""

    def __post_init__(self) -> None:
        modules, name = named.modules(self.spec.plugins), f"connector {self.spec.connector}"
        self.processes = SupervisedProcess(self.forks, "connector", name, modules, self, MAX_MESSAGE_BYTES)
        self._asker = Asker(self.spec.connector, self.spec.worker, self.spec.references, self.processes.tell)
        if self.spec.stands_by:
            self.processes.standby = self.standby

    def start(self) -> None:
        """Begins to run the connector; returns at once."""
        self.processes.start()

    async def stop(self, grace: float) -> None:
        """Stops the connector, by force after ``grace`` seconds; returns when no process of it is left, however long
        the kernel takes to end it."""
        await self.processes.stop(grace)
        self.readers.release(self._asker)
        await self.processes.gone()

    def taken(self) -> None:
        """What it has made has come to where it belongs."""
        self.made = None
        self.processes.tell({"event": "taken"})

    def ask(self) -> None:
        """Has it make the configs of its tasks again."""
        self.processes.tell({"event": "ask"})

    def overdue(self, stage: str) -> None:
        """It has not been heard of for so long that it counts as failed until it is. ``stage`` is what it is at."""
        text = f"The worker is currently {stage}, which began at {self._began_at}. It is waited for; a restart ends it."
        self.shown = Shown(State.FAILED, text)

    def renew(self, lease: Lease) -> None:
        """The connector may be here until then."""
        self.spec = replace(self.spec, lease=lease.dump())
        self.processes.tell({"lease": lease.dump()})

    def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in its process, and in those that follow it."""
        self.spec = replace(self.spec, levels={**self.spec.levels, logger: level})
        self.processes.tell({"logger": logger, "level": level})

    # What its processes tell; see ``supervised_process.Supervised``.

    def first_messages(self) -> list[bytes]:
        """What a new process is told."""
        self._begun = []
        return [self.spec.dump()]

    def descriptor(self) -> None:
        """It needs no memory of ours."""

    async def restart_after_failure(self, lived: float) -> bool:
        """It has answered, or has failed: whether it is tried again, its place decides."""
        return False

    async def crashed(self, how: str) -> bool:
        """It counts as any other death."""
        return False

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        """The process has said something."""
        match message["event"]:
            case "config":
                self._begun += [message["config"]] * message["times"]
            case "offsets":
                self.readers.ask(self._asker, message)
            case "made":
                self._has_made(message["stays"])
                return None if self.stays else "free" if self.spec.stands_by else "last"
            case "failed":
                self.failed, self.may_recover = True, message["may_recover"]
                self._linger()
                self._show(Shown(State.FAILED, message["trace"]))
                return "last"
        return None

    def _has_made(self, stays: bool) -> None:
        self.made, self._begun, self.stays = self._begun, [], stays
        self.made_at = self.made_at or asyncio.get_running_loop().time()
        counts_as_failed = stays and self.processes.breaker.open
        self._show(self.shown if counts_as_failed else Shown(State.RUNNING))

    def _linger(self) -> None:
        """Its last call is its object's stop, which is given the time that others have to end."""
        process = self.processes.process
        if process is not None:
            asyncio.get_running_loop().call_later(self.grace, process.kill)

    def died(self, failure: str | None) -> None:
        """A process has died."""
        self._show(Shown(State.RESTARTING) if failure is None else Shown(State.FAILED, failure))

    def recovered(self) -> None:
        """A process has lived for long enough."""
        if self.made_at is not None:
            self._show(Shown(State.RUNNING))

    def _show(self, shown: Shown) -> None:
        self.shown = shown
        self.word.set()
        self.news(self)
