"""Played processes that do as they are told, after the time that a test gives them, or do not."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.connector_process.lifecycle import ConnectorLifecycle
from ferryman.connector_process.next_step import NextStep
from ferryman.connector_process.reports import WorkerReports
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.leases.lease import Lease
from ferryman.offsets.asking import Asking
from ferryman.telemetry import owners
from ferryman.telemetry.references import References
from ferryman.worker.forks.server import Role
from tests.worker.played_processes import PlayedForks, PlayedProcess


@dataclass
class Habits:
    """How processes of one task behave from now on."""

    starts_in: float = 0.1
    """Seconds until one says that it runs."""
    ends_in: float | None = 0.1
    """Seconds until one ends that is to stop; None if it never does."""
    dies_in: float | None = 0.0
    """Seconds that the kernel takes to end one that was killed; None if it does not."""
    fails: bool = False
    """Whether one says that it has failed instead of running."""
    crashes: bool = False
    """Whether one dies without a word instead of running."""
    answers_in: float | None = 0.0
    """Seconds until a connector has made its tasks' configs; None if it never does."""
    stays: bool = False
    """Whether a connector has an object, which goes on after that."""


@dataclass(eq=False)
class LivelyProcess:
    """One process; it is what ``RunningTask`` knows of a forked one."""

    name: str
    """Its connector and task."""
    number: int
    played: PlayedProcess
    habits: Habits
    killed: bool = False
    wishes: list[str] = field(default_factory=list)
    levels: dict[str, str] = field(default_factory=dict)
    leases: list[list[float | None]] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop | None = None
    """On which it lives; by default that of its worker, with which it then stands still too."""
    changed: Callable[["LivelyProcess"], None] = lambda process: None
    """Called when it has begun, and with each lease from then on."""
    begun: bool = False
    """Whether it has said that it runs."""
    _heard: int = 0
    _ending: bool = False

    def __post_init__(self) -> None:
        self._loop = self.loop or asyncio.get_running_loop()
        self._loop.add_reader(self.played.connection, self._listen)
        self.ended.add_done_callback(lambda _: None)

    @property
    def pid(self) -> int:
        return self.number

    @property
    def ended(self) -> asyncio.Future[int]:
        return self.played.ended

    @property
    def lives(self) -> bool:
        return not self.ended.done()

    @property
    def lease(self) -> Lease:
        """The last one that it has got."""
        assert self.played.spec is not None
        return Lease.load(self.leases[-1] if self.leases else list(self.played.spec.lease))

    @property
    def config(self) -> dict[str, str]:
        """The config that it was started with."""
        assert self.played.spec is not None
        return dict(self.played.spec.config)

    def kill(self) -> None:
        if not self.killed:
            self.killed = True
            if self.habits.dies_in is not None:
                self._loop.call_later(self.habits.dies_in, self.dies, -9)

    def says(self, event: str, **facts: object) -> None:
        if self.lives:
            self.played.says(event, **facts)

    def fails(self, trace: str = "it broke") -> None:
        """It says so, and ends."""
        self.says("failed", trace=trace)
        self.dies()

    def dies(self, code: int = 0) -> None:
        if self.lives:
            self._loop.remove_reader(self.played.connection)
            self.played.dies(code)

    def _listen(self) -> None:
        if not self.lives:
            return
        known = bool(self.played.first)
        heard = self.played.heard()
        for message in heard[self._heard :]:
            self._obey(message)
        self._heard = len(heard)
        if self.played.first and not known:
            self._learns()

    def _learns(self) -> None:
        """It knows what it is."""
        self._loop.call_later(self.habits.starts_in, self._begin)

    def _obey(self, message: Mapping[str, object]) -> None:
        match message:
            case {"wish": str(wish)}:
                self.wishes.append(wish)
                if wish == "stop" and not self._ending:
                    self._ending = True
                    if self.habits.ends_in is not None:
                        self._loop.call_later(self.habits.ends_in, self._end)
                elif wish != "stop":
                    self._loop.call_later(self.habits.starts_in, self._settle)
            case {"logger": str(logger), "level": str(level)}:
                self.levels[logger] = level
            case {"lease": list(lease)}:
                self.leases.append(lease)
                self.changed(self)
            case {"forget": "topics"}:
                self.says("topic", topic=f"of {self.name}")

    def _begin(self) -> None:
        if not self.lives or self._ending:
            return
        if self.habits.crashes:
            self.dies(-11)
        elif self.habits.fails:
            self.fails()
        else:
            self.says("topic", topic=f"of {self.name}")
            self._settle()

    def _settle(self) -> None:
        if not self._ending:
            self.begun = True
            self.changed(self)
            self.says("paused" if self.wishes and self.wishes[-1] == "pause" else "running")

    def _end(self) -> None:
        self.says("stopped")
        self.dies()


class LivelyConnector(LivelyProcess):
    """One of a connector: it calls the connector's own code, by the code of a real process."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.stays = self.habits.stays
        self.made = 0
        """How often it has made its tasks' configs."""
        self._busy = False

    @property
    def config(self) -> dict[str, str]:
        """The config that it was started with."""
        return dict(ConnectorSpec.parse(self.played.first).config)

    def fails(self, trace: str = "it broke") -> None:
        """It says so, and ends."""
        self.says("failed", trace=trace, may_recover=True)
        self.dies()

    def _learns(self) -> None:
        self.asks()

    def asks(self) -> None:
        """Has the connector make its tasks' configs, for whatever reason."""
        if self.habits.answers_in is not None and not self._busy:
            self._busy = True
            self._loop.call_later(self.habits.answers_in, self._answers)

    def _answers(self) -> None:
        if not self.lives or self._ending:
            return
        if self.habits.crashes:
            self.dies(-11)
            return
        self.made += 1
        spec = ConnectorSpec.parse(self.played.first)
        reports = WorkerReports(self._tells, References())
        with owners.passing():
            ConnectorLifecycle(spec, NextStep(), reports, Asking(lambda event, facts: None), lambda: None).run()
        if reports.failed or not self.stays:
            self.dies()

    def _tells(self, event: str, facts: dict[str, Any]) -> None:
        self.says(event, **facts | ({"stays": True} if event == "made" and self.stays else {}))

    def _obey(self, message: Mapping[str, object]) -> None:
        match message:
            case {"wish": "stop"} if not self.stays:
                self.dies()
            case {"event": "taken"}:
                self._busy = False
            case {"event": "ask"}:
                self.asks()
            case _:
                super()._obey(message)


class LivelyForks:
    """Makes them, in place of a server that forks."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop
        self.processes: list[LivelyProcess] = []
        """The processes of tasks."""
        self._living: list[LivelyProcess] = []
        self.connectors: list[LivelyConnector] = []
        """The processes of connectors."""
        self.habits: dict[str, Habits] = {}
        """By the name of the task, or of its connector."""
        self.watch: Callable[[LivelyProcess], None] = lambda process: None
        """Called with each new process, before it counts."""
        self.watch_connector: Callable[[LivelyConnector], None] = lambda connector: None
        """The same for connectors."""
        self._played = PlayedForks()

    async def fork(self, role: Role, stage: str, connection: object, modules: Sequence[str]) -> LivelyProcess:
        played = await self._played.fork(role, stage, connection, modules)  # type: ignore[arg-type]
        name = stage.removeprefix(f"starting {role} ")
        if role == "connector":
            return self._connector(name, played)
        habits = self.habits.get(name) or self.habits.setdefault(name.rpartition("-")[0], Habits())
        made = LivelyProcess(name, len(self.processes) + 1, played, habits, loop=self._loop)
        self.watch(made)
        self.processes.append(made)
        self._living.append(made)
        return made

    def _connector(self, name: str, played: PlayedProcess) -> LivelyConnector:
        number = len(self.connectors) + 1
        asked = LivelyConnector(name, number, played, self.habits.setdefault(name, Habits()))
        self.watch_connector(asked)
        self.connectors.append(asked)
        return asked

    def objects(self, name: str | None = None) -> list[LivelyConnector]:
        """The processes of a connector, or of all, that live."""
        return [each for each in self.connectors if each.lives and name in (each.name, None)]

    def of(self, name: str) -> list[LivelyProcess]:
        """All that there ever were of a task, or of a connector."""
        return [each for each in self.processes if name in (each.name, each.name.rpartition("-")[0])]

    def live(self, name: str | None = None) -> list[LivelyProcess]:
        """The processes that live, of a task, of a connector, or all."""
        self._living = [each for each in self._living if each.lives]
        return [each for each in self._living if name in (None, each.name, each.name.rpartition("-")[0])]
