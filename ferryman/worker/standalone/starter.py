"""Starts and ends the tasks of a standalone worker's connectors. What reads files or plugins' code runs in a pool."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ferryman.errors import ConfigError, RequestError
from ferryman.facts.states import State, TargetState
from ferryman.kafka.clients import Clients
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.task.setup import plugins
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import redaction
from ferryman.telemetry.owners import Owner
from ferryman.worker.connector_offsets import ConnectorOffsets
from ferryman.worker.forks import Forks
from ferryman.worker.herder import RawConfig
from ferryman.worker.pool import Pool
from ferryman.worker.running_connector import RunningConnector, task_configs
from ferryman.worker.task_processes import TaskProcess

log = logging.getLogger(__name__)

CLOSING = "Cannot complete request: the worker is shutting down"
"""With status 503."""


@dataclass
class Starter:
    """What the task processes of one worker have in common."""

    settings: Settings
    forks: Forks
    seeds: Mapping[str, str]
    """Source offsets of a former JVM worker, for partitions that the topic does not know."""
    worker_id: str
    levels: dict[str, str] = field(default_factory=dict)
    """Loggers whose level was changed, with their levels, for processes that start later."""
    closing: bool = False
    """Whether the worker ends; no task is started any more."""
    configs: Pool = field(default_factory=lambda: Pool("configs", 8, 256))
    """Reads what configs refer to, and asks plugins for their tasks."""

    @property
    def grace(self) -> float:
        """Seconds that tasks have to end."""
        return self.settings.config.task_shutdown_graceful_timeout_ms / 1000

    async def planned(self, plugin: type[Any], raw: RawConfig, owner: Owner) -> Sequence[RawConfig]:
        """The configs of the tasks that a connector wants now, references unresolved. Raises what is wrong with it."""
        stage = f"generating task configs for connector {raw['name']}"
        return await self.configs.run(stage, lambda: task_configs(plugin, raw, partial(self.resolved, owner)))

    async def start(self, connector: RunningConnector, planned: Sequence[RawConfig] | None = None) -> None:
        """Starts all tasks anew; those of before have ended. A connector that cannot say which is FAILED."""
        connector.tasks, connector.task_configs, connector.trace = [], [], None
        if connector.target is TargetState.STOPPED:
            return
        try:
            if planned is None:
                planned = await self.planned(connector.plugin, connector.raw, connector.owner)
        except Exception as error:
            log.exception("connector %s has failed", connector.name)
            connector.trace = redaction.redact(f"{type(error).__name__}: {error}")
            return
        connector.task_configs = list(planned)
        for number, config in enumerate(planned):
            # One after the other into the list, so that a worker that closes meanwhile knows of those that run.
            connector.tasks.append(await self._task(connector, number, config))

    async def restart(self, connector: RunningConnector, number: int) -> None:
        """Ends one task and starts it anew."""
        await connector.tasks[number].stop(self.grace)
        connector.tasks[number] = await self._task(connector, number, connector.task_configs[number])

    async def end(self, connector: RunningConnector) -> None:
        """Ends a connector's tasks and forgets them."""
        await asyncio.gather(*(task.stop(self.grace) for task in connector.tasks))
        connector.tasks, connector.task_configs = [], []

    async def _task(self, connector: RunningConnector, number: int, config: RawConfig) -> TaskProcess:
        # References are resolved again for each start of a task, so that a restart takes up a rotated password.
        problem, resolved = None, Resolution(config)
        try:
            stage = f"starting task {connector.name}-{number}"
            resolved = await self.configs.run(stage, lambda: self.resolved(connector.owner, config))
        except (ConfigError, RequestError) as error:
            problem = error
        process = TaskProcess(self.forks, self._spec(connector, number, resolved), connector.used)
        if problem is not None:
            log.error("task %s cannot be started: %s", process, redaction.redact(str(problem)))
            process.state = State.FAILED
            process.trace = redaction.redact(f"{type(problem).__name__}: {problem}")
            return process
        if self.closing:
            raise RequestError(503, CLOSING)
        process.start("pause" if connector.target is TargetState.PAUSED else "run")
        return process

    def _spec(self, connector: RunningConnector, number: int, resolved: Resolution) -> TaskSpec:
        return TaskSpec(
            connector=connector.name,
            task=number,
            config=resolved.values,
            worker=self.settings.values,
            worker_id=self.worker_id,
            levels=self.levels,
            seeds=self.seeds,
            plugins=plugins.named(resolved.values, self.settings.values),
            references=(resolved.references + self.settings.references).rows(),
        )

    def resolved(self, owner: Owner, raw: RawConfig) -> Resolution:
        """A config with its references resolved; its secrets are the owner's. ConfigError naming each key whose
        reference finds nothing. Blocks."""
        with owner.keeps():
            resolution = self.settings.providers.resolve(raw)
            problems = (*resolution.problems, *resolution.missing)
            if problems:
                raise ConfigError(*problems)
            redaction.protect_config(resolution.values)
        return resolution

    def offsets(self, connector: RunningConnector) -> ConnectorOffsets:
        """What a connector's offsets are read and moved by. Blocks."""
        values = self.resolved(connector.owner, connector.raw).values
        clients = Clients(connector.name, 0, self.settings.values, values, self.worker_id)
        topic = connector.raw.get("offsets.storage.topic") or self.settings.config.offset_storage_topic
        return ConnectorOffsets(connector.plugin, clients, topic, self.seeds)
