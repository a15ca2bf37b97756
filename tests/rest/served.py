"""The REST API over a herder that only remembers, and a client that talks to it without a network."""

import asyncio
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partialmethod
from typing import Any

import httpx
from starlette.applications import Starlette

from ferryman.backfill.making import Run
from ferryman.backfill.request import Request
from ferryman.dead_letters import shown
from ferryman.dead_letters.choice import Choice
from ferryman.dead_letters.groups import Groups
from ferryman.dead_letters.replay_state import ReplayStates
from ferryman.errors import RequestError
from ferryman.facts.states import State, TargetState
from ferryman.metrics.exposition import Form
from ferryman.record import TopicPartition
from ferryman.replay.request import Request as Replay
from ferryman.rest import app
from ferryman.runs.ranges import Range, Ranges
from ferryman.settings import settings
from ferryman.telemetry.loggers import Loggers
from ferryman.telemetry.owners import Owner
from ferryman.worker.herder import (
    ConnectorInfo,
    ConnectorStatus,
    Created,
    Health,
    PartitionOffset,
    RawConfig,
    Session,
    Stage,
    Status,
    TaskInfo,
)
from ferryman.worker.plugin_code.plugins import Plugins
from tests.worker.plugins_in_process import plugins

WORKER = "127.0.0.1:8083"
SETTINGS = {"key.converter": "StringConverter", "value.converter": "StringConverter"}
SOURCE = {"connector.class": "FileStreamSource", "topic": "t", "file": "/x"}


@dataclass
class Memory:
    """A herder whose connectors do nothing."""

    settings: settings.Settings
    configs: dict[str, RawConfig] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    loggers: Loggers = field(default_factory=Loggers)
    stuck: bool = False
    trace: str | None = None
    task_configs: dict[str, Sequence[RawConfig]] = field(default_factory=dict)
    task_configs_of: dict[str, int | None] = field(default_factory=dict)
    """The versions that these were said to be made of."""
    fenced: list[str] = field(default_factory=list)
    signed_by: Session | None = None
    does: Stage | None = None
    measured: str | None = None
    plugins: Plugins = field(init=False)

    def __post_init__(self) -> None:
        self.plugins = plugins(self.settings)

    async def cluster_id(self) -> str:
        if self.stuck:
            await asyncio.sleep(3600)
        return "abc"

    async def health(self) -> Health:
        if self.stuck:
            await asyncio.sleep(3600)
        return Health("healthy", "Worker has completed startup and is ready to handle requests.")

    async def set_level(self, logger: str, level: str, *, cluster: bool = False) -> Sequence[str]:
        self.levels[logger] = f"{level} everywhere" if cluster else level
        return [] if cluster else self.loggers.set(logger, level)

    async def put_task_configs(self, name: str, configs: Sequence[RawConfig], version: int | None) -> None:
        self._known(name)
        self.task_configs[name], self.task_configs_of[name] = configs, version

    async def fence(self, name: str) -> None:
        self._known(name)
        self.fenced.append(name)

    def metrics(self, form: Form) -> str | None:
        return self.measured

    def session(self) -> Session | None:
        return self.signed_by

    def stage(self) -> Stage | None:
        return self.does

    async def connectors(self) -> Sequence[str]:
        if self.stuck:
            await asyncio.sleep(3600)
        return sorted(self.configs)

    def _known(self, name: str, text: str = "Connector {} not found") -> RawConfig:
        if name not in self.configs:
            raise RequestError(404, text.format(name))
        return self.configs[name]

    async def info(self, name: str) -> ConnectorInfo:
        config = self._known(name)
        if config.get("file") == "/vanishing":
            raise RequestError(404, f"Connector {name} not found")
        return ConnectorInfo(name, config, [0], "source")

    async def status(self, name: str) -> ConnectorStatus:
        self._known(name, "No status found for connector {}")
        state = Status(self.states[name], WORKER, version="1.0")
        if state.state is State.STOPPED:
            return ConnectorStatus(name, state, {}, "source")
        task = Status(State.FAILED, WORKER, self.trace, "undefined") if self.trace else state
        return ConnectorStatus(name, state, {0: task}, "source")

    @property
    def logs(self) -> "Memory":
        return self

    @property
    def dead_letters(self) -> "Memory":
        return self

    @property
    def replays(self) -> "Replays":
        return Replays(self)

    @property
    def backfills(self) -> "Memory":
        return self

    async def make(self, name: str, request: Request) -> Run:
        live = self._known(name)
        ranges = Ranges({"t": "id"}, {TopicPartition("t", 0): Range(0, 5)})
        config = request.config({**live, "name": name}, ranges, False, "2026-01-01T00:00:00Z")
        return Run(config["name"], config, ranges, "elsewhere")

    async def of(self, name: str, task: int | None = None) -> Sequence[Mapping[str, Any]]:
        self._known(name)
        line = {"time": "2026-01-01T00:00:00.000Z", "level": "INFO", "logger": "a", "message": "b", "connector": name}
        return [line if task is None else {**line, "task": task}]

    async def found(
        self, name: str, choice: Choice, scan: int, limit: int, only_open: bool = False
    ) -> Mapping[str, Any]:
        self._known(name)
        return {"topic": "t", "scanned": 0, "complete": True, **shown.found(Groups(limit), 0, ReplayStates({}))}

    async def letter(self, name: str, partition: int, offset: int, edit: str | None = None) -> Mapping[str, Any]:
        self._known(name)
        return {"id": f"{partition}-{offset}", "topic": "t", "headers": []}

    async def tasks(self, name: str) -> Sequence[TaskInfo]:
        return [TaskInfo(name, 0, {**self._known(name), "task.class": "FileStreamSourceTask"})]

    async def create(self, name: str, config: RawConfig, target: TargetState = TargetState.RUNNING) -> ConnectorInfo:
        await self.plugins.checked(config, Owner(name))
        if name in self.configs:
            raise RequestError(409, f"Connector {name} already exists")
        self.configs[name], self.states[name] = config, State(target.value)
        return ConnectorInfo(name, config, [], "source")

    async def put(self, name: str, config: RawConfig) -> Created:
        if name not in self.configs:
            return Created(await self.create(name, config))
        await self.plugins.checked(config, Owner(name))
        self.configs[name] = config
        return Created(await self.info(name), created=False)

    async def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorInfo:
        merged = {**self._known(name), **changes}
        await self.put(name, {key: value for key, value in merged.items() if value is not None})
        return await self.info(name)

    async def delete(self, name: str) -> None:
        self._known(name)
        del self.configs[name]

    async def _aim(self, name: str, state: State) -> None:
        self._known(name, "Unknown connector {}")
        self.states[name] = state

    async def pause(self, name: str) -> None:
        await self._aim(name, State.PAUSED)

    async def resume(self, name: str) -> None:
        await self._aim(name, State.RUNNING)

    async def stop(self, name: str) -> None:
        await self._aim(name, State.STOPPED)

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        self._known(name, "Unknown connector: {}")
        if not include_tasks and not only_failed:
            return None
        again = Status(State.RESTARTING, WORKER, version="1.0")
        return ConnectorStatus(name, again, {0: again if include_tasks else Status(State.RUNNING, WORKER)}, "source")

    async def restart_task(self, name: str, task: int) -> None:
        self._known(name, "Unknown connector: {}")
        if task != 0:
            raise RequestError(404, f"Unknown task: {name}-{task}")

    async def topics(self, name: str) -> Sequence[str]:
        return ["t"] if name in self.configs else []

    async def reset_topics(self, name: str) -> None:
        pass

    async def offsets(self, name: str) -> Sequence[PartitionOffset]:
        self._known(name)
        return [PartitionOffset({"filename": "/x"}, {"position": 5})]

    async def alter_offsets(self, name: str, offsets: Sequence[PartitionOffset]) -> str:
        self._known(name)
        return f"altered {[(each.partition, each.offset) for each in offsets]}"

    async def reset_offsets(self, name: str) -> str:
        self._known(name)
        return "The offsets for this connector have been reset successfully"


class Replays:
    """Has none of its connectors' letters replayed: there are none."""

    def __init__(self, herder: Memory) -> None:
        self._herder = herder

    async def make(self, name: str, request: Replay) -> Mapping[str, Any]:
        await self._herder.info(name)
        raise RequestError(409, "There is no dead letter to replay: none is like that")


class Client:
    """Talks to the application without a network."""

    def __init__(self, app: Starlette) -> None:
        self._runner = asyncio.Runner()
        # An event loop that is collected open raises there, in the middle of whatever another test does.
        weakref.finalize(self, self._runner.close)
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://127.0.0.1:8083")

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        return self._runner.run(self._http.request(method, path, **given))

    get = partialmethod(request, "GET")
    head = partialmethod(request, "HEAD")
    options = partialmethod(request, "OPTIONS")
    post = partialmethod(request, "POST")
    put = partialmethod(request, "PUT")
    patch = partialmethod(request, "PATCH")
    delete = partialmethod(request, "DELETE")


def served(**changes: str) -> tuple[Client, Memory]:
    worker = settings.parse(SETTINGS | {key.replace("_", "."): value for key, value in changes.items()})
    herder = Memory(worker)
    return Client(app.app(herder, worker)), herder


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an answer that says no."""
    return {"error_code": status, "message": message}
