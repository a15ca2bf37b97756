"""What outlives the sessions of a task: its configs, taken apart, and its chain."""

from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaException

from ferryman.chain.chain import Chain
from ferryman.connector import ConnectorConfig
from ferryman.errors import RetriableError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients
from ferryman.retry.outage import Patience
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.task.meters.meters import Meters
from ferryman.task.outages import Outages
from ferryman.task.setup.control import Control
from ferryman.task.setup.spec import TaskSpec

CALL_SHARE = 0.6
"""The part of task.shutdown.graceful.timeout.ms that a call may take which is under way; the rest is for leaving."""
POLL_SECONDS = 0.2
"""Seconds between two checks whether the task is to end, while Kafka has not answered."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What the sessions of one task share."""

    spec: TaskSpec
    control: Control
    worker: WorkerConfig
    """The worker's settings; all keys of it as text are the spec's."""
    plugin: type[Any]
    """The connector's class."""
    config: Any
    """An instance of the plugin's config class."""
    clients: Clients
    chain: Chain
    outages: Outages
    meters: Meters
    run: RunKeys | None = None
    """The bounds of a sink that is a run."""
    source_run: SourceRunKeys | None = None
    """The bounds of a source that is a run."""

    def count_admin(self, admin: Admin) -> None:
        """A session has made this one; whether it is connected is a metric."""
        self.meters.admin = str(self.clients.admin().get("client.id", "")), admin

    @property
    def grace(self) -> float:
        """Seconds that a call may go on which is under way when the task is told to end."""
        return CALL_SHARE * self.worker.task_shutdown_graceful_timeout_ms / 1000

    def facts(self, admin: Admin) -> dict[str, Any]:
        """What every plugin's context holds. Raises RetriableError if the task is to end before Kafka has answered."""
        try:
            cluster = str(self._answer(admin.describe_cluster(request_timeout=30)).cluster_id)
        except KafkaException:
            admin.poll(0)  # lets it report why, see kafka.permissions
            raise
        return {"connector": self.spec.connector, "task": self.spec.task, "cluster": cluster, "raw": self.spec.config}

    def _answer(self, asked: "Future[Any]") -> Any:
        while not wait([asked], POLL_SECONDS).done:
            if self.control.stopping:
                raise RetriableError("the task is to end, and Kafka has not answered yet")
        return asked.result()


def patience(config: ConnectorConfig, again: bool = False) -> Patience:
    """How long the task puts up with other systems. ``again``: it has failed before, and is no stranger to whoever
    refuses; a second grace would only let its state flap."""
    return Patience(
        retrying=config.errors_retry_timeout / 1000 if config.errors_retry_timeout > 0 else None,
        tries=0 if again else config.tries_when_refused,
        longest_wait=config.errors_retry_delay_max_ms / 1000,
    )
