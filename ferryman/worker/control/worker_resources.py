"""What all instances on one worker share when they are started: settings, forks, threads that read configs."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ferryman.connector_process.spec import ConnectorSpec
from ferryman.errors import ConfigError
from ferryman.leases.lease import UNLIMITED, Lease
from ferryman.plugins import catalog, named
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import logs, redaction
from ferryman.telemetry.owners import Owner
from ferryman.worker.control.wanted import WantedConnector, WantedTask
from ferryman.worker.forks.forked import Forks
from ferryman.worker.plugin_code.plugins import Plugins
from ferryman.worker.plugin_code.processes import PluginProcesses
from ferryman.worker.pool import Pool
from ferryman.worker.processes.offset_readers import OffsetReaders
from ferryman.worker.processes.patient_semaphore import PatientSemaphore
from ferryman.worker.processes.standby import Standby

log = logging.getLogger(__name__)

Spec = TypeVar("Spec", TaskSpec, ConnectorSpec)


@dataclass
class WorkerResources:
    """What the instances of one worker have in common."""

    settings: Settings
    forks: Forks
    seeds: Mapping[str, str]
    """Source offsets of a former JVM worker, for partitions that the topic does not know."""
    worker_id: str
    identity: str
    """Whose the tasks are, see ``kafka.clients.Clients``."""
    levels: dict[str, str] = field(default_factory=lambda: {"root": logs.level()})
    """The worker's own level, then loggers whose level was changed, the latest last: for processes that start later."""
    lease: Callable[[], Lease] = lambda: UNLIMITED
    """The lease that a task gets which starts now."""
    configs: Pool = field(default_factory=lambda: Pool("configs", 8, 1 << 16))
    """Reads what configs refer to."""
    starting: PatientSemaphore = field(default_factory=lambda: PatientSemaphore(8))
    """Through which connectors start, since hundreds may at once."""
    standby: Standby = field(default_factory=Standby)
    """The processes between two connectors."""
    offsets: OffsetReaders = field(init=False)
    """Who reads source offsets for all that is here."""
    plugins: Plugins = field(init=False)
    """The plugins, and who asks their code."""

    def __post_init__(self) -> None:
        self.offsets = OffsetReaders(self.forks, self.levels)
        self.plugins = Plugins(self.settings, PluginProcesses(self.forks, self.settings, self.levels))

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

    def connector_spec(self, connector: WantedConnector, resolved: Resolution) -> ConnectorSpec:
        """What a connector's process is told first, but for what ``as_of_now`` adds. Blocks: it looks plugins up."""
        rows = named.connector(resolved.values)
        return ConnectorSpec(
            connector=connector.name,
            identity=self.identity,
            raw=connector.properties,
            config=resolved.values,
            worker=self.settings.values,
            seeds=self.seeds,
            plugins=rows,
            references=(resolved.references + self.settings.references).rows(),
            # Others' code has a process to itself: nothing that it leaves behind meets another connector.
            stands_by=bool(named.modules(rows)),
        )

    def spec(self, task: WantedTask, resolved: Resolution) -> TaskSpec:
        """What a task's process is told first, but for what ``as_of_now`` adds. Blocks: it looks plugins up."""
        return TaskSpec(
            connector=task.connector,
            task=task.number,
            config=resolved.values,
            worker=self.settings.values,
            identity=self.identity,
            seeds=self.seeds,
            plugins=named.named(resolved.values, self.settings.values),
            references=(resolved.references + self.settings.references).rows(),
        )

    def as_of_now(self, spec: Spec) -> Spec:
        """The same with the lease and the loggers' levels of this moment, for what starts in it."""
        return replace(spec, lease=self.lease().dump(), levels=logs.levels_for(spec.connector, self.levels))


def plugin_version(raw: Mapping[str, str]) -> str | None:
    """The version of a config's connector; None if there is no such connector. Blocks: it may read metadata."""
    plugin = catalog.connector_entry(raw.get("connector.class", ""))
    return None if plugin is None else catalog.version(plugin)
