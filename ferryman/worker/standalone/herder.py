"""The herder of standalone mode: connectors in memory, tasks in processes of this worker, source offsets in Kafka."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerContext
from typing import Any

from confluent_kafka.admin import AdminClient

from ferryman.errors import RequestError
from ferryman.kafka import client_config
from ferryman.kafka.clients import QUIET, Clients
from ferryman.plugins import catalog
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import redaction
from ferryman.validation import connector_config
from ferryman.worker.connector_offsets import ConnectorOffsets
from ferryman.worker.herder import (
    ConnectorInfo,
    ConnectorStatus,
    Created,
    Health,
    PartitionOffset,
    RawConfig,
    State,
    Status,
    Target,
    TaskInfo,
)
from ferryman.worker.running_connector import RunningConnector, task_configs
from ferryman.worker.task_processes import TaskProcess

log = logging.getLogger(__name__)


class Standalone:
    """A herder (ferryman.herder) whose configs and statuses live as long as the process."""

    def __init__(
        self, settings: Settings, context: ForkServerContext, seeds: Mapping[str, str], worker_id: str
    ) -> None:
        self.settings = settings
        self.worker_id = worker_id
        self.context = context
        self.seeds = seeds
        self.ready = False
        self.levels: dict[str, str] = {}
        self._connectors: dict[str, RunningConnector] = {}
        self._cluster: str | None = None

    async def cluster_id(self) -> str:
        if self._cluster is None:
            admin = AdminClient(QUIET | client_config.worker_admin(self.settings.values).values)
            description = await asyncio.to_thread(lambda: admin.describe_cluster(request_timeout=30).result())
            self._cluster = str(description.cluster_id)
        return self._cluster

    async def health(self) -> Health:
        if self.ready:
            return Health("healthy", "Worker has completed startup and is ready to handle requests.")
        return Health("starting", "Worker is still starting up.")

    async def connectors(self) -> Sequence[str]:
        return sorted(self._connectors)

    async def info(self, name: str) -> ConnectorInfo:
        return self._known(name).info

    async def tasks(self, name: str) -> Sequence[TaskInfo]:
        connector = self._known(name)
        return [TaskInfo(name, number, config) for number, config in enumerate(connector.task_configs)]

    async def status(self, name: str) -> ConnectorStatus:
        if name not in self._connectors:
            raise RequestError(404, f"No status found for connector {name}")
        return self._connectors[name].status(self.worker_id)

    async def create(self, name: str, config: RawConfig, target: Target = Target.RUNNING) -> ConnectorInfo:
        raw = {**config, "name": name}
        plugin = await self._checked(raw)
        if name in self._connectors:
            raise RequestError(409, f"Connector {name} already exists")
        connector = self._connectors[name] = RunningConnector(name, raw, plugin, target)
        async with connector.busy:
            await self._start(connector)
        return connector.info

    async def put(self, name: str, config: RawConfig) -> Created:
        if name not in self._connectors:
            return Created(await self.create(name, config))
        raw = {**config, "name": name}
        plugin = await self._checked(raw)
        connector = self._known(name)
        async with connector.busy:
            await self._end_tasks(connector)
            connector.raw, connector.plugin = raw, plugin
            await self._start(connector)
        return Created(connector.info, created=False)

    async def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorInfo:
        merged = {**self._known(name).raw, **changes}
        created = await self.put(name, {key: value for key, value in merged.items() if value is not None})
        return created.info

    async def _checked(self, raw: RawConfig) -> type[Any]:
        found = await asyncio.to_thread(connector_config.check, raw, self.settings)
        for warning in found.warnings:
            log.warning("connector %s: %s", raw["name"], warning)
        plugin = catalog.connector(raw["connector.class"])
        assert plugin is not None
        return plugin

    async def delete(self, name: str) -> None:
        connector = self._known(name)
        async with connector.busy:
            await self._end_tasks(connector)
            self._connectors.pop(name, None)

    async def pause(self, name: str) -> None:
        await self._aim(name, Target.PAUSED)

    async def resume(self, name: str) -> None:
        await self._aim(name, Target.RUNNING)

    async def stop(self, name: str) -> None:
        await self._aim(name, Target.STOPPED)

    async def _aim(self, name: str, target: Target) -> None:
        connector = self._connectors.get(name)
        if connector is None:
            raise RequestError(404, f"Unknown connector {name}")
        async with connector.busy:
            before, connector.target = connector.target, target
            if target is Target.STOPPED:
                await self._end_tasks(connector)
                connector.trace = None
            elif before is Target.STOPPED:
                await self._start(connector)
            else:
                for task in connector.tasks:
                    task.pause() if target is Target.PAUSED else task.resume()

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        connector = self._connectors.get(name)
        if connector is None:
            raise RequestError(404, f"Unknown connector: {name}")
        async with connector.busy:
            chosen = [
                number
                for number, task in enumerate(connector.tasks)
                if include_tasks and (not only_failed or task.state is State.FAILED)
            ]
            if connector.trace is not None or not connector.tasks:
                await self._start(connector)
            before = connector.status(self.worker_id)
            for number in chosen:
                await self._restart(connector, number)
        if not include_tasks and not only_failed:
            return None
        restarting = Status(State.RESTARTING, self.worker_id, version=catalog.version(connector.plugin))
        return ConnectorStatus(
            name,
            restarting if not only_failed else before.connector,
            {number: restarting if number in chosen else status for number, status in before.tasks.items()},
            before.type,
        )

    async def restart_task(self, name: str, task: int) -> None:
        connector = self._connectors.get(name)
        if connector is None:
            raise RequestError(404, f"Unknown connector: {name}")
        if not 0 <= task < len(connector.tasks):
            raise RequestError(404, f"Unknown task: {name}-{task}")
        async with connector.busy:
            await self._restart(connector, task)

    async def _restart(self, connector: RunningConnector, number: int) -> None:
        await connector.tasks[number].stop(self._grace)
        connector.tasks[number] = self._task(connector, number, connector.task_configs[number])

    async def topics(self, name: str) -> Sequence[str]:
        connector = self._connectors.get(name)
        return sorted(connector.topics) if connector else []

    async def reset_topics(self, name: str) -> None:
        if name in self._connectors:
            self._connectors[name].topics.clear()

    async def offsets(self, name: str) -> Sequence[PartitionOffset]:
        return await asyncio.to_thread(self._offsets(self._known(name)).listed)

    async def alter_offsets(self, name: str, offsets: Sequence[PartitionOffset]) -> str:
        connector = self._stopped(name)
        async with connector.busy:
            return await asyncio.to_thread(self._offsets(connector).alter, offsets)

    async def reset_offsets(self, name: str) -> str:
        connector = self._stopped(name)
        async with connector.busy:
            return await asyncio.to_thread(self._offsets(connector).reset)

    async def close(self) -> None:
        """Ends all tasks within the graceful timeout; none is left."""
        self.ready = False
        await asyncio.gather(*(self._end_tasks(connector) for connector in self._connectors.values()))

    async def set_level(self, logger: str, level: str) -> None:
        """Changes a logger's level in all task processes, and in those to come."""
        self.levels[logger] = level
        for connector in self._connectors.values():
            for task in connector.tasks:
                task.set_level(logger, level)

    async def _start(self, connector: RunningConnector) -> None:
        connector.tasks, connector.task_configs, connector.trace = [], [], None
        if connector.target is Target.STOPPED:
            return
        try:
            configs = await asyncio.to_thread(task_configs, connector.plugin, connector.raw, self._resolved)
        except Exception as error:
            log.exception("connector %s has failed", connector.name)
            connector.trace = redaction.redact(f"{type(error).__name__}: {error}")
            return
        connector.task_configs = configs
        connector.tasks = [self._task(connector, number, config) for number, config in enumerate(configs)]

    def _task(self, connector: RunningConnector, number: int, config: RawConfig) -> TaskProcess:
        resolution = self._resolved(config)
        spec = TaskSpec(
            connector=connector.name,
            task=number,
            config=resolution.values,
            worker=self.settings.values,
            worker_id=self.worker_id,
            levels=self.levels,
            seeds=self.seeds,
            references=(resolution.references + self.settings.references).rows(),
        )
        process = TaskProcess(self.context, spec, connector.topics.add)
        process.start("pause" if connector.target is Target.PAUSED else "run")
        return process

    async def _end_tasks(self, connector: RunningConnector) -> None:
        await asyncio.gather(*(task.stop(self._grace) for task in connector.tasks))
        connector.tasks, connector.task_configs = [], []

    @property
    def _grace(self) -> float:
        return self.settings.config.task_shutdown_graceful_timeout_ms / 1000

    def _resolved(self, raw: RawConfig) -> Resolution:
        resolution = self.settings.providers.resolve(raw)
        redaction.protect_config(resolution.values)
        return resolution

    def _offsets(self, connector: RunningConnector) -> ConnectorOffsets:
        clients = Clients(connector.name, 0, self.settings.values, self._resolved(connector.raw).values, self.worker_id)
        topic = connector.raw.get("offsets.storage.topic") or self.settings.config.offset_storage_topic
        return ConnectorOffsets(connector.plugin, clients, topic, self.seeds)

    def _known(self, name: str) -> RunningConnector:
        try:
            return self._connectors[name]
        except KeyError:
            raise RequestError(404, f"Connector {name} not found") from None

    def _stopped(self, name: str) -> RunningConnector:
        connector = self._known(name)
        if connector.target is not Target.STOPPED:
            raise RequestError(
                400,
                "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for "
                f"the specified connector by issuing a 'PUT' request to the '/connectors/{name}/stop' endpoint",
            )
        return connector
