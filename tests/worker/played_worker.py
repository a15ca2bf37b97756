"""A worker's control plane with played processes, a connector of moods, and pools whose work takes simulated time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest

from ferryman.api import Sink
from ferryman.config import Str, key
from ferryman.connector import SinkConfig
from ferryman.errors import ConfigError, RequestError
from ferryman.facts.config_records import ConfigRecord
from ferryman.facts.states import State
from ferryman.plugins import catalog
from ferryman.plugins.entry import Entry
from ferryman.settings import settings
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker import places_in_groups
from ferryman.worker.control.plane import Plane
from ferryman.worker.control.worker_resources import WorkerResources
from ferryman.worker.pool import DEADLINE_SECONDS
from ferryman.worker.requests import offsets
from ferryman.worker.requests.herder_on_plane import PlaneHerder
from ferryman.worker.standalone.in_memory import Alone, Board, Journal
from tests.worker.lively_processes import LivelyForks, LivelyProcess
from tests.worker.plugins_in_process import plugins

GRACE = 5.0
WORKER = "127.0.0.1:8083"


class MoodyConfig(SinkConfig):
    colour: Str = key("plain")
    """Something that its tasks are made of."""


class MoodySink(Sink[MoodyConfig]):
    """Whether it makes the configs of its tasks is a matter of its mood."""

    config_class = MoodyConfig
    moods: ClassVar[dict[str, Exception | int]] = {}
    """By connector: what it raises, or how many tasks it makes; without one it makes ``tasks.max``."""

    @classmethod
    def task_configs(cls, config: MoodyConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        mood = cls.moods.get(config.name, config.tasks_max)
        if isinstance(mood, Exception):
            raise mood
        return [raw] * mood

    def put(self, records: Any) -> None:
        raise AssertionError("nobody runs it")


@dataclass(frozen=True)
class Unchecked:
    """The outcome of no check at all."""

    warnings: tuple[str, ...] = ()


class PlayedPool:
    """A pool whose work takes simulated time."""

    def __init__(self, *_: object) -> None:
        self.takes: Callable[[str], float] = lambda stage: 0.0
        """The seconds that each stage takes."""
        self.stages: list[str] = []
        """What was begun."""

    async def run(self, stage: str, work: Callable[[], Any], within: float | None = DEADLINE_SECONDS) -> Any:
        self.stages.append(stage)
        seconds = self.takes(stage)
        if within is not None and seconds > within:
            await asyncio.sleep(within)
            raise RequestError(500, f"Request timed out. The worker is currently {stage}")
        await asyncio.sleep(seconds)
        return work()


@dataclass
class PlayedWorker:
    """A standalone worker but for its processes, its threads and Kafka."""

    folder: Path
    patches: pytest.MonkeyPatch
    members: Any = field(default_factory=Alone)
    forks: LivelyForks = field(default_factory=LivelyForks)
    pool: PlayedPool = field(default_factory=PlayedPool)
    written: list[ConfigRecord] = field(default_factory=list)
    shown: list[tuple[str, int | None, State | None]] = field(default_factory=list)
    """All that the board was ever told."""
    left: list[TaskSpec] = field(default_factory=list)
    """Tasks whose place in their group was given up for them."""

    def __post_init__(self) -> None:
        self.patches.setattr(places_in_groups, "leave", self.left.append)
        MoodySink.moods = {}
        self.patches.setitem(catalog._resolved, ("sink", "Moody"), Entry("sink", __name__, "MoodySink", ("Moody",)))
        self.patches.setattr(offsets, "Pool", lambda *_: self.pool)
        self.secrets = self.folder / "secrets.properties"
        self.provides(colour="blue-as-provided")
        self.settings = self.with_settings()
        forks: Any = self.forks
        self.resources = WorkerResources(self.settings, forks, {}, WORKER, WORKER, configs=self.pool)  # type: ignore[arg-type]
        self.resources.plugins = plugins(self.settings, self.pool)
        self.board = Board()
        self._listens(self.board)
        self.journal = Journal()
        self._reads(self.journal)
        self.plane = Plane(self.resources, self.journal, self.members, self.board)
        cluster: Any = None
        self.commands = PlaneHerder(self.plane, cluster)

    def with_settings(self, **more: str) -> settings.Settings:
        """The worker's settings, and more of them."""
        usual = {
            "config.providers": "file",
            "config.providers.file.class": "FileConfigProvider",
            "key.converter": "StringConverter",
            "value.converter": "StringConverter",
            "task.shutdown.graceful.timeout.ms": str(int(GRACE * 1000)),
        }
        return settings.parse(usual | {key.replace("_", "."): value for key, value in more.items()})

    def _listens(self, board: Board) -> None:
        show = board.show

        def heard(instance: Any, status: Any) -> None:
            self.shown.append((*instance, None if status is None else status.state))
            show(instance, status)

        self.patches.setattr(board, "show", heard)

    def _reads(self, journal: Journal) -> None:
        write = journal.write

        async def read(*records: ConfigRecord) -> None:
            self.written.extend(records)
            await write(*records)

        self.patches.setattr(journal, "write", read)

    @property
    def moods(self) -> dict[str, Exception | int]:
        """The moods of the connectors."""
        return MoodySink.moods

    def checks_nothing(self) -> None:
        """From now on it takes every config, as if another worker had checked it."""

        async def checked(*_: object) -> Unchecked:
            return Unchecked()

        self.patches.setattr(self.resources.plugins, "checked", checked)

    def provides(self, **values: str) -> None:
        """What the provider has from now on."""
        self.secrets.write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    @property
    def provided(self) -> str:
        """A reference to the provider's colour."""
        return f"${{file:{self.secrets}:colour}}"

    def config(self, name: str, tasks: int = 1, **keys: str) -> dict[str, str]:
        """A config of a moody connector."""
        return {
            "name": name,
            "connector.class": "Moody",
            "topics": "t",
            "tasks.max": str(tasks),
            "colour": "plain",
        } | keys

    async def created(self, name: str, tasks: int = 1, **keys: str) -> list[LivelyProcess]:
        """A connector, once its tasks run; and their processes, by number."""
        await self.commands.create(name, self.config(name, tasks, **keys))
        await self.runs(name, tasks)
        return sorted(self.forks.live(name), key=lambda each: each.name)

    async def runs(self, name: str, tasks: int = 1) -> None:
        """Waits until the connector and so many tasks run."""
        await self.shows(name, *[State.RUNNING] * (tasks + 1))

    async def shows(self, name: str, *states: State) -> None:
        """Waits until the status of the connector and its tasks is this."""
        await until(lambda: self.states(name) == [*states], lambda: f"{name} is {self.states(name)}, not {states}")

    def states(self, name: str) -> list[State]:
        """The states of the connector and its tasks; empty if there is no status."""
        own = self.board.status(name)
        if own is None:
            assert self.board.tasks(name) == {}
            return []
        tasks = self.board.tasks(name)
        return [own.state, *(tasks[number].state for number in sorted(tasks))]


async def until(condition: Callable[[], object], otherwise: Callable[[], str] = lambda: "") -> None:
    """Waits until a condition holds, five simulated minutes at most."""
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(otherwise() or condition)


async def refusal(request: Awaitable[object]) -> tuple[int, str]:
    """The status and text that a request is refused with."""
    with pytest.raises(RequestError) as refused:
        await request
    return refused.value.status, str(refused.value)


DISLIKES = ConfigError.for_key("colour", "it does not like it")
