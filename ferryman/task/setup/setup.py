"""What outlives the sessions of a task: its configs, taken apart, and its chain."""

from dataclasses import dataclass
from typing import Any

from confluent_kafka.admin import AdminClient

from ferryman.chain.chain import Chain
from ferryman.connector import ConnectorConfig
from ferryman.kafka.clients import Clients
from ferryman.retry.outage import Outage
from ferryman.settings.settings import Settings
from ferryman.task.setup.control import Control
from ferryman.task.setup.spec import TaskSpec


@dataclass(frozen=True, slots=True)
class Setup:
    """One task; ``config`` is an instance of the plugin's config class."""

    spec: TaskSpec
    control: Control
    settings: Settings
    plugin: type[Any]
    config: Any
    clients: Clients
    chain: Chain

    @property
    def longest_wait(self) -> float:
        """Seconds between two tries at most."""
        config: ConnectorConfig = self.config
        return config.errors_retry_delay_max_ms / 1000

    @property
    def give_up(self) -> float | None:
        """Seconds after which retrying fails the task; None is never."""
        config: ConnectorConfig = self.config
        return config.errors_retry_timeout / 1000 if config.errors_retry_timeout > 0 else None

    def outage(self) -> Outage:
        """What a session's loop goes through outages with."""
        return Outage(self.longest_wait, self.give_up)

    def facts(self, admin: AdminClient) -> dict[str, Any]:
        """What every plugin's context holds."""
        cluster = str(admin.describe_cluster(request_timeout=30).result().cluster_id)
        return {"connector": self.spec.connector, "task": self.spec.task, "cluster": cluster, "raw": self.spec.config}
