"""The herder of standalone mode: connectors in memory, tasks in processes of this worker, source offsets in Kafka."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from ferryman.errors import RequestError
from ferryman.plugins import catalog
from ferryman.telemetry import redaction
from ferryman.telemetry.owners import Owner
from ferryman.validation import connector_config
from ferryman.worker.cluster import Cluster
from ferryman.worker.connector_offsets import ConnectorOffsets
from ferryman.worker.herder import (
    ConnectorInfo,
    ConnectorStatus,
    Created,
    Health,
    PartitionOffset,
    RawConfig,
    Stage,
    State,
    Status,
    TargetState,
    TaskInfo,
)
from ferryman.worker.pool import Pool
from ferryman.worker.running_connector import RunningConnector
from ferryman.worker.standalone.starter import CLOSING, Starter

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")

STALE = (
    "Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)"
)


class Standalone:
    """A herder (ferryman.herder) whose configs and statuses live as long as the process."""

    def __init__(self, starter: Starter, cluster: Cluster) -> None:
        self.settings = starter.settings
        self.worker_id = starter.worker_id
        self.starter = starter
        self.ready = False
        self._starting = Stage("awaiting startup", time.time())
        self._cluster = cluster
        self._connectors: dict[str, RunningConnector] = {}
        self._checks = Pool("checks", 8, 64)
        self._kafka = Pool("offsets", 8, 64)

    async def cluster_id(self) -> str | None:
        return self._cluster.id

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

    async def create(self, name: str, config: RawConfig, target: TargetState = TargetState.RUNNING) -> ConnectorInfo:
        raw = {**config, "name": name}
        with self._new_owner(raw) as owner:
            plugin = await self._checked(raw, owner)
            if self.starter.closing:
                raise RequestError(503, CLOSING)
            if name in self._connectors:
                raise RequestError(409, f"Connector {name} already exists")
            connector = self._connectors[name] = RunningConnector(name, raw, plugin, target, owner=owner)
        async with connector.busy:
            await self.starter.start(connector)
        return connector.info

    async def put(self, name: str, config: RawConfig) -> Created:
        if name not in self._connectors:
            return Created(await self.create(name, config))
        raw = {**config, "name": name}
        with self._new_owner(raw) as owner:
            plugin = await self._checked(raw, owner)
            async with self._held(name, gone=RequestError(409, STALE)) as connector:
                await self._replace(connector, raw, plugin, owner)
        return Created(connector.info, created=False)

    async def _replace(self, connector: RunningConnector, raw: RawConfig, plugin: type[Any], owner: Owner) -> None:
        """Takes a new config over. As in Kafka Connect, tasks whose configs stay the same just go on."""
        planned = None
        if connector.target is not TargetState.STOPPED:
            try:
                planned = await self.starter.planned(plugin, raw, owner)
            except Exception as error:
                log.debug("connector %s: its tasks are asked for again when they have ended: %s", connector.name, error)
        unchanged = connector.plugin is plugin and connector.trace is None and planned == connector.task_configs
        before, connector.owner = connector.owner, owner
        connector.raw, connector.plugin = raw, plugin
        if planned is None or not unchanged:
            await self.starter.end(connector)
            await self.starter.start(connector, planned)
        before.release()

    async def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorInfo:
        merged = {**self._known(name).raw, **changes}
        created = await self.put(name, {key: value for key, value in merged.items() if value is not None})
        return created.info

    async def _checked(self, raw: RawConfig, owner: Owner) -> type[Any]:
        def check() -> connector_config.Validation:
            with owner.keeps():
                return connector_config.check(raw, self.settings)

        found = await self._checks.run("performing multi-property validation for the connector", check)
        for warning in found.warnings:
            log.warning("connector %s: %s", raw["name"], warning)
        plugin = catalog.connector(raw["connector.class"])
        assert plugin is not None
        return plugin

    async def delete(self, name: str) -> None:
        async with self._held(name) as connector:
            await self.starter.end(connector)
            del self._connectors[name]
            connector.owner.release()

    async def pause(self, name: str) -> None:
        await self._aim(name, TargetState.PAUSED)

    async def resume(self, name: str) -> None:
        await self._aim(name, TargetState.RUNNING)

    async def stop(self, name: str) -> None:
        await self._aim(name, TargetState.STOPPED)

    async def _aim(self, name: str, target: TargetState) -> None:
        async with self._held(name, "Unknown connector {}") as connector:
            before, connector.target = connector.target, target
            if target is TargetState.STOPPED:
                await self.starter.end(connector)
                connector.trace = None
            elif before is TargetState.STOPPED:
                await self.starter.start(connector)
            else:
                for task in connector.tasks:
                    task.pause() if target is TargetState.PAUSED else task.resume()

    async def restart(self, name: str, include_tasks: bool, only_failed: bool) -> ConnectorStatus | None:
        async with self._held(name, "Unknown connector: {}") as connector:
            chosen = [
                number
                for number, task in enumerate(connector.tasks)
                if include_tasks and (not only_failed or task.state is State.FAILED)
            ]
            if connector.trace is not None or not connector.tasks:
                await self.starter.start(connector)
            before = connector.status(self.worker_id)
            for number in chosen:
                await self.starter.restart(connector, number)
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
        async with self._held(name, "Unknown connector: {}") as connector:
            if not 0 <= task < len(connector.tasks):
                raise RequestError(404, f"Unknown task: {name}-{task}")
            await self.starter.restart(connector, task)

    async def topics(self, name: str) -> Sequence[str]:
        connector = self._connectors.get(name)
        return sorted(connector.topics) if connector else []

    async def reset_topics(self, name: str) -> None:
        connector = self._connectors.get(name)
        if connector is not None:
            connector.topics.clear()
            for task in connector.tasks:
                task.forget_topics()

    async def offsets(self, name: str) -> Sequence[PartitionOffset]:
        connector = self._known(name)
        stage = f"reading the offsets of connector {name}"
        return await self._of_offsets(connector, stage, lambda offsets: offsets.read())

    async def alter_offsets(self, name: str, offsets: Sequence[PartitionOffset]) -> str:
        async with self._held(name) as connector:
            _stopped(connector)
            stage = f"modifying offsets for connector {name}"
            return await self._of_offsets(connector, stage, lambda found: found.alter(offsets))

    async def reset_offsets(self, name: str) -> str:
        async with self._held(name) as connector:
            _stopped(connector)
            stage = f"modifying offsets for connector {name}"
            return await self._of_offsets(connector, stage, lambda offsets: offsets.reset())

    async def _of_offsets(
        self, connector: RunningConnector, stage: str, call: Callable[[ConnectorOffsets], Outcome]
    ) -> Outcome:
        def made() -> Outcome:
            with connector.owner.keeps():  # its clients protect their passwords
                return call(self.starter.offsets(connector))

        return await self._kafka.run(stage, made)

    async def close(self) -> None:
        """Ends all tasks within the graceful timeout and starts no more."""
        self.ready = False
        self.starter.closing = True
        await asyncio.gather(*(self.starter.end(connector) for connector in self._connectors.values()))

    async def put_task_configs(self, name: str, configs: Sequence[RawConfig]) -> None:
        raise RequestError(
            500, "Kafka Connect in standalone mode does not support externally setting task configurations."
        )

    async def fence(self, name: str) -> None:
        raise RequestError(500, "Kafka Connect in standalone mode does not support exactly-once source connectors.")

    def session(self) -> None:
        return None

    def stage(self) -> Stage | None:
        return None if self.ready else self._starting

    async def set_level(self, logger: str, level: str, *, cluster: bool = False) -> None:
        """Changes a logger's level in all task processes, and in those to come."""
        self.starter.levels[logger] = level
        for connector in self._connectors.values():
            for task in connector.tasks:
                task.set_level(logger, level)

    def _known(self, name: str) -> RunningConnector:
        try:
            return self._connectors[name]
        except KeyError:
            raise RequestError(404, f"Connector {name} not found") from None

    @contextmanager
    def _new_owner(self, raw: RawConfig) -> Iterator[Owner]:
        """Whose the secrets of a config are that is to be taken over; they are released if it is not."""
        owner = Owner(raw["name"])
        owner.says(redaction.plain_words(raw))
        try:
            yield owner
        finally:
            if not any(connector.owner is owner for connector in self._connectors.values()):
                owner.release()

    @asynccontextmanager
    async def _held(
        self, name: str, unknown: str = "Connector {} not found", gone: RequestError | None = None
    ) -> AsyncIterator[RunningConnector]:
        """A connector that nobody else changes meanwhile.

        Whoever had it before may have deleted it while we waited, and somebody may have created another one of its
        name. So it is looked up twice; to go on with the first one would run tasks that no name leads to.
        """
        connector = self._connectors.get(name)
        if connector is None:
            raise RequestError(404, unknown.format(name))
        async with connector.busy:
            if self.starter.closing:
                raise RequestError(503, CLOSING)
            now = self._connectors.get(name)
            if now is not connector:
                raise gone or RequestError(404, unknown.format(name)) if now is None else RequestError(409, STALE)
            yield connector


def _stopped(connector: RunningConnector) -> None:
    if connector.target is not TargetState.STOPPED:
        raise RequestError(
            400,
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the "
            f"specified connector by issuing a 'PUT' request to the '/connectors/{connector.name}/stop' endpoint",
        )
