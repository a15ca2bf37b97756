"""The Kafka cluster of the worker: looked for in the background until it has answered once."""

import logging
import threading

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from ferryman.kafka import client_config
from ferryman.kafka.clients import QUIET
from ferryman.retry import backoff
from ferryman.settings.settings import Settings

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
LONGEST_WAIT = 15.0


class Cluster:
    """``id`` is None until the cluster has answered. It never changes after that: it is a cluster's name."""

    def __init__(self, settings: Settings) -> None:
        self.id: str | None = None
        self._settings = settings

    def look(self) -> None:
        """Begins to ask, in a thread of its own; returns at once."""
        threading.Thread(target=self._ask, name="cluster", daemon=True).start()

    def _ask(self) -> None:
        attempt = 0
        while self.id is None:
            try:
                admin = AdminClient(QUIET | client_config.worker_admin(self._settings.values).values)
                self.id = str(admin.describe_cluster(request_timeout=ANSWER_SECONDS).result().cluster_id)
            except (KafkaException, ValueError) as error:
                attempt += 1
                if attempt == 1:
                    self._warn(error)
                threading.Event().wait(backoff.delay(attempt, LONGEST_WAIT))

    def _warn(self, error: Exception) -> None:
        # Clients wait for a broker silently; with a wrong address nothing would be seen for a long time.
        servers = ",".join(self._settings.config.bootstrap_servers)
        reason = error.args[0].str() if isinstance(error, KafkaException) else error
        log.warning("Kafka at bootstrap.servers=%s does not answer; waiting for it: %s", servers, reason)
