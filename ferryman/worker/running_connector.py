"""A connector as a standalone worker holds it: what was posted, what is wanted of it, and its tasks."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ferryman.errors import TaskError
from ferryman.facts.states import State, TargetState
from ferryman.plugins import catalog
from ferryman.settings.config_providers import Resolution
from ferryman.telemetry.owners import Owner
from ferryman.worker.herder import ConnectorInfo, ConnectorStatus, ConnectorType, RawConfig, Status
from ferryman.worker.task_processes import TaskProcess

log = logging.getLogger(__name__)


@dataclass
class RunningConnector:
    """A connector that this worker runs, with its tasks."""

    name: str
    raw: RawConfig
    """Its config as posted, references unresolved."""
    plugin: type[Any]
    target: TargetState
    tasks: list[TaskProcess] = field(default_factory=list)
    task_configs: list[RawConfig] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)
    """The topics that its tasks have used."""
    trace: str | None = None
    """Why the connector itself has failed, apart from its tasks."""
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by whoever changes it."""
    owner: Owner = field(default_factory=Owner)
    """Whose its secrets are."""

    def used(self, topic: str) -> None:
        """A task has used a topic. Its name is public, unless it came out of a config provider."""
        self.topics.add(topic)
        if not any("${" in value for key, value in self.raw.items() if "topic" in key or key.startswith("transforms.")):
            self.owner.is_called(topic)

    @property
    def type(self) -> ConnectorType:
        return "sink" if catalog.is_sink(self.plugin) else "source"

    @property
    def state(self) -> State:
        """The connector's own state, apart from its tasks'."""
        return State.FAILED if self.trace is not None else State(self.target.value)

    @property
    def info(self) -> ConnectorInfo:
        return ConnectorInfo(self.name, self.raw, range(len(self.task_configs)), self.type)

    def status(self, worker_id: str) -> ConnectorStatus:
        """Its own state and each task's; ``worker_id`` is that of the worker that runs them."""
        version = catalog.version(self.plugin)
        tasks = {
            number: Status(task.state, worker_id, task.trace, version, task.outage)
            for number, task in enumerate(self.tasks)
        }
        return ConnectorStatus(self.name, Status(self.state, worker_id, self.trace, version), tasks, self.type)


def task_configs(plugin: type[Any], raw: RawConfig, resolved: Callable[[RawConfig], Resolution]) -> list[RawConfig]:
    """The tasks' configs with references unresolved, as Connect keeps them; the plugin sees the resolved values.

    Raises TaskError for more tasks than tasks.max (KIP-1004).
    """
    resolution = resolved(raw)
    with resolution.references.in_errors():
        config = plugin.config_class.parse(resolution.values)
        configs = [resolution.references.unresolved(each) for each in plugin.task_configs(config, raw)]
    if len(configs) > config.tasks_max:
        text = (
            f"The connector {config.name} has generated {len(configs)} tasks, which is greater than "
            f"{config.tasks_max}, the maximum number of tasks it is configured to create."
        )
        if config.tasks_max_enforce:
            raise TaskError(text)
        log.warning(text)
    task_class = catalog.task_class(plugin, raw["connector.class"])
    return [{**each, "task.class": task_class} for each in configs]
