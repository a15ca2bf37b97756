"""What all instances on one worker share when they are started: settings, forks, threads that read configs."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.task.setup import plugins
from ferryman.task.setup.lease import UNLIMITED, Lease
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import logs, redaction
from ferryman.telemetry.owners import Owner
from ferryman.worker.control.wanted import WantedTask
from ferryman.worker.forks import Forks
from ferryman.worker.pool import Pool

log = logging.getLogger(__name__)


@dataclass
class Launch:
    """What the instances of one worker have in common."""

    settings: Settings
    forks: Forks
    seeds: Mapping[str, str]
    """Source offsets of a former JVM worker, for partitions that the topic does not know."""
    worker_id: str
    identity: str
    """Whose the tasks are, see ``kafka.clients.Clients``."""
    levels: dict[str, str] = field(default_factory=dict)
    """Loggers whose level was changed, with their levels, for processes that start later."""
    lease: Callable[[], Lease] = lambda: UNLIMITED
    """The lease that a task gets which starts now."""
    configs: Pool = field(default_factory=lambda: Pool("configs", 8, 1 << 16))
    """Reads what configs refer to, and asks plugins for their tasks."""

    @property
    def grace(self) -> float:
        """Seconds that tasks have to end."""
        return self.settings.config.task_shutdown_graceful_timeout_ms / 1000

    def resolved(self, owner: Owner, raw: Mapping[str, str]) -> Resolution:
        """A config with its references resolved; its secrets are the owner's. ConfigError naming each key whose
        reference finds nothing. Blocks."""
        with owner.keeps():
            resolution = self.settings.providers.resolve(raw)
            problems = (*resolution.problems, *resolution.missing)
            if problems:
                raise ConfigError(*problems)
            redaction.protect_config(resolution.values)
        return resolution

    def spec(self, task: WantedTask, resolved: Resolution) -> TaskSpec:
        """What a task's process is told first, but for its lease. Blocks: it looks plugins up."""
        return TaskSpec(
            connector=task.connector,
            task=task.number,
            config=resolved.values,
            worker=self.settings.values,
            identity=self.identity,
            levels=logs.levels_for(task.connector, self.levels),
            seeds=self.seeds,
            plugins=plugins.named(resolved.values, self.settings.values),
            references=(resolved.references + self.settings.references).rows(),
        )


def plugin_version(raw: Mapping[str, str]) -> str | None:
    """The version of a config's connector; None if there is no such connector. Blocks: it may import it."""
    plugin = catalog.connector(raw.get("connector.class", ""))
    return None if plugin is None else catalog.version(plugin)
